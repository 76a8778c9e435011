"""The rules of ``strategy.Rules.advance`` over a whole history at once, in numpy: replay, warm-up, self-audit.

The result agrees with the step engine candle by candle and field by field, including the state at the end, so a history
may be cut anywhere and continued by either engine. ``core.averages.columns`` says how integers stay exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import cast

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.columns import LIMIT, AverageColumn, Closes, average_column
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters.filter import Filter
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns, Integers
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Cross, Rules, StrategyState


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The outcome of the rules over a run of candles.

    Attributes:
        fast: the fast average.
        slow: the slow average.
        sides: side after each candle: 1, −1, or 0 while there is none.
        ranges_held: number of true ranges behind the average true range after each candle.
        range_totals: their sum.
        crosses: the turns of the side, oldest first.
        state: the state after the last candle; the next run goes on from it.
    """

    fast: AverageColumn
    slow: AverageColumn
    sides: npt.NDArray[np.int8]
    ranges_held: Integers
    range_totals: Integers
    crosses: Sequence[Cross]
    state: StrategyState


def evaluate(rules: Rules, candles: CandleColumns, state: StrategyState | None = None) -> BatchResult:
    """Take in candles, oldest first and all newer than those of ``state``: contract section 4, many steps at once.

    Args:
        rules: the strategy bound to its instrument.
        candles: prices of the instrument's decimals.
        state: the state before these candles; None before the first candle of all.
    """
    before = rules.empty_state() if state is None else state
    closes = Closes.joined(before.closes, before.seen, candles.close)
    fast, fast_after = average_column(before.fast, closes)
    slow, slow_after = average_column(before.slow, closes)
    ranges, ranges_held, range_totals = true_ranges(rules, before, candles)
    sides, turns = _sides(_signs(fast, slow), before.side)
    values = _values(fast, turns, before.fast), _values(slow, turns, before.slow)
    crosses = _crosses(rules, candles, turns, (sides, ranges_held, range_totals), values)
    if not len(candles):
        return BatchResult(fast, slow, sides, ranges_held, range_totals, crosses, before)
    last_side = int(sides[-1])
    after = StrategyState(
        last=candles.candle(-1),
        seen=before.seen + len(candles),
        closes=closes.window,
        ranges=Window(before.ranges.size, ranges.tolist()),
        range_total=int(range_totals[-1]),
        fast=fast_after,
        slow=slow_after,
        side=Side(last_side) if last_side else None,
    )
    return BatchResult(fast, slow, sides, ranges_held, range_totals, crosses, after)


# --- true ranges -----------------------------------------------------------------------------------------------------


def true_ranges(rules: Rules, before: StrategyState, candles: CandleColumns) -> tuple[Integers, Integers, Integers]:
    """Return the true ranges still held and the new ones, and for each new candle how many are held and their sum."""
    period = rules.strategy.atr_period
    first = 1 if before.last is None else 0  # the first candle of all has no true range
    last_close = np.array([] if before.last is None else [before.last.close], dtype=np.int64)
    previous = np.concatenate((last_close, candles.close[:-1]))[: max(0, len(candles) - first)]
    new = np.maximum(candles.high[first:], previous) - np.minimum(candles.low[first:], previous)
    ranges = np.concatenate((np.array(list(before.ranges), dtype=np.int64), new))
    largest = int(ranges.max()) if len(ranges) else 0
    exact = ranges if period * largest < LIMIT else ranges.astype(object)
    totals = np.cumsum(exact)
    totals[period:] -= totals[:-period].copy()
    held = np.minimum(len(before.ranges) + 1 - first + np.arange(len(candles)), period)
    beginning = np.zeros(min(first, len(candles)), dtype=totals.dtype)
    return ranges, held, np.concatenate((beginning, totals[len(totals) - len(new) :]))


# --- sides -----------------------------------------------------------------------------------------------------------


def _signs(fast: AverageColumn, slow: AverageColumn) -> npt.NDArray[np.int8]:
    """Return the sign of fast − slow after each candle, compared exactly; 0 while one of them is not full."""
    full_from = max(fast.full_from, slow.full_from)
    signs = np.zeros(len(fast.numerators), dtype=np.int8)
    shared = gcd(fast.denominator, slow.denominator)
    left = _product(fast.numerators[full_from:], slow.denominator // shared)
    right = _product(slow.numerators[full_from:], fast.denominator // shared)
    signs[full_from:] = (left > right).astype(np.int8) - (left < right).astype(np.int8)
    return signs


def _product(numbers: Integers, factor: int) -> Integers:
    if not len(numbers):
        return numbers
    largest = max(abs(int(numbers.max())), abs(int(numbers.min())))
    return (numbers if largest * factor < LIMIT else numbers.astype(object)) * factor


def _sides(signs: npt.NDArray[np.int8], before: Side | None) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.intp]]:
    """Return the last sign that was not zero after each candle, and the candles that turned it round."""
    decided = np.flatnonzero(signs)
    values = signs[decided]
    previous = np.concatenate((np.array([int(before or 0)], dtype=np.int8), values))
    turned = decided[values * previous[:-1] < 0]
    lengths = np.diff(np.concatenate(([0], decided, [len(signs)])))
    return np.repeat(previous, lengths), turned


def _crosses(
    rules: Rules,
    candles: CandleColumns,
    turns: npt.NDArray[np.intp],
    numbers: tuple[Integers, Integers, Integers],
    values: tuple[_Values, _Values],
) -> list[Cross]:
    """Make the crosses; columns are cut to the turns first, which costs less than a number at a time."""
    columns = (candles.time, candles.open, candles.high, candles.low, candles.close, *numbers)
    rows = zip(*(column[turns].tolist() for column in columns), strict=True)
    return [
        rules.cross(Side(side), Candle(*fields), (fast, slow, held, total, fast_before, slow_before))
        for (*fields, side, held, total), (fast, fast_before), (slow, slow_before) in zip(rows, *values, strict=True)
    ]


_Values = Sequence[tuple[Ratio, Ratio]]


def _values(column: AverageColumn, turns: npt.NDArray[np.intp], before: MovingAverage) -> Sequence[tuple[Ratio, Ratio]]:
    """Return the value of an average after each turn, and after the candle before it."""
    whole = column.denominator
    both = zip(column.numerators[turns].tolist(), column.numerators[turns - 1].tolist(), strict=True)
    pairs = [((now, whole), (then, whole)) for now, then in both]
    if len(turns) and not turns[0]:
        pairs[0] = (pairs[0][0], cast("Ratio", before.ratio))  # there was a side, so there was a value
    return pairs


def rejection_counts(crosses: Iterable[Cross]) -> dict[Filter, int]:
    """Count the crosses that are not signals, by the filter that rejected them."""
    return dict(Counter(cross.rejected_by for cross in crosses if cross.rejected_by is not None))
