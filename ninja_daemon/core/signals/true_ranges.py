"""The true ranges behind the candles of a history, and their average."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ninja_daemon.core.averages.columns import LIMIT
from ninja_daemon.core.averages.smoothed import FIXED_UNIT, Stage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.candle_columns import CandleColumns, Integers
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import StrategyState


class TrueRanges(NamedTuple):
    """The true ranges behind some candles.

    Attributes:
        newest: those still held before the candles, and theirs.
        held: how many are behind the average true range after each candle.
        totals: ``range_total`` after each candle.
        smoothed: Wilder's average after the last one, None for the simple mean.
    """

    newest: Integers
    held: Integers
    totals: Integers
    smoothed: Stage | None

    def after(self, before: StrategyState) -> StrategyState:
        """Return the state before the candles with what is held of the ranges after the last of them."""
        window = Window(before.ranges.size, self.newest.tolist())
        return before._replace(ranges=window, range_total=int(self.totals[-1]), smoothed=self.smoothed)


def true_ranges(rules: Rules, before: StrategyState, candles: CandleColumns) -> TrueRanges:
    """Return the true ranges behind candles that are taken in after a state."""
    period = rules.strategy.atr_period
    first = 1 if before.last is None else 0  # the first candle of all has no true range
    last_close = np.array([] if before.last is None else [before.last.close], dtype=np.int64)
    previous = np.concatenate((last_close, candles.close[:-1]))[: max(0, len(candles) - first)]
    new = np.maximum(candles.high[first:], previous) - np.minimum(candles.low[first:], previous)
    ranges = np.concatenate((np.array(list(before.ranges), dtype=np.int64), new))
    held = np.minimum(len(before.ranges) + 1 - first + np.arange(len(candles)), period)
    if before.smoothed is None:
        largest = int(ranges.max()) if len(ranges) else 0
        exact = ranges if period * largest < LIMIT else ranges.astype(object)
        totals, smoothed = np.cumsum(exact), None
        totals[period:] -= totals[:-period].copy()
        totals = totals[len(totals) - len(new) :]
    else:
        totals, smoothed = _smoothed(before.smoothed, new)
    beginning = np.zeros(min(first, len(candles)), dtype=totals.dtype)
    return TrueRanges(ranges, held, np.concatenate((beginning, totals)), smoothed)


def _smoothed(stage: Stage, ranges: Integers) -> tuple[Integers, Stage]:
    """Smooth true ranges one by one: each result needs the one before it."""
    values = []
    for newest in ranges.tolist():
        stage = stage.updated(newest * FIXED_UNIT)
        values.append(stage.value)
    return np.array(values, dtype=None if max(values, default=0) < LIMIT else object), stage
