"""The Hull moving average, exact: a weighted average of the difference of two others."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from ninja_daemon.core.averages.average import Ratio, require_numbers
from ninja_daemon.core.averages.weighted import WeightedMovingAverage, triangle
from ninja_daemon.core.averages.window import Window


class HullMovingAverage(NamedTuple):
    """Hull's average, exactly: WMA(2 × WMA(n/2) − WMA(n)) over √n values, n/2 and √n rounded down, n/2 at least 1.

    The inner difference is an integer over a denominator that never changes, so the outer average is one of integers.
    What leaves the outer window is computed again, by the same inner averages that run √n candles behind, instead of
    being remembered: the state is eleven numbers whatever the period.

    Attributes:
        filled: candles seen, at most n + √n; the value is there one candle before.
        half: WMA(n/2).
        whole: WMA(n).
        old_half: WMA(n/2) as it was √n candles ago.
        old_whole: WMA(n) as it was √n candles ago.
        weighted: sum of the inner differences in the outer window times their weights.
        total: their sum.
    """

    period: int
    filled: int
    half: WeightedMovingAverage
    whole: WeightedMovingAverage
    old_half: WeightedMovingAverage
    old_whole: WeightedMovingAverage
    weighted: int = 0
    total: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """Candles seen, weighted and plain sum of the four inner averages, and those of the outer one."""
        inner = (self.half, self.whole, self.old_half, self.old_whole)
        sums = tuple(number for average in inner for number in (average.weighted, average.total))
        return (self.filled, *sums, self.weighted, self.total)

    def updated(self, closes: Window) -> HullMovingAverage:
        """Take in the newest close, and the inner difference that comes of it."""
        outer = hull_outer(self.period)
        half, whole = self.half.updated(closes), self.whole.updated(closes)
        old_half, old_whole = self.old_half, self.old_whole
        if self.filled >= outer:
            old_half = old_half.delayed_update(closes, outer)
            old_whole = old_whole.delayed_update(closes, outer)
        weighted, total = self.weighted, self.total
        held = self.filled - self.period + 1
        if held >= 0:
            newest = hull_difference(half.weighted, whole.weighted, self.period)
            if held >= outer:
                leaving = hull_difference(old_half.weighted, old_whole.weighted, self.period)
                weighted, total = weighted + outer * newest - total, total + newest - leaving
            else:
                weighted, total = weighted + (held + 1) * newest, total + newest
        filled = min(self.filled + 1, self.period + outer)
        return HullMovingAverage(self.period, filled, half, whole, old_half, old_whole, weighted, total)

    @property
    def ratio(self) -> Ratio | None:
        """The outer weighted sum over the product of the three sums of weights."""
        if self.filled < self.warm_up(self.period):
            return None
        return self.weighted, hull_denominator(self.period)

    def agrees_with(self, closes: Window) -> bool:
        """Compare with the average of the closes themselves."""
        return len(closes) >= self.filled and self == self.over(self.period, len(closes), closes)

    @classmethod
    def over(cls, period: int, seen: int, closes: Window) -> HullMovingAverage:
        """Return the average after ``seen`` candles, computed from the newest closes at one go."""
        outer = hull_outer(period)
        held = max(0, min(seen - period + 1, outer))
        newest_first = [
            hull_difference(
                WeightedMovingAverage.over(hull_half(period), seen, closes, step).weighted,
                WeightedMovingAverage.over(period, seen, closes, step).weighted,
                period,
            )
            for step in range(held)
        ]
        half, whole, old_half, old_whole = (
            WeightedMovingAverage.over(length, seen, closes, delay) for length, delay in _inner_averages(period)
        )
        weighted = sum((held - step) * difference for step, difference in enumerate(newest_first))
        filled = min(seen, period + outer)
        return cls(period, filled, half, whole, old_half, old_whole, weighted, sum(newest_first))

    @classmethod
    def empty(cls, period: int) -> HullMovingAverage:
        """Return the average that has seen no candle yet."""
        half, whole = WeightedMovingAverage(hull_half(period)), WeightedMovingAverage(period)
        return cls(period, 0, half, whole, half, whole)

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> HullMovingAverage:
        """Read the sums back; how full each average is follows from the count of candles."""
        outer = hull_outer(period)
        require_numbers(numbers, 11, period + outer)
        half, whole, old_half, old_whole = (
            WeightedMovingAverage(length, max(0, min(numbers[0] - delay, length)), weighted, total)
            for (length, delay), weighted, total in zip(
                _inner_averages(period), numbers[1:9:2], numbers[2:9:2], strict=True
            )
        )
        return cls(period, numbers[0], half, whole, old_half, old_whole, numbers[9], numbers[10])

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold both windows, and the close that leaves the older one."""
        return period + hull_outer(period) + 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the candles under both windows: older closes play no part."""
        return period + hull_outer(period) - 1


def _inner_averages(period: int) -> list[tuple[int, int]]:
    """Return period and delay of the four inner averages of Hull's, in the order of its fields."""
    half, outer = hull_half(period), hull_outer(period)
    return [(half, 0), (period, 0), (half, outer), (period, outer)]


def hull_half(period: int) -> int:
    """Return the period of Hull's quick inner average: half, rounded down, at least 1."""
    return max(1, period // 2)


def hull_outer(period: int) -> int:
    """Return the period of Hull's outer average: the square root, rounded down."""
    return isqrt(period)


def hull_difference(half_weighted: int, whole_weighted: int, period: int) -> int:
    """Return 2 × WMA(n/2) − WMA(n) times the product of both sums of weights."""
    return 2 * triangle(period) * half_weighted - triangle(hull_half(period)) * whole_weighted


def hull_denominator(period: int) -> int:
    """Return the denominator of Hull's average: the product of its three sums of weights."""
    return triangle(hull_half(period)) * triangle(period) * triangle(hull_outer(period))
