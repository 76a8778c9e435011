from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, parse_instant
from ninja_daemon.core.market.market_hours import MarketHours, closed_weekend

FX, ALWAYS = MarketHours.FX, MarketHours.ALWAYS
instants = st.integers(1_300_000_000, 2_200_000_000)


def at(text: str) -> int:
    return parse_instant(f"{text}:00Z")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-06T21:59", True),  # Friday 16:59 in New York, winter
        ("2026-03-06T22:00", False),
        ("2026-03-07T12:00", False),
        ("2026-03-08T20:59", False),  # Sunday 16:59, summer time since that morning
        ("2026-03-08T21:00", True),
        ("2026-07-10T20:59", True),
        ("2026-07-10T21:00", False),
        ("2025-12-24T21:59", True),
        ("2025-12-24T22:00", False),  # 17:00 on 24 December
        ("2025-12-25T21:59", False),
        ("2025-12-25T22:00", True),
        ("2025-12-31T22:00", False),
        ("2026-01-01T22:00", True),
        ("2026-04-03T12:00", True),  # Good Friday
    ],
)
def test_the_week_of_the_facts_with_its_holidays(moment: str, is_open: bool) -> None:
    assert FX.is_open(at(moment)) is is_open
    assert ALWAYS.is_open(at(moment))


@pytest.mark.parametrize(
    ("granularity", "after", "expected"),
    [
        ("H4", "2026-03-06T21:59", "2026-03-06T22:00"),
        ("H4", "2026-03-06T22:00", "2026-03-09T01:00"),  # the weekend, and the clocks change in it
        ("M1", "2026-03-07T12:34", "2026-03-08T21:01"),
        ("D", "2026-03-06T22:00", "2026-03-09T21:00"),
        ("D", "2025-12-24T22:00", "2025-12-26T22:00"),
        ("H1", "2025-12-24T22:30", "2025-12-25T23:00"),
        ("W", "2026-03-06T22:00", "2026-03-13T21:00"),
        ("M", "2026-03-31T21:00", "2026-04-30T21:00"),
    ],
)
def test_the_next_close_is_that_of_a_candle_with_open_hours(granularity: str, after: str, expected: str) -> None:
    assert format_instant(FX.next_close(Granularity[granularity], at(after)))[:16] == expected


@pytest.mark.parametrize(
    ("granularity", "moment", "expected"),
    [
        ("H4", "2026-03-09T00:59", "2026-03-06T22:00"),
        ("H4", "2026-03-09T01:00", "2026-03-09T01:00"),
        ("M1", "2026-03-08T21:00", "2026-03-06T22:00"),
        ("D", "2026-03-08T21:00", "2026-03-06T22:00"),
        ("D", "2025-12-25T23:00", "2025-12-24T22:00"),
        ("W", "2026-03-10T00:00", "2026-03-06T22:00"),
    ],
)
def test_the_last_close_is_that_of_a_candle_with_open_hours(granularity: str, moment: str, expected: str) -> None:
    assert format_instant(FX.last_close(Granularity[granularity], at(moment)))[:16] == expected


@given(st.sampled_from(list(Granularity)), instants)
def test_always_open_hours_are_the_grid_itself(granularity: Granularity, instant: int) -> None:
    assert ALWAYS.next_close(granularity, instant) == granularity.next_close(instant)
    assert ALWAYS.last_close(granularity, instant) == granularity.last_close(instant)


@given(st.sampled_from([each for each in Granularity if each.seconds >= 1_800]), instants)
def test_no_candle_with_open_hours_lies_between_the_last_and_the_next_close(
    granularity: Granularity, instant: int
) -> None:
    last, following = FX.last_close(granularity, instant), FX.next_close(granularity, instant)
    assert last <= instant < following
    closes, close = [], last
    while close < following:
        opened, close = close, granularity.next_close(close)
        closes.append((FX.opens_between(opened, close), close))
    assert [close for is_open, close in closes if is_open] == [following]
    assert FX.opens_between(granularity.open_at(last - 1), last)


@given(st.sampled_from(list(Granularity)), instants, instants)
def test_open_hours_of_a_span_are_those_of_its_instants(granularity: Granularity, one: int, other: int) -> None:
    del granularity
    start, end = sorted((one, other))
    end = min(end, start + 20 * 86_400)
    expected = any(FX.is_open(moment) for moment in (*range(start, end, 1_800), end - 1) if start <= moment < end)
    assert FX.opens_between(start, end) == expected


@given(
    st.sampled_from([Granularity.M30, Granularity.H1, Granularity.H4, Granularity.D, Granularity.W]),
    instants,
    st.integers(0, 120),
)
def test_missing_candles_are_counted_as_by_walking_along_the_grid(
    granularity: Granularity, instant: int, steps: int
) -> None:
    earlier = granularity.open_at(instant)
    later, expected = granularity.next_close(earlier), 0
    for _ in range(steps):
        following = granularity.next_close(later)
        expected += FX.opens_between(later, following)
        later = following
    assert FX.missing_between(granularity, earlier, later) == expected


def test_a_weekend_misses_nothing_and_a_lost_monday_does() -> None:
    friday, sunday, tuesday = at("2026-03-06T18:00"), at("2026-03-08T21:00"), at("2026-03-10T01:00")
    assert FX.missing_between(Granularity.H4, friday, sunday) == 0
    assert FX.missing_between(Granularity.H4, friday, tuesday) == 7
    assert ALWAYS.missing_between(Granularity.H4, friday, sunday) == 12


def test_counting_missing_candles_ends_at_its_limit() -> None:
    assert FX.missing_between(Granularity.S5, at("2020-01-06T00:00"), at("2026-01-05T00:00"), limit=100) == 100


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-25T12:00", "2026-11-20T23:00", "2026-11-22T21:00"),
        ("2026-11-28T12:00", "2026-11-27T23:00", "2026-11-28T12:00"),
        ("2026-11-29T21:30", "2026-11-27T23:00", "2026-11-29T21:00"),
        ("2026-11-27T22:30", "2026-11-20T23:00", "2026-11-22T21:00"),
        ("2026-07-08T00:00", "2026-07-03T22:00", "2026-07-05T20:00"),
    ],
)
def test_the_newest_closed_weekend_without_its_edges(now: str, start: str, end: str) -> None:
    assert closed_weekend(at(now)) == (at(start), at(end))
