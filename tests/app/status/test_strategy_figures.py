"""The figures of ``status``: exact, and honest about what is late."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, strategies as st

from ninja_daemon.app.status.shared.averages import averages_of, cross_price
from ninja_daemon.app.status.strategy_figures import rejection_words, strategy_figures
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts, Loaded
from tests.app.stored import EUR_USD, M15, START, candles

H4 = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, fast_ma=3, slow_ma=8, atr_period=5)


def state_after(closes: Sequence[int], strategy: Strategy = M15, instrument: Instrument = EUR_USD) -> StrategyState:
    rules = Rules(strategy, instrument)
    state = rules.empty_state()
    for candle in candles(closes):
        state, _ = rules.advance(state, candle)
    return state


def stored(cursor: int | None, state: StrategyState | None = None) -> Loaded:
    return Loaded(cursor, "", state, EUR_USD if state else None, None, Counts())


# --- averages -------------------------------------------------------------------------------------------------------


def test_averages_gap_and_range_are_those_of_the_definition() -> None:
    closes = [110_000 + 7 * number * number for number in range(12)]
    averages = averages_of(M15, state_after(closes), EUR_USD)
    fast, slow = Fraction(sum(closes[-3:]), 3), Fraction(sum(closes[-8:]), 8)
    assert averages.close == Decimal(closes[-1]).scaleb(-5)
    assert averages.fast == Decimal(round(fast * 10**5)).scaleb(-10)
    assert averages.slow == Decimal(round(slow * 10**5)).scaleb(-10)
    assert averages.gap_pips == Decimal(round(fast - slow)).scaleb(-1)
    assert averages.atr is not None
    assert averages.warm == 8


def test_while_the_averages_fill_up_it_is_said_how_far() -> None:
    averages = averages_of(M15, state_after([110_000] * 5), EUR_USD)
    assert (averages.fast, averages.slow, averages.gap_pips, averages.cross_price) == (Decimal("1.1"), None, None, None)
    assert (averages.atr, averages.warm) == (None, 5)


@given(st.lists(st.integers(50_000, 150_000), min_size=9, max_size=30), st.integers(1, 6), st.integers(1, 8))
def test_the_cross_price_is_where_the_next_candle_turns_the_side(closes: list[int], fast: int, slow: int) -> None:
    assume(fast != slow)
    strategy = Strategy("S", "EUR_USD", Granularity.M15, fast_ma=fast, slow_ma=slow, atr_period=2)
    rules = Rules(strategy, EUR_USD)
    state = state_after(closes, strategy)
    price = cross_price(state)
    assume(price is not None and price > 2 and state.side is not None)
    assert price is not None
    above = averages_of(strategy, state, EUR_USD).cross_above
    beyond, before = (price + 1, price - 1) if above else (price - 1, price + 1)
    next_open = START + 900 * len(closes)
    for close, turns in ((beyond, True), (before, False)):
        after, _ = rules.advance(state, Candle(next_open, close, close, close, close))
        assert (after.side is not state.side) == turns


@pytest.mark.parametrize("kind", list(MovingAverageKind))
def test_every_kind_of_average_has_its_cross_price(kind: MovingAverageKind) -> None:
    strategy = Strategy("S", "EUR_USD", Granularity.M15, fast_ma=4, slow_ma=9, atr_period=2, ma_type=kind)
    closes = [110_000 + (number % 11) * 13 for number in range(80)]
    state = state_after(closes, strategy)
    price = cross_price(state)
    assert price is not None
    assert state.side is not None
    rules = Rules(strategy, EUR_USD)
    opened = START + 900 * len(closes)
    sides = {
        rules.advance(state, Candle(opened, close, close, close, close))[0].side for close in (price + 2, price - 2)
    }
    assert sides == {Side.BUY, Side.SELL}


def test_equal_averages_have_no_cross_price() -> None:
    strategy = Strategy("S", "EUR_USD", Granularity.M15, fast_ma=4, slow_ma=4, atr_period=2)
    assert cross_price(state_after([110_000, 120_000] * 10, strategy)) is None


# --- where it stands ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "cursor", "condition", "behind", "stale"),
    [
        # Wednesday: the candle of 14:00 closes at 18:00.
        ("2022-03-02T18:00:30Z", "2022-03-02T14:00:00Z", "up to date", 0, False),
        ("2022-03-02T18:00:30Z", "2022-03-02T10:00:00Z", "waiting for the candle to complete", 1, False),
        ("2022-03-02T18:05:00Z", "2022-03-02T10:00:00Z", "stale: 1 candle behind", 1, True),
        ("2022-03-02T18:05:00Z", "2022-03-01T10:00:00Z", "stale: 7 candles behind", 7, True),
        # Saturday: the last candle is Friday's, 18:00 to 22:00 UTC.
        ("2022-03-05T12:00:00Z", "2022-03-04T18:00:00Z", "up to date, market closed", 0, False),
        ("2022-03-05T12:00:00Z", "2022-03-04T10:00:00Z", "stale: 2 candles behind", 2, True),
        # Sunday evening, the market has opened and no candle has closed yet.
        ("2022-03-06T22:30:00Z", "2022-03-04T18:00:00Z", "up to date", 0, False),
    ],
)
def test_where_a_strategy_stands(now: str, cursor: str, condition: str, behind: int, *, stale: bool) -> None:
    figures = strategy_figures(H4, stored(parse_instant(cursor)), float(parse_instant(now)))
    assert (figures.condition, figures.behind, figures.is_stale) == (condition, behind, stale)


@pytest.mark.parametrize(("seconds", "stale"), [(14.0, False), (60.0, False), (110.0, True)])
def test_some_quiet_steps_of_five_seconds_are_no_trouble(seconds: float, *, stale: bool) -> None:
    strategy = Strategy("s", "EUR_USD", Granularity.S5, 3, 8, market_hours=MarketHours.ALWAYS)
    assert strategy_figures(strategy, stored(START), START + 5 + seconds).is_stale is stale


def test_the_next_close_is_that_of_the_next_week_when_the_market_is_closed() -> None:
    figures = strategy_figures(H4, stored(None), float(parse_instant("2022-03-05T12:00:00Z")))
    assert figures.next_close == parse_instant("2022-03-07T02:00:00Z")
    assert (figures.condition, figures.is_stale) == ("not started yet", False)


def test_what_the_daemon_says_it_waits_for_comes_first() -> None:
    figures = strategy_figures(H4, stored(None), 1.6e9, "the broker is away")
    assert (figures.condition, figures.is_stale) == ("the broker is away", True)


def test_a_market_that_never_closes_is_never_said_to_be_closed() -> None:
    always = Strategy("S", "BTC_USD", Granularity.H4, 3, 8, market_hours=MarketHours.ALWAYS)
    figures = strategy_figures(
        always, stored(parse_instant("2022-03-05T06:00:00Z")), float(parse_instant("2022-03-05T12:00:00Z"))
    )
    assert figures.condition == "up to date"


def test_rejections_are_named() -> None:
    assert rejection_words({"min_rr_ratio": 3, "atr": 1, "min_atr_value": 0}) == "1 by atr, 3 by min_rr_ratio"
