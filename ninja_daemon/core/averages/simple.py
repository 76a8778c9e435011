"""The simple average: the exact mean of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ninja_daemon.core.averages.average import Ratio, new_tuple, require_numbers
from ninja_daemon.core.averages.window import Window


class SimpleMovingAverage(NamedTuple):
    """The exact mean of the last ``period`` closes (contract 4.2): an integer sum, no rounding anywhere."""

    period: int
    filled: int = 0
    total: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """Candles seen, at most the period, and the sum of their closes."""
        return (self.filled, self.total)

    def updated(self, closes: Window) -> SimpleMovingAverage:
        """Take in the newest close and let the one before the window go."""
        period, filled, total = self
        buffer, newest = closes.buffer, closes.newest
        if filled == period:
            return new_tuple(SimpleMovingAverage, (period, filled, total + buffer[newest] - buffer[newest - period]))
        return new_tuple(SimpleMovingAverage, (period, filled + 1, total + buffer[newest]))

    @property
    def ratio(self) -> Ratio | None:
        """The sum over the period, once ``period`` closes are in."""
        period, filled, total = self
        return (total, period) if filled == period else None

    def agrees_with(self, closes: Window) -> bool:
        """Compare with the average of the closes themselves."""
        return len(closes) >= self.filled and self == self.over(self.period, len(closes), closes)

    @classmethod
    def over(cls, period: int, seen: int, closes: Window) -> SimpleMovingAverage:
        """Return the average after ``seen`` candles, computed from the newest closes at one go."""
        filled = min(seen, period)
        return cls(period, filled, sum(closes.back(step) for step in range(filled)))

    @classmethod
    def empty(cls, period: int) -> SimpleMovingAverage:
        """Return the average that has seen no candle yet."""
        return cls(period)

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> SimpleMovingAverage:
        """Read count and sum back."""
        require_numbers(numbers, 2, period)
        return cls(period, *numbers)

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold the window, and the close that leaves it."""
        return period + 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the period: older closes play no part."""
        return period
