"""The port: what every kind of moving average can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, Self, TypeAlias

from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.errors import StateUnreadable

Ratio: TypeAlias = tuple[int, int]
"""An exact value: numerator and positive denominator."""
LONGEST_PERIOD: Final = 5_000
"""Candles of the longest period that a strategy may have."""


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
    def ratio(self) -> Ratio | None:
        """The exact value in price units; None until it is full."""

    def agrees_with(self, closes: Window) -> bool:
        """Tell whether the numbers can belong to these closes; guards against damaged or foreign stored state."""

    @classmethod
    def empty(cls, period: int) -> Self:
        """Return the average that has seen no candle yet."""

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> Self:
        """Return the average whose ``numbers`` these are.

        Raises:
            StateUnreadable: they cannot be.
        """

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Return how many closes, the newest included, the window must hold."""

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return how many candles it takes until the value no longer depends on where it began."""


new_tuple: Final = tuple.__new__
"""Makes a NamedTuple of its fields; a class that is called by name takes twice as long, twice a candle."""


def require_numbers(numbers: Sequence[int], expected: int, most_filled: int) -> None:
    """Refuse stored numbers that are too few or too many, or whose first one is no count of candles.

    Raises:
        StateUnreadable: without the name of the average, which ``kinds.restored_average`` puts before it.
    """
    if len(numbers) != expected or not 0 <= numbers[0] <= most_filled:
        shown = " ".join(str(number)[:20] for number in numbers[:expected])
        message = (
            f"must be {expected} numbers, the first a count of at most {most_filled}, "
            f"was {shown!r} ({len(numbers)} numbers)"
        )
        raise StateUnreadable(message)
