"""The random market: one walk, whoever looks, from whatever time, in whatever granularity."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.market.granularity import Granularity, new_york_day_start
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.simulator.markets.market import RandomMarket, Row
from ninja_daemon.simulator.markets.quotes import aggregated, joined

STRATEGIES = ("AUD_USD", "EUR_GBP", "EUR_USD", "GBP_JPY", "GBP_USD", "NZD_USD", "USD_CAD", "USD_JPY")
DAY = 86_400
FAR = float(parse_instant("2045-01-01T00:00:00Z"))
MONDAY = new_york_day_start(date(2026, 3, 2))
MARKET = RandomMarket(1)
NEVER_CLOSED = RandomMarket(1, always_open=True)

FINER: list[tuple[Granularity, Granularity]] = [
    (finer, coarser)
    for finer, coarser in pairwise(Granularity)
    if coarser.seconds % finer.seconds == 0 and coarser is not Granularity.M
]
FINER += [
    (Granularity.S5, Granularity.M15),
    (Granularity.M15, Granularity.H4),
    (Granularity.H1, Granularity.D),
    (Granularity.M10, Granularity.H8),
    (Granularity.D, Granularity.M),
]


def rows(
    granularity: Granularity,
    start: Instant,
    end: Instant,
    *,
    now: float = FAR,
    market: RandomMarket = MARKET,
    instrument: str = "EUR_USD",
) -> list[Row]:
    return list(market.rows(instrument, granularity, start, end, now))


def steps_between(granularity: Granularity, start: Instant, end: Instant) -> list[Row]:
    return rows(granularity, granularity.open_at(start), end)


@pytest.mark.parametrize(("finer", "coarser"), FINER, ids=[f"{finer.name}-{coarser.name}" for finer, coarser in FINER])
@pytest.mark.parametrize("market", [MARKET, NEVER_CLOSED], ids=["fx", "always"])
def test_a_coarser_candle_is_exactly_the_finer_ones_it_covers(
    market: RandomMarket, finer: Granularity, coarser: Granularity
) -> None:
    start = coarser.open_at(MONDAY + 9 * 3_600)
    end = start
    for _ in range(2 if coarser.seconds >= Granularity.D.seconds else 6):
        end = coarser.next_close(end)
    expected = aggregated(rows(finer, start, end, market=market), coarser)
    assert rows(coarser, start, end, market=market) == expected
    assert expected


@given(
    second=st.integers(0, 20 * 365 * DAY),
    granularities=st.sampled_from(FINER),
    instrument=st.sampled_from(STRATEGIES),
)
def test_at_any_time_since_2005_every_granularity_shows_the_same_prices(
    second: int, granularities: tuple[Granularity, Granularity], instrument: str
) -> None:
    finer, coarser = granularities
    if coarser.seconds > 60 * finer.seconds:
        finer = Granularity.M1 if coarser.seconds <= Granularity.H12.seconds else Granularity.H1
    opened = coarser.open_at(parse_instant("2005-01-03T00:00:00Z") + second)
    whole = rows(coarser, opened, opened + 1, instrument=instrument)
    parts = rows(finer, opened, coarser.close_of(opened), instrument=instrument)
    assert whole == ([joined(opened, parts)] if parts else [])


@given(
    cuts=st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=6, unique=True),
    granularity=st.sampled_from([Granularity.M1, Granularity.M15, Granularity.H4, Granularity.S30]),
)
def test_however_a_span_is_cut_into_windows_the_same_candles_come(cuts: list[int], granularity: Granularity) -> None:
    borders = [MONDAY, *sorted(MONDAY + cut for cut in cuts), MONDAY + 3 * DAY]
    pieces = [row for start, end in pairwise(borders) for row in rows(granularity, start, end)]
    assert pieces == rows(granularity, MONDAY, MONDAY + 3 * DAY)


def test_a_seed_is_a_market_and_another_seed_another() -> None:
    span = (Granularity.M1, MONDAY, MONDAY + DAY)
    assert rows(*span, market=RandomMarket(1)) == rows(*span)
    assert rows(*span, market=RandomMarket(2)) != rows(*span)
    assert rows(*span, instrument="GBP_USD") != rows(*span)


def test_one_seed_is_one_market_on_every_machine() -> None:
    """Figures that must never change without a line in the changelog: somebody may have written them down."""
    (hour,) = rows(Granularity.H1, MONDAY + 12 * 3_600, MONDAY + 12 * 3_600 + 1)
    (step,) = rows(Granularity.S5, MONDAY + 12 * 3_600 + 60, MONDAY + 12 * 3_600 + 61)
    assert hour == Row(parse_instant("2026-03-03T10:00:00Z"), 111332, 111467, 111078, 111440, 1632)
    assert step == Row(parse_instant("2026-03-03T10:01:00Z"), 111324, 111333, 111311, 111313, 3)


def test_what_was_asked_before_changes_nothing() -> None:
    fresh, used = RandomMarket(3), RandomMarket(3)
    for granularity in (Granularity.S5, Granularity.H1, Granularity.W, Granularity.M2):
        rows(granularity, MONDAY - DAY, MONDAY + DAY, market=used)
    span = (Granularity.S15, MONDAY + 5_000, MONDAY + 50_000)
    assert rows(*span, market=used) == rows(*span, market=fresh)


def test_many_threads_see_one_market() -> None:
    market, start = RandomMarket(4), threading.Barrier(4)

    def look(place: int) -> list[Row]:
        start.wait(5)
        return rows(Granularity.M1, MONDAY + place % 2, MONDAY + DAY, market=market)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(look, range(4)))
    assert answers[0] == answers[2]
    assert answers[1] == answers[3] == answers[0][-len(answers[1]) :]


def test_every_candle_is_possible() -> None:
    for instrument in MARKET.listings:
        for granularity in (Granularity.S5, Granularity.H4, Granularity.D):
            span = 3_600 if granularity is Granularity.S5 else 60 * DAY
            found = rows(granularity, MONDAY, MONDAY + span, instrument=instrument)
            assert found
            for row in found:
                assert 0 < row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
                assert row.volume > 0
                assert granularity.is_border(row.time)


def test_the_instruments_of_all_strategies_are_there_with_the_brokers_precision() -> None:
    for name in STRATEGIES:
        instrument = MARKET.listings[name].instrument
        assert (instrument.decimals, instrument.pip_location) == ((3, -2) if name.endswith("JPY") else (5, -4))
    assert all(listing.spread % 2 == 0 and listing.spread > 0 for listing in MARKET.listings.values())


def test_prices_wander_but_stay_of_a_size() -> None:
    days = rows(Granularity.D, MARKET.begins, int(FAR))
    closes = [row.close for row in days]
    assert len(days) > 10_000
    assert 112_000 * 7 // 8 <= min(closes) < 100_000
    assert 124_000 < max(closes) <= 112_000 * 9 // 8


# ------------------------------------------------------------------------------------------------------------- hours


def opens_of(granularity: Granularity, start: str, end: str, market: RandomMarket = MARKET) -> list[str]:
    return [
        format_instant(row.time) for row in rows(granularity, parse_instant(start), parse_instant(end), market=market)
    ]


def test_the_week_and_both_clock_changes_are_those_of_new_york() -> None:
    spring = opens_of(Granularity.H4, "2026-03-06T05:00:00Z", "2026-03-09T05:30:00Z")
    assert spring == [
        *(f"2026-03-06T{hour}:00:00Z" for hour in ("06", "10", "14", "18")),
        "2026-03-08T21:00:00Z",
        "2026-03-09T01:00:00Z",
        "2026-03-09T05:00:00Z",
    ]
    autumn = opens_of(Granularity.H4, "2026-10-30T05:00:00Z", "2026-11-02T06:30:00Z")
    assert autumn == [
        *(f"2026-10-30T{hour}:00:00Z" for hour in ("05", "09", "13", "17")),
        "2026-11-01T22:00:00Z",
        "2026-11-02T02:00:00Z",
        "2026-11-02T06:00:00Z",
    ]


def test_weeks_carry_the_friday_before_and_days_the_evening_before() -> None:
    assert opens_of(Granularity.W, "2026-03-06T21:00:00Z", "2026-03-20T00:00:00Z") == [
        "2026-03-06T22:00:00Z",
        "2026-03-13T21:00:00Z",
    ]
    assert opens_of(Granularity.D, "2026-03-05T00:00:00Z", "2026-03-11T00:00:00Z") == [
        "2026-03-05T22:00:00Z",
        "2026-03-08T21:00:00Z",
        "2026-03-09T21:00:00Z",
        "2026-03-10T21:00:00Z",
    ]


def test_a_market_that_never_closes_has_days_of_23_and_25_hours() -> None:
    for day, hours in ((date(2026, 3, 7), 23), (date(2026, 10, 31), 25), (date(2026, 6, 6), 24)):
        start, end = (new_york_day_start(date.fromordinal(day.toordinal() + step)) for step in (0, 1))
        found = rows(Granularity.H1, start, end, market=NEVER_CLOSED)
        assert [row.time for row in found] == list(range(start, end, 3_600))
        assert len(found) == hours
        (whole,) = rows(Granularity.D, start, end, market=NEVER_CLOSED)
        assert whole == joined(start, found)


def test_nothing_trades_on_weekends_and_on_the_two_holidays() -> None:
    closed = [
        ("2026-11-13T22:00:00Z", "2026-11-15T22:00:00Z"),
        ("2026-12-24T22:00:00Z", "2026-12-25T22:00:00Z"),
        ("2018-12-31T22:00:00Z", "2019-01-01T22:00:00Z"),
    ]
    for start, end in closed:
        assert opens_of(Granularity.M1, start, end) == []
        assert opens_of(Granularity.D, start, end) == []
        assert opens_of(Granularity.M1, start, end, NEVER_CLOSED)
    assert opens_of(Granularity.M1, "2019-01-01T22:00:00Z", "2019-01-01T22:04:00Z") == ["2019-01-01T22:03:00Z"]


def test_no_prices_around_17_00_new_york_and_the_quarter_keeps_its_time() -> None:
    minutes = opens_of(Granularity.M1, "2026-11-18T21:50:00Z", "2026-11-18T22:10:00Z")
    assert "2026-11-18T21:57:00Z" in minutes
    assert not [minute for minute in minutes if "2026-11-18T21:58" <= minute < "2026-11-18T22:03"]
    assert "2026-11-18T22:00:00Z" in opens_of(Granularity.M15, "2026-11-18T22:00:00Z", "2026-11-18T22:15:00Z")
    assert len(opens_of(Granularity.M1, "2026-11-18T21:50:00Z", "2026-11-18T22:10:00Z", NEVER_CLOSED)) >= 18


def test_some_steps_are_quiet_and_almost_no_quarter_is() -> None:
    start, end = MONDAY, MONDAY + 4 * DAY
    share = len(rows(Granularity.S5, start, end, market=NEVER_CLOSED)) / ((end - start) // 5)
    assert 0.75 < share < 0.97
    minutes = {row.time for row in rows(Granularity.M1, start, end, market=NEVER_CLOSED)}
    assert 0 < (end - start) // 60 - len(minutes) < 60
    quarters = [row.time for row in rows(Granularity.M15, start, end)]
    assert quarters == list(range(start, end, 900))


def test_a_day_is_busiest_when_london_and_new_york_are_open() -> None:
    volumes: dict[int, int] = {}
    for row in rows(Granularity.H1, MONDAY, MONDAY + 4 * DAY):
        hour = (row.time - MONDAY) // 3_600 % 24
        volumes[hour] = volumes.get(hour, 0) + row.volume
    assert sum(volumes[hour] for hour in range(15, 19)) > 3 * sum(volumes[hour] for hour in range(4))


def test_stray_fridays_have_one_candle_of_one_to_three_prices_after_the_close() -> None:
    market = RandomMarket(1, stray_fridays=True)
    fridays = [Granularity.W.open_at(MONDAY + week * 7 * DAY) for week in range(52)]
    up_to_a_day = [granularity for granularity in Granularity if granularity.seconds <= DAY]
    strays = []
    for friday in fridays:
        # Two hours less than two days: when clocks change, Sunday's open comes an hour earlier.
        found = [rows(granularity, friday, friday + 46 * 3_600, market=market) for granularity in up_to_a_day]
        if found[0]:
            strays.append(friday)
            (day,) = found[-1]
            assert all(candles == [day] for candles in found)
            assert (day.time, day.high) == (friday, day.low)
            assert day.volume in {1, 2, 3}
            assert not MarketHours.FX.is_open(day.time)
        else:
            assert not any(found)
    assert 4 <= len(strays) <= 20
    plain = [row for row in rows(Granularity.D, fridays[0], fridays[-1]) if row.time not in strays]
    assert plain == [
        row for row in rows(Granularity.D, fridays[0], fridays[-1], market=market) if row.time not in strays
    ]


# ------------------------------------------------------------------------------------------------------------ forming


def test_a_forming_candle_appears_with_its_first_price_and_grows_until_it_is_whole() -> None:
    opened = MONDAY + 12 * 3_600 + 1_800
    close = opened + 60
    (whole,) = rows(Granularity.M1, opened, close)
    tick = MARKET.first_tick("EUR_USD", Granularity.M1, opened, close)
    assert tick is not None
    assert rows(Granularity.M1, opened, close, now=tick - 0.001) == []
    seen = [
        row
        for moment in range(int(tick * 4), close * 4)
        for row in rows(Granularity.M1, opened, close, now=moment / 4 + 0.2)
    ]
    assert seen[0].open == whole.open
    for before, after in pairwise(seen):
        assert after.time == before.time
        assert after.open == before.open
        assert after.high >= before.high
        assert after.low <= before.low
        assert after.volume >= before.volume
    assert seen[-1] == whole
    assert len({row.close for row in seen}) > 5


@given(now=st.integers(MONDAY * 1000, (MONDAY + 3 * DAY) * 1000).map(lambda at: at / 1000))
def test_at_every_moment_all_granularities_agree_on_what_has_been(now: float) -> None:
    opened = Granularity.H1.open_at(int(now))
    steps = rows(Granularity.S5, opened, opened + 3_600, now=now)
    for granularity in (Granularity.S30, Granularity.M1, Granularity.M5, Granularity.H1):
        assert rows(granularity, opened, opened + 3_600, now=now) == aggregated(steps, granularity)
    for day in rows(Granularity.D, MONDAY, MONDAY + 3 * DAY, now=now)[-1:]:
        hours = rows(Granularity.H1, day.time, day.time + DAY, now=now)
        assert day == joined(day.time, hours)


def test_nothing_of_the_future_is_shown() -> None:
    now = MONDAY + 36_000.0
    for granularity in Granularity:
        found = rows(granularity, MONDAY - 40 * DAY, MONDAY + 40 * DAY, now=now) if granularity.seconds > 900 else []
        assert all(row.time <= now for row in found)
    assert rows(Granularity.S5, int(now) + 5, int(now) + 500, now=now) == []
    assert rows(Granularity.D, 0, MARKET.begins, now=now) == []
    assert rows(Granularity.D, 0, int(FAR), now=float(MARKET.begins - 1)) == []


def test_the_first_price_is_found_across_quiet_steps_not_over_a_weekend() -> None:
    friday = parse_instant("2026-11-13T21:57:55Z")
    sunday = parse_instant("2026-11-15T22:00:00Z")
    assert MARKET.first_tick("EUR_USD", Granularity.M1, friday + 5, sunday) is None
    first = MARKET.first_tick("EUR_USD", Granularity.M1, friday + 5, sunday + 600)
    assert first is not None
    assert sunday + 180 <= first < sunday + 240
    assert MARKET.first_tick("EUR_USD", Granularity.M1, int(first) + 1, int(first) + 1) is None
