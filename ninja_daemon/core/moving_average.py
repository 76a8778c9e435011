"""Moving averages: one class a kind, exact or with a stated rounding, O(1) a candle.

An average keeps only numbers; the closes themselves live once in the strategy's window, which already holds the new
close when ``updated`` is called. ``numbers`` and ``restored`` are how an average is stored and read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, Self

from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.window import Window


class MovingAverageKind(StrEnum):
    """The kinds of moving average that a strategy may ask for, as ``ma_type`` names them."""

    SMA = "sma"


class MovingAverage(Protocol):
    """What every kind of average can do."""

    @property
    def period(self) -> int:
        """Number of candles that the settings ask for."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The integers that, with the window of closes, are the whole state."""

    def updated(self, closes: Window) -> Self:
        """Return the average after the newest close in ``closes``."""

    @property
    def ratio(self) -> tuple[int, int] | None:
        """The value as an exact fraction (numerator, positive denominator) in price units; None until it is full."""

    def agrees_with(self, closes: Window) -> bool:
        """Tell whether the numbers can belong to these closes; guards against damaged or foreign stored state."""


class SimpleMovingAverage(NamedTuple):
    """The exact mean of the last ``period`` closes (contract 4.2): an integer sum, no rounding anywhere."""

    period: int
    count: int = 0
    total: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """Candles seen, at most the period, and the sum of their closes."""
        return (self.count, self.total)

    def updated(self, closes: Window) -> SimpleMovingAverage:
        """Take in the newest close and let the one before the window go."""
        period, count, total = self
        if count == period:
            return SimpleMovingAverage(period, count, total + closes.back(0) - closes.back(period))
        return SimpleMovingAverage(period, count + 1, total + closes.back(0))

    @property
    def ratio(self) -> tuple[int, int] | None:
        """The sum over the period, once ``period`` closes are in."""
        return (self.total, self.period) if self.count == self.period else None

    def agrees_with(self, closes: Window) -> bool:
        """Compare the sum with the closes themselves."""
        return len(closes) >= self.count and sum(closes.back(step) for step in range(self.count)) == self.total


_KINDS: dict[MovingAverageKind, type[SimpleMovingAverage]] = {MovingAverageKind.SMA: SimpleMovingAverage}


def empty_average(kind: MovingAverageKind, period: int) -> MovingAverage:
    """Return an average that has seen no candle yet."""
    return _KINDS[kind](period)


def restored_average(kind: MovingAverageKind, period: int, numbers: Sequence[int]) -> MovingAverage:
    """Return an average from its stored numbers.

    Raises:
        StateUnreadable: they are not the numbers of such an average.
    """
    if len(numbers) != 2 or not 0 <= numbers[0] <= period:  # noqa: PLR2004 - count and sum
        message = f"the stored {kind} of {period} must be a count of at most {period} and a sum, was {list(numbers)}"
        raise StateUnreadable(message)
    return _KINDS[kind](period, *numbers)


def closes_held(kind: MovingAverageKind, period: int) -> int:
    """Return how many closes, the newest included, the strategy's window must hold for this average."""
    del kind
    return period + 1


def warm_up(kind: MovingAverageKind, period: int) -> int:
    """Return how many candles this average needs before it has a value that no longer depends on where it began."""
    del kind
    return period
