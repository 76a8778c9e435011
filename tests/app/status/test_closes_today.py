"""How many of a day's closes were dealt with, and how near a cross was."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.app.status.closes_today import NearestGap, closes_between, closes_since
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts, Loaded

H4 = Strategy("A", "EUR_USD", Granularity.H4, 2, 4)
MIDNIGHT = parse_instant("2026-11-24T00:00:00Z")
SPRING = parse_instant("2026-03-06T12:00:00Z")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([Granularity.M4, Granularity.M30, Granularity.H1, Granularity.H3, Granularity.D]),
    st.sampled_from(MarketHours),
    st.integers(SPRING, SPRING + 5 * 86_400),
    st.integers(0, 2 * 86_400),
)
def test_closes_are_counted_as_one_after_the_other(
    granularity: Granularity, hours: MarketHours, after: int, length: int
) -> None:
    strategy = replace(H4, granularity=granularity, market_hours=hours)
    count, close = 0, hours.next_close(granularity, after)
    while close <= after + length:
        count, close = count + 1, hours.next_close(granularity, close)
    assert closes_between(strategy, after, after + length) == count


def stored(cursor: str, evaluated: int = 100) -> Loaded:
    at = parse_instant(f"2026-11-{cursor}:00:00Z")
    return Loaded(at, "", None, None, None, Counts(evaluated=evaluated))


@pytest.mark.parametrize(
    ("cursor", "now", "told", "missing"),
    [
        ("24T10", "14:00:01", "evaluated 4 of 4 closes today", False),
        ("24T06", "14:00:30", "evaluated 3 of 4 closes today", False),
        ("24T06", "14:02:00", "evaluated 3 of 4 closes today", True),
        ("23T22", "14:02:00", "evaluated 1 of 4 closes today", True),
        ("23T10", "01:59:00", "evaluated 0 of 0 closes today", False),
    ],
)
def test_what_the_cursor_has_passed_was_dealt_with(cursor: str, now: str, told: str, missing: bool) -> None:
    closes = closes_since(H4, stored(cursor), MIDNIGHT, parse_instant(f"2026-11-24T{now}Z"))
    assert closes is not None
    assert (closes.words("today"), closes.is_missing) == (told, missing)


def test_a_short_candle_is_missing_after_a_minute() -> None:
    one = replace(H4, granularity=Granularity.M1)
    loaded = Loaded(MIDNIGHT + 60, "", None, None, None, Counts(evaluated=9))
    found = [closes_since(one, loaded, MIDNIGHT, MIDNIGHT + at) for at in (180, 239, 240)]
    assert [closes is not None and closes.is_missing for closes in found] == [False, False, True]


def test_closes_before_the_first_start_are_not_due() -> None:
    closes = closes_since(H4, stored("24T10", evaluated=1), MIDNIGHT, MIDNIGHT + 14 * 3_600 + 1)
    assert closes is not None
    assert (closes.due, closes.dealt_with) == (1, 1)
    assert closes_since(replace(H4, enabled=False), stored("24T10"), MIDNIGHT, MIDNIGHT + 60) is None


def test_the_nearest_gap_is_told_with_its_close() -> None:
    nearest = NearestGap(Decimal("4.1234"), parse_instant("2026-11-24T14:00:00Z"))
    closes = closes_since(H4, stored("24T10"), MIDNIGHT, MIDNIGHT + 14 * 3_600 + 1, nearest)
    assert closes is not None
    assert closes.words("today") == "evaluated 4 of 4 closes today, nearest cross 4.1 pips at 14:00"
