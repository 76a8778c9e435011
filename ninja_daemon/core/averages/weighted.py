"""The weighted average, exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ninja_daemon.core.averages.average import Ratio, new_tuple, require_numbers
from ninja_daemon.core.averages.window import Window


class WeightedMovingAverage(NamedTuple):
    """The mean of the last ``period`` closes with weights 1 (oldest) to ``period`` (newest), exactly.

    Attributes:
        weighted: sum of the closes times their weights.
        total: sum of the closes; it is what the weighted sum loses when every weight goes down by one.
    """

    period: int
    filled: int = 0
    weighted: int = 0
    total: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """Candles seen, at most the period, the weighted sum and the plain sum."""
        return (self.filled, self.weighted, self.total)

    def updated(self, closes: Window) -> WeightedMovingAverage:
        """Take in the newest close and let the one before the window go."""
        return self.delayed_update(closes, 0)

    def delayed_update(self, closes: Window, delay: int) -> WeightedMovingAverage:
        """Take in the close ``delay`` candles before the newest one."""
        period, filled, weighted, total = self
        newest = closes.back(delay)
        if filled == period:
            leaving = closes.back(delay + period)
            numbers = (period, filled, weighted + period * newest - total, total + newest - leaving)
            return new_tuple(WeightedMovingAverage, numbers)
        return WeightedMovingAverage(period, filled + 1, weighted + (filled + 1) * newest, total + newest)

    @property
    def ratio(self) -> Ratio | None:
        """The weighted sum over the sum of the weights, once ``period`` closes are in."""
        return (self.weighted, triangle(self.period)) if self.filled == self.period else None

    def agrees_with(self, closes: Window) -> bool:
        """Compare with the average of the closes themselves."""
        return len(closes) >= self.filled and self == self.over(self.period, len(closes), closes)

    @classmethod
    def over(cls, period: int, seen: int, closes: Window, delay: int = 0) -> WeightedMovingAverage:
        """Return the average as it was ``delay`` candles ago, computed from the closes at one go."""
        filled = max(0, min(seen - delay, period))
        newest_first = [closes.back(delay + step) for step in range(filled)]
        weighted = sum((filled - step) * close for step, close in enumerate(newest_first))
        return cls(period, filled, weighted, sum(newest_first))

    @classmethod
    def empty(cls, period: int) -> WeightedMovingAverage:
        """Return the average that has seen no candle yet."""
        return cls(period)

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> WeightedMovingAverage:
        """Read count, weighted sum and sum back."""
        require_numbers(numbers, 3, period)
        return cls(period, *numbers)

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold the window, and the close that leaves it."""
        return period + 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the period: older closes play no part."""
        return period


def triangle(period: int) -> int:
    """Return 1 + 2 + … + ``period``, the sum of a weighted average's weights."""
    return period * (period + 1) // 2
