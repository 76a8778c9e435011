"""What ``check`` says of the calendar of scheduled news, and of spreads that a filter never lets pass."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ninja_daemon.adapters.news.place import CalendarPlace
from ninja_daemon.app.checks.calendar import check_calendar
from ninja_daemon.app.checks.spreads import check_spreads
from ninja_daemon.core.errors import BrokerUnavailable
from ninja_daemon.core.filters.quiet_around import Quiet
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from tests.app.stored import EUR_USD, M15, candles
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

CLOCK = FakeClock()
RATE = {"title": "Rate", "country": "USD", "date": format_instant(int(CLOCK.time) + 7_200), "impact": "High"}
QUIET = replace(M15, filters=(("quiet_around", Quiet(("high",), 0, 60)),))


def codes(directory: Path, content: str, *strategies: Strategy, age: int = 60) -> list[str]:
    file = directory / "news.json"
    file.write_text(content)
    os.utime(file, (CLOCK.time - age, CLOCK.time - age))
    place = CalendarPlace(file, None, 86_400)
    return [one.code for one in check_calendar(place, strategies or [QUIET], CLOCK, offline=True)]


@pytest.mark.parametrize(
    ("content", "age", "found"),
    [
        (json.dumps([RATE]), 60, ["calendar"]),
        (json.dumps([RATE]), 100_000, ["calendar.old"]),
        ("<html>", 60, ["calendar.unreadable"]),
        (json.dumps([{**RATE, "date": "2020-01-01T10:00:00Z"}]), 60, ["calendar.past"]),
        (json.dumps([RATE, {**RATE, "date": "2030-01-01T10:00:00"}]), 60, ["calendar.zone"]),
        (json.dumps([{**RATE, "country": "JPY"}]), 60, ["calendar.idle"]),
    ],
)
def test_a_calendar_is_judged_as_the_daemon_would_read_it(
    tmp_path: Path, content: str, age: int, found: list[str]
) -> None:
    assert codes(tmp_path, content, age=age) == found


def test_a_calendar_that_nobody_goes_by_is_named_and_not_read(tmp_path: Path) -> None:
    assert codes(tmp_path, "<html>", M15) == ["calendar.unused"]
    assert not list(check_calendar(None, [QUIET], CLOCK, offline=True))
    url = CalendarPlace(None, Secret("https://example.org"), 1)
    assert not list(check_calendar(url, [QUIET], CLOCK, offline=True))


def spread_findings(limit: str, **filters: object) -> list[str]:
    strategy = replace(M15, filters=(*filters.items(), ("max_spread_pips", Decimal(limit))))
    shown = candles([110_000 + number % 7 for number in range(60)])
    # Narrow at the first quarter of each hour only.
    spreads = {one.time: 12 if one.time % 3_600 else 7 for one in shown}
    broker = FakeBroker({"EUR_USD": EUR_USD}, {M15.series: shown}, spreads={M15.series: spreads})
    return [finding.cause for finding in check_spreads(broker, [strategy, replace(M15, name="OTHER")])]


def test_a_spread_below_the_instruments_usual_one_is_named() -> None:
    assert spread_findings("0.7") == []
    (cause,) = spread_findings("0.65")
    assert cause.startswith(
        "none of the last 60 closes passes max_spread_pips = 0.65: the narrowest spread was 0.7 pips"
    )
    assert cause.endswith("the usual one 1.2")


def test_a_spread_and_a_session_that_never_meet_are_named_together() -> None:
    (cause,) = spread_findings("0.7", sessions=("00:00-00:10 UTC",))
    assert "passes max_spread_pips = 0.7 and sessions = ['00:00-00:10 UTC']" in cause


def test_a_broker_that_does_not_answer_is_no_verdict() -> None:
    strategy = replace(M15, filters=(("max_spread_pips", Decimal(1)),))
    broker = FakeBroker({}, {}, failing={M15.series: BrokerUnavailable("no")})
    with pytest.raises(BrokerUnavailable):
        list(check_spreads(broker, [strategy]))
