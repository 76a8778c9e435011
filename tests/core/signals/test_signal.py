from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import rounded, signal_id, signal_of
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.strategy import Strategy
from tests.core.series import moment_of
from tests.fakes.messages import a_signal

EUR_USD = Instrument("EUR_USD", 5, -4)
STRATEGY = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 40, 140, min_atr_value=Decimal("0.0002"))
OPENED = parse_instant("2022-03-04T14:00:00Z")
CLOSED = OPENED + 4 * 3_600


def cross_of(side: Side, close: int, range_total: int) -> Cross:
    candle = Candle(OPENED, close, close + 5, close - 5, close)
    moment = moment_of(side, candle, (4_474_925, 40), (15_666_199, 140), range_total)
    return Cross(side, candle, moment, None)


def test_a_sell_signal_has_every_field_that_its_cross_determines() -> None:
    signal = signal_of(Rules(STRATEGY, EUR_USD), cross_of(Side.SELL, 109_259, 5_773), CLOSED + 2.113)
    assert signal.id == signal_id(STRATEGY, OPENED, Side.SELL)
    assert (signal.strategy, signal.instrument, signal.timeframe) == ("EUR_USD_H4", "EUR_USD", "H4")
    assert (signal.time, signal.close_time, signal.side) == (OPENED, CLOSED, Side.SELL)
    assert signal.close == Decimal("1.09259")
    assert signal.fast_ma == Decimal("1.11873125")
    assert signal.slow_ma == Decimal("1.1190142143")
    assert signal.atr == Decimal("0.0041235714")
    assert signal.stop_loss == Decimal("1.10084")
    assert signal.take_profit == Decimal("1.08022")
    assert (signal.sl_pips, signal.tp_pips) == (Decimal("82.5"), Decimal("123.7"))
    assert signal.risk_reward_ratio == Decimal("1.5")
    assert (signal.late, signal.created_at) == (False, CLOSED + 2.113)


def test_a_buy_signal_mirrors_stop_and_target() -> None:
    signal = signal_of(Rules(STRATEGY, EUR_USD), cross_of(Side.BUY, 109_259, 5_600), CLOSED)
    assert (signal.stop_loss, signal.take_profit) == (Decimal("1.08459"), Decimal("1.10459"))
    assert (signal.sl_pips, signal.tp_pips) == (Decimal(80), Decimal(120))


@pytest.mark.parametrize(
    ("close", "stop"),
    [
        # The distance is 2.5 units: half-way between two prices, the even one is taken.
        (109_000, "1.08998"),
        (109_001, "1.08998"),
        (109_002, "1.09000"),
        (109_003, "1.09000"),
    ],
)
def test_stop_and_target_are_rounded_half_even(close: int, stop: str) -> None:
    strategy = replace(STRATEGY, atr_period=2, sl_atr_multiplier=Decimal(1), tp_atr_multiplier=Decimal(2))
    signal = signal_of(Rules(strategy, EUR_USD), cross_of(Side.BUY, close, 5), CLOSED)
    assert signal.stop_loss == Decimal(stop)
    assert signal.take_profit == Decimal(close + 5).scaleb(-5)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 200_000), "0.0000000000"),  # half of the last digit: zero is even
        (Fraction(3, 200_000), "0.0000000002"),
        (Fraction(1, 3), "0.0000033333"),
        (Fraction(2, 3), "0.0000066667"),
        (Fraction(100_000), "1.0000000000"),
    ],
)
def test_averages_are_rounded_half_even_to_five_digits_more_than_the_price(value: Fraction, expected: str) -> None:
    assert format(rounded(value, 5), "f") == expected


def test_prices_keep_the_precision_of_their_instrument() -> None:
    strategy = replace(STRATEGY, instrument="GBP_JPY")
    signal = signal_of(Rules(strategy, Instrument("GBP_JPY", 3, -2)), cross_of(Side.BUY, 150_100, 2_800), CLOSED)
    assert str(signal.close) == "150.100"
    assert str(signal.stop_loss) == "149.700"
    assert str(signal.sl_pips) == "40.0"
    assert str(signal.atr) == "0.20000000"


@given(
    st.sampled_from(Side),
    st.integers(10_000, 10**7),
    st.integers(0, 10**6),
    st.decimals("0.001", "50", places=3),
    st.decimals("0.001", "50", places=3),
    st.integers(1, 50),
)
def test_stop_and_target_lie_within_half_a_unit_of_the_exact_distance(
    side: Side, close: int, range_total: int, stop: Decimal, target: Decimal, atr_period: int
) -> None:
    strategy = replace(STRATEGY, atr_period=atr_period, sl_atr_multiplier=stop, tp_atr_multiplier=target)
    signal = signal_of(Rules(strategy, EUR_USD), cross_of(side, close, range_total), CLOSED)
    atr = Fraction(range_total, atr_period)
    exact_stop, exact_target = close - side * atr * Fraction(stop), close + side * atr * Fraction(target)
    for price, exact in ((signal.stop_loss, exact_stop), (signal.take_profit, exact_target)):
        assert abs(Fraction(price) * 10**5 - exact) <= Fraction(1, 2)
    assert signal.sl_pips == abs(signal.close - signal.stop_loss) * 10**4
    assert signal.tp_pips == abs(signal.close - signal.take_profit) * 10**4
    assert abs(Fraction(signal.risk_reward_ratio) - Fraction(target) / Fraction(stop)) <= Fraction(1, 2 * 10**10)


# --- ids -------------------------------------------------------------------------------------------------------------


def test_an_id_is_the_same_on_every_machine_and_in_every_version_of_the_same_rules() -> None:
    assert signal_id(STRATEGY, OPENED, Side.SELL) == "8865affc20c6c3c9f13ba01c24487455"


def test_an_id_does_not_depend_on_prices_or_on_when_the_signal_was_found() -> None:
    rules = Rules(STRATEGY, EUR_USD)
    first = signal_of(rules, cross_of(Side.SELL, 109_259, 5_773), CLOSED)
    later = signal_of(rules, cross_of(Side.SELL, 109_260, 5_774), CLOSED + 10**6)
    assert first.id == later.id
    assert (first.late, later.late) == (False, True)


def test_an_id_changes_with_strategy_settings_candle_and_side() -> None:
    ids = {
        signal_id(STRATEGY, OPENED, Side.SELL),
        signal_id(STRATEGY, OPENED, Side.BUY),
        signal_id(STRATEGY, CLOSED, Side.SELL),
        signal_id(replace(STRATEGY, name="other"), OPENED, Side.SELL),
        signal_id(replace(STRATEGY, fast_ma=41), OPENED, Side.SELL),
        signal_id(replace(STRATEGY, instrument="GBP_USD"), OPENED, Side.SELL),
        signal_id(replace(STRATEGY, granularity=Granularity.H1), OPENED, Side.SELL),
    }
    assert len(ids) == 7
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in ids)


def test_an_id_takes_settings_in_normal_form() -> None:
    written = replace(STRATEGY, sl_atr_multiplier=Decimal("2.00"), min_rr_ratio=Decimal("1.50"))
    assert signal_id(written, OPENED, Side.SELL) == signal_id(STRATEGY, OPENED, Side.SELL)


@pytest.mark.parametrize(
    ("risked", "gained", "shown"),
    [
        ("82.5", "123.7", "1.5"),
        ("0.1", "0.2", "2.00"),
        ("0.3", "0.4", "1.33"),
        ("1.6", "2.4", "1.5"),
        ("0", "1", "1.5"),
    ],
)
def test_people_read_the_ratio_of_the_rounded_prices_where_it_is_another_one(
    risked: str, gained: str, shown: str
) -> None:
    signal = a_signal(sl_pips=Decimal(risked), tp_pips=Decimal(gained), risk_reward_ratio=Decimal("1.5"))
    assert f"{signal.shown_ratio:f}" == shown
    assert signal.risk_reward_ratio == Decimal("1.5")
