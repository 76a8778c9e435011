from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.errors import CandleRejected
from ninja_daemon.core.market.candle import Candle, checked_candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series, is_instrument_name

MONDAY = parse_instant("2026-03-09T01:00:00Z")
prices = st.integers(-3, 8)


def test_a_good_candle_is_taken_as_it_is() -> None:
    assert checked_candle(Granularity.H4, MONDAY, 3, 5, 1, 2) == Candle(MONDAY, 3, 5, 1, 2)


@given(prices, prices, prices, prices)
def test_only_prices_that_can_be_true_make_a_candle(opened: int, high: int, low: int, close: int) -> None:
    possible = 0 < low <= min(opened, close) and max(opened, close) <= high
    if possible:
        assert checked_candle(Granularity.H4, MONDAY, opened, high, low, close) == (MONDAY, opened, high, low, close)
    else:
        with pytest.raises(CandleRejected, match="2026-03-09T01:00:00Z"):
            checked_candle(Granularity.H4, MONDAY, opened, high, low, close)


def test_a_candle_off_the_grid_is_refused_with_the_border_before_it() -> None:
    with pytest.raises(CandleRejected, match=r"17:00 New York grid, was 2026-03-09T02:00:00Z .*2026-03-09T01:00:00Z"):
        checked_candle(Granularity.H4, MONDAY + 3_600, 3, 5, 1, 2)


@pytest.mark.parametrize(
    ("decimals", "pip_location", "pip_digits"),
    [(6, -5, 1), (5, -4, 1), (4, -4, 0), (3, -2, 1), (2, -2, 0), (1, 0, 1), (0, 0, 0)],
)
def test_without_an_account_the_pip_follows_from_the_decimals(
    decimals: int, pip_location: int, pip_digits: int
) -> None:
    instrument = Instrument.from_decimals("EUR_USD", decimals)
    assert (instrument.pip_location, instrument.pip_digits) == (pip_location, pip_digits)


@pytest.mark.parametrize("name", ["EUR_USD", "SPX500_USD", "A_B"])
def test_names_of_instruments(name: str) -> None:
    assert is_instrument_name(name)


@pytest.mark.parametrize(
    "name", ["EURUSD", "EUR/USD", "eur_usd", "EUR_USD\n", "_USD", "EUR_USD_X", "ÄUR_USD", "A" * 17 + "_B"]
)
def test_what_is_no_instruments_name(name: str) -> None:
    assert not is_instrument_name(name)


def test_a_series_is_written_as_people_say_it() -> None:
    assert str(Series("EUR_USD", Granularity.H4, PriceSide.MID)) == "EUR_USD H4"
    assert str(Series("EUR_USD", Granularity.H4, PriceSide.BID)) == "EUR_USD H4 bid"
