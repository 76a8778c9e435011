"""The rules of ``strategy.Rules.advance`` over a whole history at once, in numpy: replay, warm-up, self-audit.

Everything stays an integer. Running sums in int64 may wrap on the way: sums and differences are right modulo 2**64
whatever happened before, so a result is right when it itself fits. Whether it can fit is worked out beforehand in
Python's integers; where it might not, the same lines run over Python integers instead of int64, slower and as exact.

What comes out agrees with the step engine candle by candle and field by field, the state at the end included, so a
history may be cut anywhere and continued by either engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.averages.kinds import (
    FIXED_UNIT,
    DoubleExponentialMovingAverage,
    ExponentialMovingAverage,
    HullMovingAverage,
    MovingAverage,
    SimpleMovingAverage,
    SmoothedMovingAverage,
    Stage,
    TripleExponentialMovingAverage,
    WeightedMovingAverage,
    hull_denominator,
    hull_difference,
    hull_half,
    hull_outer,
    triangle,
)
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns, Integers
from ninja_daemon.core.signals.crossover import Filter, Side
from ninja_daemon.core.signals.strategy import Cross, Rules, StrategyState

Ratio: TypeAlias = tuple[int, int]
"""Numerator and denominator."""
_LIMIT: Final = 2**63


@dataclass(frozen=True, slots=True)
class AverageColumn:
    """The values of one average after each candle, as fractions over one denominator.

    Attributes:
        numerators: one a candle; zero before ``full_from``.
        denominator: the same for all.
        full_from: index of the first candle with a value; the number of candles when there is none.
    """

    numerators: Integers
    denominator: int
    full_from: int

    def value(self, index: int) -> Ratio:
        """Return the value after a candle that has one."""
        return int(self.numerators[index]), self.denominator

    def ratio(self, index: int) -> Ratio | None:
        """Return the value after a candle as ``MovingAverage.ratio`` does."""
        return self.value(index) if index >= self.full_from else None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What the rules make of a run of candles.

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
        state: what the candles before left behind; None at the beginning of all.
    """
    before = rules.empty_state() if state is None else state
    closes = _Closes.joined(before, candles)
    fast, fast_after = _average(before.fast, closes)
    slow, slow_after = _average(before.slow, closes)
    ranges, ranges_held, range_totals = true_ranges(rules, before, candles)
    signs = _signs(fast, slow)
    sides, turns = _sides(signs, before.side)
    crosses = _crosses(rules, candles, turns, sides, (fast, slow), (ranges_held, range_totals))
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


# --- closes and averages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Closes:
    """The closes of a run behind those that the state before it still holds.

    Attributes:
        values: both, oldest first.
        new: how many of them are new.
        seen: candles taken in by the end, also those whose closes are gone.
        largest: the largest close, zero when there is none.
        window: the state's window after the run.
    """

    values: Integers
    new: int
    seen: int
    largest: int
    window: Window

    @classmethod
    def joined(cls, before: StrategyState, candles: CandleColumns) -> _Closes:
        held = np.array(list(before.closes), dtype=np.int64)
        values = np.concatenate((held, candles.close))
        size = before.closes.size
        largest = int(np.abs(values).max()) if len(values) else 0
        window = Window(size, values[-size:].tolist())
        return cls(values, len(candles), before.seen + len(candles), largest, window)

    def fitting(self, bound: int) -> Integers:
        """Return the values in int64 when results up to ``bound`` times the largest fit, else as Python integers."""
        return self.values if bound * self.largest < _LIMIT else self.values.astype(object)

    def column(self, results: Integers, denominator: int) -> AverageColumn:
        """Put results, the last of which belongs to the last close, beside the new closes."""
        full_from = max(0, self.new - len(results))
        numerators = np.zeros(self.new, dtype=results.dtype)
        numerators[full_from:] = results[len(results) - (self.new - full_from) :]
        return AverageColumn(numerators, denominator, full_from)


def _average(average: MovingAverage, closes: _Closes) -> tuple[AverageColumn, MovingAverage]:
    return _BATCHES[type(average)](average, closes)


def _simple(average: MovingAverage, closes: _Closes) -> tuple[AverageColumn, MovingAverage]:
    period = average.period
    totals = _window_sums(closes.fitting(period), period)
    return closes.column(totals, period), SimpleMovingAverage.over(period, closes.seen, closes.window)


def _weighted(average: MovingAverage, closes: _Closes) -> tuple[AverageColumn, MovingAverage]:
    period = average.period
    sums = _weighted_sums(closes.fitting(triangle(period)), period)
    return closes.column(sums, triangle(period)), WeightedMovingAverage.over(period, closes.seen, closes.window)


def _hull(average: MovingAverage, closes: _Closes) -> tuple[AverageColumn, MovingAverage]:
    period = average.period
    half, outer, denominator = hull_half(period), hull_outer(period), hull_denominator(period)
    # Neither inner term is larger than twice the product of its weights times the largest close; nor is their sum 3×.
    values = closes.fitting(3 * denominator)
    whole_sums = _weighted_sums(values, period)
    half_sums = _weighted_sums(values, half)[period - half :]
    differences = hull_difference(cast("int", half_sums), cast("int", whole_sums), period)
    sums = _weighted_sums(cast("Integers", differences), outer)
    return closes.column(sums, denominator), HullMovingAverage.over(period, closes.seen, closes.window)


_Smoothed: TypeAlias = (
    ExponentialMovingAverage | SmoothedMovingAverage | DoubleExponentialMovingAverage | TripleExponentialMovingAverage
)


def _smoothed(average: MovingAverage, closes: _Closes) -> tuple[AverageColumn, MovingAverage]:
    """Run the stages in Python's own integers: each result needs the one before it, so there is nothing to share."""
    smoothed = cast("_Smoothed", average)
    series = [close * FIXED_UNIT for close in closes.values[len(closes.values) - closes.new :].tolist()]
    stages: list[Stage] = []
    results: list[list[int]] = []
    for stage in smoothed.stages:
        after, series = _run(stage, series)
        stages.append(after)
        results.append(series)
    held = len(series)
    sums = _fixed(results[0], held) * smoothed.weights[0]
    for weight, result in zip(smoothed.weights[1:], results[1:], strict=True):
        sums = sums + weight * _fixed(result, held)
    return closes.column(sums, FIXED_UNIT), type(smoothed)(smoothed.period, tuple(stages))


def _run(stage: Stage, series: Sequence[int]) -> tuple[Stage, list[int]]:
    """Return a stage after a series, and its results from the first one on."""
    results: list[int] = []
    start = 0
    while start < len(series) and not stage.full:
        stage = stage.updated(series[start])
        if stage.full:
            results.append(stage.value)
        start += 1
    before, value = stage.before, stage.value
    keep, take = stage.period - 1, stage.take
    whole = keep + take
    for newest in series[start:]:
        # Stage.updated written out: a call a candle would take longer than the arithmetic.
        before = value
        value, remainder = divmod(value * keep + newest * take, whole)
        remainder += remainder
        if remainder > whole or (remainder == whole and value & 1):
            value += 1
        results.append(value)
    return stage._replace(before=before, value=value), results


def _fixed(results: Sequence[int], count: int) -> Integers:
    """Turn the last ``count`` results of a stage into an array in which sums of three stages fit."""
    newest = results[len(results) - count :]
    fits = max(newest, default=0) < _LIMIT // 8 and min(newest, default=0) > -_LIMIT // 8
    return np.array(newest, dtype=np.int64 if fits else object)


_BATCHES: Final[dict[type[MovingAverage], Callable[[MovingAverage, _Closes], tuple[AverageColumn, MovingAverage]]]] = {
    SimpleMovingAverage: _simple,
    ExponentialMovingAverage: _smoothed,
    WeightedMovingAverage: _weighted,
    SmoothedMovingAverage: _smoothed,
    DoubleExponentialMovingAverage: _smoothed,
    TripleExponentialMovingAverage: _smoothed,
    HullMovingAverage: _hull,
}


def _window_sums(values: Integers, period: int) -> Integers:
    """Return the sum of every run of ``period`` values, oldest first; none when there are fewer values."""
    if len(values) < period:
        return values[:0]
    running = np.cumsum(values)
    sums = running[period - 1 :].copy()
    sums[1:] -= running[:-period]
    return sums


def _weighted_sums(values: Integers, period: int) -> Integers:
    """Return for every run of ``period`` values their sum with weights 1 (oldest) to ``period`` (newest)."""
    if len(values) < period:
        return values[:0]
    totals = _window_sums(values, period)
    changes = np.empty_like(totals)
    changes[0] = (values[:period] * np.arange(1, period + 1)).sum()
    changes[1:] = values[period:] * period - totals[:-1]
    return np.cumsum(changes)


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
    exact = ranges if period * largest < _LIMIT else ranges.astype(object)
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
    return (numbers if largest * factor < _LIMIT else numbers.astype(object)) * factor


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
    sides: npt.NDArray[np.int8],
    averages: tuple[AverageColumn, AverageColumn],
    ranges: tuple[Integers, Integers],
) -> list[Cross]:
    """Gather what belongs to the turns a column at a time, which costs less than a number at a time."""
    columns = (candles.time, candles.open, candles.high, candles.low, candles.close)
    prices = zip(*(column[turns].tolist() for column in columns), strict=True)
    numbers = (sides, averages[0].numerators, averages[1].numerators, *ranges)
    rows = zip(*(column[turns].tolist() for column in numbers), strict=True)
    fast_whole, slow_whole = averages[0].denominator, averages[1].denominator
    return [
        Cross(
            Side.BUY if side > 0 else Side.SELL,
            Candle(*fields),
            (fast, fast_whole),
            (slow, slow_whole),
            total,
            rules.rejection(held, total),
        )
        for fields, (side, fast, slow, held, total) in zip(prices, rows, strict=True)
    ]


def rejection_counts(crosses: Iterable[Cross]) -> dict[Filter, int]:
    """Count the crosses that are not signals, by the filter that rejected them."""
    counts: dict[Filter, int] = {}
    for cross in crosses:
        if cross.rejected_by is not None:
            counts[cross.rejected_by] = counts.get(cross.rejected_by, 0) + 1
    return counts
