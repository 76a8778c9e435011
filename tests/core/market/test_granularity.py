from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.market.granularity import NEW_YORK, Granularity, new_york_day_start, trading_day
from ninja_daemon.core.market.instant import format_instant, parse_instant

ROOT = Path(__file__).resolve().parents[3]
SHORT = [each for each in Granularity if each.seconds <= 3_600]
LONG = [each for each in Granularity if 3_600 < each.seconds < 86_400]


def at(text: str) -> int:
    return parse_instant(text)


def sunday(year: int, month: int, nth: int) -> date:
    """The day of a clock change: second Sunday of March, first of November."""
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))


CLOCK_CHANGES = [sunday(year, *change) for year in range(2007, 2041) for change in ((3, 2), (11, 1))]
near_a_clock_change = st.builds(
    lambda day, seconds: int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + seconds,
    st.sampled_from(CLOCK_CHANGES),
    st.integers(-3 * 86_400, 3 * 86_400),
)
anywhen = st.integers(0, 4_000_000_000)
instants = st.one_of(near_a_clock_change, anywhen)


def opens(granularity: Granularity, start: str, count: int) -> list[str]:
    opened, result = at(start), []
    for _ in range(count):
        result.append(format_instant(opened))
        opened = granularity.next_close(opened)
    return result


def hours(granularity: Granularity, start: str, count: int) -> list[str]:
    return [text[8:13].replace("T", " ") for text in opens(granularity, start, count)]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-06T06:00:00Z", ["06 06", "06 10", "06 14", "06 18", "06 22"]),
        ("2026-03-08T21:00:00Z", ["08 21", "09 01", "09 05", "09 09", "09 13", "09 17", "09 21"]),
        ("2026-10-30T05:00:00Z", ["30 05", "30 09", "30 13", "30 17", "30 21"]),
        ("2026-11-01T22:00:00Z", ["01 22", "02 02", "02 06", "02 10", "02 14", "02 18", "02 22"]),
    ],
)
def test_h4_candles_open_where_the_facts_say_around_both_clock_changes(start: str, expected: list[str]) -> None:
    assert hours(Granularity.H4, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("granularity", "winter", "summer"),
    [
        (Granularity.H2, range(0, 24, 2), range(1, 24, 2)),
        (Granularity.H3, [22, 1, 4, 7, 10, 13, 16, 19], [21, 0, 3, 6, 9, 12, 15, 18]),
        (Granularity.H4, [22, 2, 6, 10, 14, 18], [21, 1, 5, 9, 13, 17]),
        (Granularity.H6, [22, 4, 10, 16], [21, 3, 9, 15]),
        (Granularity.H8, [22, 6, 14], [21, 5, 13]),
        (Granularity.H12, [22, 10], [21, 9]),
        (Granularity.D, [22], [21]),
    ],
)
def test_candles_open_at_the_hours_of_the_facts_in_winter_and_summer(
    granularity: Granularity, winter: list[int], summer: list[int]
) -> None:
    for month, expected in ((1, winter), (7, summer)):
        midnights = [at(f"2025-{month:02}-15T{hour:02}:00:00Z") for hour in range(24)]
        assert [hour for hour, instant in enumerate(midnights) if granularity.is_border(instant)] == sorted(expected)


def test_weeks_start_on_friday_at_17_in_new_york_and_are_an_hour_short_in_march() -> None:
    assert opens(Granularity.W, "2019-03-08T22:00:00Z", 2) == ["2019-03-08T22:00:00Z", "2019-03-15T21:00:00Z"]


def test_months_start_at_17_on_the_last_day_of_the_month_before() -> None:
    assert opens(Granularity.M, "2023-12-31T22:00:00Z", 5) == [
        "2023-12-31T22:00:00Z",
        "2024-01-31T22:00:00Z",
        "2024-02-29T22:00:00Z",
        "2024-03-31T21:00:00Z",
        "2024-04-30T21:00:00Z",
    ]


def test_the_day_of_a_clock_change_has_23_or_25_hours() -> None:
    spring, autumn = at("2026-03-07T22:00:00Z"), at("2026-10-31T21:00:00Z")
    assert Granularity.D.next_close(spring) - spring == 23 * 3_600
    assert Granularity.D.next_close(autumn) - autumn == 25 * 3_600


@pytest.mark.parametrize(
    ("granularity", "start", "expected"),
    [
        # On 8 March 2026 New York's clocks jump from 02:00 to 03:00 (07:00Z), on 1 November from 02:00 back to 01:00.
        (Granularity.H2, "2026-03-08T04:00:00Z", ["08 04", "08 06", "08 07", "08 09"]),
        (Granularity.H3, "2026-03-08T04:00:00Z", ["08 04", "08 07", "08 09", "08 12"]),
        (Granularity.H2, "2026-11-01T03:00:00Z", ["01 03", "01 05", "01 08", "01 10"]),
        (Granularity.H3, "2026-11-01T03:00:00Z", ["01 03", "01 07", "01 10", "01 13"]),
    ],
)
def test_h2_and_h3_keep_to_the_wall_clock_on_the_days_of_the_changes(
    granularity: Granularity, start: str, expected: list[str]
) -> None:
    assert hours(granularity, start, 4) == expected


@given(st.sampled_from(list(Granularity)), instants)
def test_a_candle_opens_at_or_before_each_instant_and_closes_after_it(granularity: Granularity, instant: int) -> None:
    opened, close = granularity.open_at(instant), granularity.next_close(instant)
    assert opened <= instant < close
    assert granularity.is_border(opened)
    assert granularity.is_border(close)


@given(st.sampled_from(list(Granularity)), instants)
def test_closes_are_consecutive_across_clock_changes(granularity: Granularity, instant: int) -> None:
    opened, close = granularity.open_at(instant), granularity.next_close(instant)
    assert granularity.close_of(opened) == close
    assert granularity.open_at(close - 1) == opened
    assert granularity.last_close(close) == close
    assert granularity.last_close(close - 1) == opened


@given(st.sampled_from(SHORT), anywhen)
def test_up_to_an_hour_every_candle_has_its_nominal_length(granularity: Granularity, instant: int) -> None:
    opened = granularity.open_at(instant)
    assert granularity.next_close(instant) - opened == granularity.seconds
    assert opened % granularity.seconds == 0


@given(st.sampled_from(LONG), near_a_clock_change)
def test_above_an_hour_a_candle_is_at_most_an_hour_off_its_nominal_length(
    granularity: Granularity, instant: int
) -> None:
    length = granularity.next_close(instant) - granularity.open_at(instant)
    assert length - granularity.seconds in {-3_600, 0, 3_600}


@given(st.sampled_from([*LONG, Granularity.D, Granularity.W, Granularity.M]), instants)
def test_the_borders_of_long_candles_are_wall_clock_hours_of_new_york(granularity: Granularity, instant: int) -> None:
    opened = granularity.open_at(instant)
    local = datetime.fromtimestamp(opened, UTC).astimezone(NEW_YORK)
    assert (local.minute, local.second) == (0, 0)
    if granularity in {Granularity.D, Granularity.W, Granularity.M}:
        assert local.hour == 17
    if granularity is Granularity.W:
        assert local.weekday() == 4
    if granularity is Granularity.M:
        assert (local + timedelta(days=1)).day == 1


@given(instants)
def test_a_trading_day_begins_at_its_own_17_and_ends_at_the_next(instant: int) -> None:
    day = trading_day(instant)
    assert new_york_day_start(day) <= instant < new_york_day_start(day + timedelta(days=1))


@pytest.mark.parametrize("granularity", list(Granularity))
def test_every_granularity_is_found_by_the_brokers_name(granularity: Granularity) -> None:
    assert Granularity.named(granularity.name) is granularity


@pytest.mark.parametrize("name", ["H5", "h4", "M3", "", "H4 ", "x" * 1000])
def test_another_name_is_refused_with_the_list_of_those_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"must be one of S5 .* H4 .* M, was"):
        Granularity.named(name)


def test_nothing_depends_on_the_time_zone_of_the_machine() -> None:
    program = textwrap.dedent("""
        from ninja_daemon.core.market.granularity import Granularity
        from ninja_daemon.core.market.instant import format_instant, format_moment, parse_instant
        from ninja_daemon.core.market.market_hours import MarketHours
        for instant in range(1_772_000_000, 1_795_000_000, 1_234_567):
            print(format_instant(instant), format_moment(instant + 0.25), parse_instant(format_instant(instant)))
            for granularity in Granularity:
                print(granularity.open_at(instant), MarketHours.FX.next_close(granularity, instant))
    """)
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "TZ": zone},
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
        for zone in ("UTC", "America/New_York", "Asia/Tokyo", "Europe/London", "Pacific/Chatham")
    }
    assert len(answers) == 1
    assert len(answers.pop().splitlines()) > 400
