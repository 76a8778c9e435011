"""The averages over a whole history at once, in numpy: one function a class of averages.

Everything stays an integer. Running sums in int64 may wrap on the way: sums and differences are right modulo 2**64, so
a result is right when it fits itself. Python's integers tell beforehand whether it can; where it might not, the same
lines run over Python integers instead of int64, slower and as exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Final, cast

import numpy as np

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.hull import HullMovingAverage, hull_denominator, hull_difference, hull_half, hull_outer
from ninja_daemon.core.averages.plug_in import WindowAverage
from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.smoothed import FIXED_UNIT, Smoothed, Stage
from ninja_daemon.core.averages.weighted import WeightedMovingAverage, triangle
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.averages.zero_lag import ZeroLagMovingAverage
from ninja_daemon.core.market.candle_columns import Integers

LIMIT: Final = 2**63


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

    def over(self, parts: int) -> AverageColumn:
        """Return the values divided by ``parts``."""
        return self if parts == 1 else AverageColumn(self.numerators, self.denominator * parts, self.full_from)

    def value(self, index: int) -> Ratio:
        """Return the value after a candle that has one."""
        return int(self.numerators[index]), self.denominator

    def ratio(self, index: int) -> Ratio | None:
        """Return the value after a candle as ``MovingAverage.ratio`` does."""
        return self.value(index) if index >= self.full_from else None


@dataclass(frozen=True, slots=True)
class Closes:
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
    def joined(cls, held: Window, seen: int, new: Integers) -> Closes:
        """Put the closes of a run behind those held, after ``seen`` candles before it."""
        values = np.concatenate((np.array(list(held), dtype=np.int64), new))
        largest = int(np.abs(values).max()) if len(values) else 0
        window = Window(held.size, values[-held.size :].tolist())
        return cls(values, len(new), seen + len(new), largest, window)

    def fitting(self, bound: int) -> Integers:
        """Return the values in int64 when results up to ``bound`` times the largest fit, else as Python integers."""
        return self.values if bound * self.largest < LIMIT else self.values.astype(object)

    def column(self, results: Integers, denominator: int) -> AverageColumn:
        """Put results, the last of which belongs to the last close, beside the new closes."""
        full_from = max(0, self.new - len(results))
        numerators = np.zeros(self.new, dtype=results.dtype)
        numerators[full_from:] = results[len(results) - (self.new - full_from) :]
        return AverageColumn(numerators, denominator, full_from)


@singledispatch
def average_column(average: MovingAverage, closes: Closes) -> tuple[AverageColumn, MovingAverage]:
    """Return the values of an average after each new close, and the average after the last one.

    Raises:
        NotImplementedError: the class has no function here.
    """
    raise NotImplementedError(type(average).__name__, closes)


@average_column.register
def _simple(average: SimpleMovingAverage, closes: Closes) -> tuple[AverageColumn, MovingAverage]:
    period = average.period
    totals = _window_sums(closes.fitting(period), period)
    return closes.column(totals, period), SimpleMovingAverage.over(period, closes.seen, closes.window)


@average_column.register
def _weighted(average: WeightedMovingAverage, closes: Closes) -> tuple[AverageColumn, MovingAverage]:
    period = average.period
    sums = _weighted_sums(closes.fitting(triangle(period)), period)
    return closes.column(sums, triangle(period)), WeightedMovingAverage.over(period, closes.seen, closes.window)


@average_column.register
def _hull(average: HullMovingAverage, closes: Closes) -> tuple[AverageColumn, MovingAverage]:
    period = average.period
    half, outer, denominator = hull_half(period), hull_outer(period), hull_denominator(period)
    # Neither inner term is larger than twice the product of its weights times the largest close; nor is their sum 3×.
    values = closes.fitting(3 * denominator)
    whole_sums = _weighted_sums(values, period)
    half_sums = _weighted_sums(values, half)[period - half :]
    differences = hull_difference(cast("int", half_sums), cast("int", whole_sums), period)
    sums = _weighted_sums(cast("Integers", differences), outer)
    return closes.column(sums, denominator), HullMovingAverage.over(period, closes.seen, closes.window)


@average_column.register
def _smoothed(average: Smoothed, closes: Closes) -> tuple[AverageColumn, MovingAverage]:
    """Run the stages in Python's own integers: each result needs the one before it, so there is nothing to share."""
    series = [value * FIXED_UNIT for value in _inputs(average, closes).tolist()]
    stages: list[Stage] = []
    results: list[list[int]] = []
    for stage in average.stages:
        after, series = _run(stage, series)
        stages.append(after)
        results.append(series)
    held = len(series)
    most = sum(map(abs, average.weights)) + 1
    sums = _fixed(results[0], held, most) * average.weights[0]
    for weight, result in zip(average.weights[1:], results[1:], strict=True):
        sums = sums + weight * _fixed(result, held, most)
    denominator = FIXED_UNIT * average.weights_over
    return closes.column(sums, denominator), type(average)(average.period, tuple(stages))


@average_column.register
def _window(average: WindowAverage, closes: Closes) -> tuple[AverageColumn, MovingAverage]:
    """Ask the plug-in candle by candle: only it knows what it does."""
    needed, prices = average.needed, closes.values.tolist()
    filled = min(average.filled + closes.new, needed)
    first = max(needed, len(prices) - closes.new + 1)
    results = [average.over(prices[end - needed : end]) for end in range(first, len(prices) + 1)]
    values = np.array(results, dtype=np.int64 if max(map(abs, results), default=0) < LIMIT else object)
    fixed = results[-1] if results else average.fixed
    return closes.column(values, FIXED_UNIT), type(average)(average.period, needed, filled, fixed)


@singledispatch
def _inputs(_: Smoothed, closes: Closes) -> Integers:
    """Return what the first stage takes in: the new closes."""
    return closes.values[len(closes.values) - closes.new :]


@_inputs.register
def _zero_lag(average: ZeroLagMovingAverage, closes: Closes) -> Integers:
    lag, values = average.lag(average.period), closes.fitting(3)
    first = min(max(lag, len(values) - closes.new), len(values))
    return 2 * values[first:] - values[first - lag : len(values) - lag] if lag <= first else values[:0]


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


def _fixed(results: Sequence[int], count: int, most: int) -> Integers:
    """Turn the last ``count`` results of a stage into an array in which ``most`` times as much fits."""
    newest = results[len(results) - count :]
    fits = max(newest, default=0) < LIMIT // most and min(newest, default=0) > -LIMIT // most
    return np.array(newest, dtype=np.int64 if fits else object)


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
