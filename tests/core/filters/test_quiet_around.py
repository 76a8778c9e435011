"""Quiet around scheduled news: which closes are too near, what a calendar said when, and what is said of it."""

from __future__ import annotations

import pytest

from ninja_daemon.core.filters.quiet_around import NO_QUIET, Quiet, quiet_times
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar, Known, NewsEvent, Reading
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_of
from tests.core.series import rules_of

AT = parse_instant("2026-03-06T13:30:00Z")
PAYROLLS = NewsEvent(AT, "USD", "high", "Non-Farm Payrolls")
QUIET = Quiet(("high",), 900, 1_800)


def calendar(*events: NewsEvent, begun: int | None = None, readings: tuple[Reading, ...] = ()) -> Calendar:
    return Calendar(begun, [Known(one, 0) for one in sorted(events)], readings, max_age=3_600)


@pytest.mark.parametrize(
    ("seconds", "is_near"), [(-901, False), (-900, True), (0, True), (1_799, True), (1_800, False)]
)
def test_a_close_is_near_from_before_the_event_until_after_it(seconds: int, is_near: bool) -> None:
    times = quiet_times(QUIET, "EUR_USD", calendar(PAYROLLS))
    assert (times.at(AT + seconds) is not None) is is_near
    assert times.times_at([AT + seconds]) == [AT if is_near else 0]


@pytest.mark.parametrize(
    ("event", "instrument", "quiet", "counts"),
    [
        (PAYROLLS, "EUR_USD", QUIET, True),
        (PAYROLLS, "EUR_GBP", QUIET, False),
        (PAYROLLS, "EUR_GBP", Quiet(("high",), 0, 0, ("USD",)), True),
        (PAYROLLS, "EUR_USD", Quiet(("high",), 0, 0, ("EUR",)), False),
        (PAYROLLS, "EUR_USD", Quiet(("medium", "low"), 0, 0), False),
        (PAYROLLS._replace(currency="ALL"), "EUR_GBP", QUIET, True),
        (PAYROLLS, "XAU_USD", QUIET, True),
    ],
)
def test_an_event_counts_by_impact_and_currency(event: NewsEvent, instrument: str, quiet: Quiet, counts: bool) -> None:
    assert quiet.concerns(event, instrument) is counts


def test_what_the_calendar_did_not_say_at_the_close_plays_no_part() -> None:
    put_off, added = Known(PAYROLLS, AT - 9_000, AT - 600), Known(PAYROLLS._replace(time=AT + 60), AT + 120)
    known = Calendar(AT - 10_000, [put_off, added])
    times = quiet_times(QUIET, "EUR_USD", known)
    assert times.at(AT - 700) == PAYROLLS
    assert times.at(AT) is None
    assert times.at(AT + 120) == added.event
    as_it_stands = Calendar(AT + 10_000, known.events)
    assert quiet_times(QUIET, "EUR_USD", as_it_stands).at(AT) == added.event


def test_a_calendar_is_old_by_its_last_reading_before_the_close() -> None:
    read = calendar(begun=AT, readings=(Reading(AT + 10, AT - 3_000), Reading(AT + 5_000, AT + 4_000)))
    assert [read.is_old(AT + seconds) for seconds in (-1, 0, 10, 600, 601, 5_000, 7_601)] == [
        *(False, True, False, False, True, False, True),
    ]
    assert not NO_CALENDAR.is_old(AT)
    assert not NO_QUIET.calendar.is_old(AT)


def test_a_signal_of_an_old_calendar_is_marked_and_why_says_so() -> None:
    rules = rules_of(filters=(("quiet_around", QUIET),)).seeing(calendar=calendar(PAYROLLS, begun=AT - 99_999))
    one, judge = rules.judges[-1]
    assert one.name == "quiet_around"
    candle = Candle(AT + 7_200, 110_000, 110_000, 110_000, 110_000)
    known = ((110_001, 1), (110_000, 1), 3, 600, (1, 1), (1, 1), None)
    passed = rules.cross(Side.BUY, candle, known)
    assert (passed.rejected_by, signal_of(rules, passed, 0.0).calendar_old) == (None, True)
    limit = "none, from 15 min before high news of EUR USD to 30 min after"
    assert judge.compared(passed.moment) == ("none; the calendar was old", limit)
    rejected = rules.cross(Side.BUY, candle._replace(time=AT), known)
    assert rejected.rejected_by is one
    assert judge.compared(rejected.moment)[0] == "USD Non-Farm Payrolls (high) at 13:30Z"
