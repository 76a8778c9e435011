"""A state made of a history at one go, where nothing but its newest candles plays a part.

``Rules.advance`` over the candles, one after the other, is what it means and agrees with on every field. Thousands of
strategies of one series begin with the same history, and only sums of its end differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.candle import Candle, true_range
from ninja_daemon.core.signals.crossover import side_of
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import StrategyState


def state_after(rules: Rules, candles: Sequence[Candle]) -> StrategyState | None:
    """Return the state after these candles and none before them.

    None where the way there matters: other than simple averages, filters that ask cross by cross, a history that does
    not fill everything, or a tie at its end, whose side lies further back.
    """
    strategy, count = rules.strategy, len(candles)
    (fast_kind, fast_period), (slow_kind, slow_period) = strategy.averages
    are_simple = fast_kind is slow_kind is SimpleMovingAverage
    if not (rules.is_plain and are_simple) or count < max(strategy.warm_up, strategy.closes_held):
        return None
    closes = [candle.close for candle in candles[-strategy.closes_held :]]
    fast = SimpleMovingAverage(fast_period, fast_period, sum(closes[-fast_period:]))
    slow = SimpleMovingAverage(slow_period, slow_period, sum(closes[-slow_period:]))
    side = side_of(fast, slow)
    if side is None:
        return None
    newest = candles[-strategy.atr_period - 1 :]
    ranges = [true_range(candle, before.close) for before, candle in pairwise(newest)]
    size = strategy.atr_period
    held, window = Window(strategy.closes_held, closes), Window(size, ranges)
    return StrategyState(candles[-1], count, held, window, sum(ranges), fast, slow, side)
