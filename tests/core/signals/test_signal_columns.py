"""Signals that are made a column at a time are those that are made one by one, to the last digit and exponent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, strategies as st

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.signal_columns import signals_of
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.turns import Turns
from tests.core.series import moment_of, rules_of

multipliers = st.sampled_from(["1", "1.5", "2.0", "2.25", "0.3", "0.7", "3"])
moments = st.integers(1_000_000_000, 1_900_000_000)


def rows(largest: int) -> st.SearchStrategy[list[tuple[bool, int, int, int, int, int]]]:
    number = st.integers(1, largest)
    return st.lists(st.tuples(st.booleans(), moments, number, number, number, number), max_size=30)


def columns(drawn: list[tuple[bool, int, int, int, int, int]], granularity: Granularity, held: int) -> Turns:
    """The rows as columns; their instants are moved to opens of candles."""
    is_buy, times, *numbers = zip(*drawn, strict=True) if drawn else ((),) * 6
    opens = [granularity.open_at(time) for time in times]
    closes, fast, slow, totals = (np.array(column, dtype=np.int64) for column in numbers)
    ranges_held = np.full(len(drawn), held, dtype=np.int64)
    times_of, is_buy_of = np.array(opens, dtype=np.int64), np.array(is_buy, dtype=bool)
    return Turns(is_buy_of, times_of, closes, fast, slow, ranges_held, totals, fast, 0 * closes, 0 * closes)


def one_by_one(rules: Rules, turns: Turns) -> list[Signal]:
    strategy = rules.strategy
    made = []
    for place in range(len(turns)):
        time, close = int(turns.times[place]), int(turns.closes[place])
        side, candle = Side.BUY if turns.is_buy[place] else Side.SELL, Candle(time, close, close, close, close)
        fast, slow = (int(turns.fast[place]), strategy.fast_ma), (int(turns.slow[place]), strategy.slow_ma)
        moment = moment_of(side, candle, fast, slow, int(turns.range_totals[place]))
        made.append(signal_of(rules, Cross(side, candle, moment, None), strategy.granularity.close_of(time)))
    return made


def whole(signal: Signal) -> tuple[Any, ...]:
    """All fields with their types; decimals with their exponents, which comparing does not look at."""
    return tuple(
        (type(field), field.as_tuple() if isinstance(field, Decimal) else field)
        for field in signal._replace(created_at=float(signal.created_at))
    )


@given(
    st.sampled_from(list(Granularity)),
    st.integers(0, 7),
    st.sampled_from([-4, -2, -1, 0, -5]),
    st.tuples(multipliers, multipliers),
    st.tuples(st.integers(1, 200), st.integers(1, 200), st.integers(1, 30)),
    st.sampled_from([10**4, 10**7, 10**12, 10**17]),
    st.data(),
)
def test_columns_and_single_signals_are_the_same(
    granularity: Granularity,
    decimals: int,
    pip: int,
    multiplied: tuple[str, str],
    reaches: tuple[int, int, int],
    largest: int,
    data: st.DataObject,
) -> None:
    fast, slow, atr_period = reaches
    rules = rules_of(
        Instrument("EUR_USD", decimals, pip),
        granularity=granularity,
        fast_ma=fast,
        slow_ma=slow,
        atr_period=atr_period,
        sl_atr_multiplier=Decimal(multiplied[0]),
        tp_atr_multiplier=Decimal(multiplied[1]),
    )
    turns = columns(data.draw(rows(largest)), granularity, atr_period)
    expected = one_by_one(rules, turns)
    assert list(map(whole, signals_of(rules, turns))) == list(map(whole, expected))
