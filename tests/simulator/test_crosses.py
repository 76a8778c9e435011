"""Crosses of the demo's market are what their two dollar pairs say."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.simulator.markets.market import CrossMarket, RandomMarket, Row

NOON = 1_700_049_600
PAIRS = RandomMarket(7, always_open=True, pace=40)
MARKET = CrossMarket(PAIRS)


def candles(instrument: str, granularity: Granularity, *, spans: int = 12, now: float = NOON + 1e6) -> dict[int, Row]:
    rows = MARKET.rows(instrument, granularity, NOON, NOON + spans * granularity.seconds, now)
    return {row.time: row for row in rows}


def price(instrument: str, units: int) -> Fraction:
    return Fraction(units, 10 ** MARKET.listings[instrument].instrument.decimals)


@pytest.mark.parametrize("granularity", [Granularity.S5, Granularity.M1, Granularity.M15, Granularity.H4])
@pytest.mark.parametrize(
    ("cross", "base", "quote"),
    [("EUR_GBP", "EUR_USD", "GBP_USD"), ("EUR_JPY", "EUR_USD", "USD_JPY"), ("CAD_JPY", "USD_CAD", "USD_JPY")],
)
def test_a_cross_closes_where_its_pairs_do(cross: str, base: str, quote: str, granularity: Granularity) -> None:
    found = candles(cross, granularity)
    assert len(found) >= 11
    for time, row in found.items():
        assert row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
        pairs = [candles(pair, granularity).get(time) for pair in (base, quote)]
        if pairs[0] is None or pairs[1] is None:
            continue
        dollars = [
            price(pair, leg.close) ** (-1 if pair.startswith("USD_") else 1)
            for pair, leg in zip((base, quote), (pairs[0], pairs[1]), strict=True)
        ]
        assert abs(price(cross, row.close) - dollars[0] / dollars[1]) * 10_000 < 3 * price(cross, row.close)


def test_a_forming_candle_of_a_cross_grows_until_it_is_whole() -> None:
    whole = candles("EUR_GBP", Granularity.M1, spans=1)[NOON]
    early = candles("EUR_GBP", Granularity.M1, spans=1, now=NOON + 20.0)[NOON]
    assert early.open == whole.open
    assert early.volume < whole.volume
    assert whole.low <= early.low <= early.high <= whole.high


def test_a_coarser_candle_of_a_cross_is_the_finer_ones() -> None:
    minute, steps = candles("EUR_GBP", Granularity.M1, spans=1)[NOON], candles("EUR_GBP", Granularity.S5)
    assert (minute.high, minute.low) == (max(r.high for r in steps.values()), min(r.low for r in steps.values()))


def test_what_is_no_cross_is_the_other_markets() -> None:
    for name in ("EUR_USD", "XAU_USD", "SPX500_USD"):
        rows = MARKET.rows(name, Granularity.M1, NOON, NOON + 600, NOON + 1e6)
        assert rows == PAIRS.rows(name, Granularity.M1, NOON, NOON + 600, NOON + 1e6)
    assert MARKET.rows("EUR_GBP", Granularity.S5, NOON, NOON, NOON) == []


def test_the_first_price_of_a_cross_is_there_when_both_pairs_have_one() -> None:
    ticks = [MARKET.first_tick(name, Granularity.S5, NOON, NOON + 60) for name in ("EUR_GBP", "EUR_USD", "GBP_USD")]
    assert ticks[0] == max(ticks[1] or 0, ticks[2] or 0)
    assert MARKET.first_tick("EUR_GBP", Granularity.S5, NOON, NOON) is None


def test_the_demos_candles_make_stops_of_several_pips() -> None:
    for name, pip in (("EUR_USD", 10), ("EUR_GBP", 10), ("GBP_JPY", 10)):
        rows = candles(name, Granularity.S5, spans=720).values()
        mean_range = sum(row.high - row.low for row in rows) / len(rows) / pip
        assert 2 < mean_range < 60, (name, mean_range)
