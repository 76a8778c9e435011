"""An average that somebody else has written: a pure function of the newest prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Final, Self, TypeAlias

from ninja_daemon.core.averages.average import MovingAverage, Ratio, require_numbers
from ninja_daemon.core.averages.smoothed import FIXED_UNIT
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.errors import PlugInFailed

MOST_CANDLES: Final = 10_000
"""Candles that an average may look at."""
Number: TypeAlias = int | Fraction | Decimal
"""An exact number; no binary float."""


def exact(name: str, answer: object, count: int) -> list[Fraction]:
    """Return a plug-in's numbers.

    Raises:
        PlugInFailed: it did not return that many exact ones.
    """
    numbers = answer if isinstance(answer, tuple) else (answer,)
    if len(numbers) != count or not all(map(_is_exact, numbers)):
        expected = "an exact number" if count == 1 else f"{count} exact numbers"
        message = (
            f"the plug-in {name} must return {expected} (int, Fraction or Decimal), "
            f"returned {str(answer)[:60]} of type {type(answer).__name__}"
        )
        raise PlugInFailed(message)
    return [Fraction(each) for each in numbers]


def _is_exact(number: object) -> bool:
    return isinstance(number, int | Fraction) or (isinstance(number, Decimal) and number.is_finite())


@dataclass(frozen=True, slots=True)
class AveragePlugIn:
    """An average of an installed package, registered under the entry point group ``ninja_daemon.averages``.

    Attributes:
        version: part of the settings hash: another version gives other ids.
        candles: returns how many of the newest candles it looks at, for a period.
        value: returns the average of these prices, oldest first, for a period. They are integers of some unit, and the
            average is in the same unit; it is rounded half-even to ten digits more.
        name: that of the entry point.
    """

    version: str
    candles: Callable[[int], int]
    value: Callable[[Sequence[int], int], Number]
    name: str = ""


class PlugInKind(str):
    """Stands in ``ma_type`` where a built-in kind would: ``name@version``.

    Attributes:
        value: the same text, as built-in kinds have it.
        average: the class.
    """

    __slots__ = ("average", "value")

    average: type[MovingAverage]
    value: str

    def __new__(cls, plug_in: AveragePlugIn) -> Self:
        """Make the kind of a plug-in."""
        made = str.__new__(cls, f"{plug_in.name}@{plug_in.version}")
        made.value = str(made)
        made.average = _class_of(plug_in)
        return made


@dataclass(frozen=True, slots=True)
class WindowAverage:
    """The average of a plug-in over the newest prices, in fixed point.

    Attributes:
        needed: candles that the plug-in looks at.
        filled: candles seen, at most that many.
        fixed: the value times ``FIXED_UNIT``, once there are that many.
    """

    plug_in: ClassVar[AveragePlugIn]

    period: int
    needed: int
    filled: int = 0
    fixed: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """Candles seen, and the value."""
        return (self.filled, self.fixed)

    @property
    def ratio(self) -> Ratio | None:
        """The value in fixed point, once it is full."""
        return (self.fixed, FIXED_UNIT) if self.filled == self.needed else None

    def updated(self, closes: Window) -> Self:
        """Ask the plug-in, once there are candles enough."""
        filled = min(self.filled + 1, self.needed)
        fixed = self.over(self._newest(closes)) if filled == self.needed else 0
        return type(self)(self.period, self.needed, filled, fixed)

    def over(self, prices: Sequence[int]) -> int:
        """Return the value of some prices in fixed point."""
        (value,) = exact(self.plug_in.name, self.plug_in.value(prices, self.period), 1)
        return round(value * FIXED_UNIT)

    def _newest(self, closes: Window) -> list[int]:
        return [closes.back(step) for step in range(self.needed - 1, -1, -1)]

    def agrees_with(self, closes: Window) -> bool:
        """Ask the plug-in again."""
        if self.ratio is None:
            return len(closes) >= self.filled and not self.fixed
        return len(closes) >= self.needed and self.fixed == self.over(self._newest(closes))

    @classmethod
    def empty(cls, period: int) -> Self:
        """Return the average that has seen no candle yet."""
        return cls(period, cls.closes_held(period))

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> Self:
        """Read count and value back."""
        needed = cls.closes_held(period)
        require_numbers(numbers, 2, needed)
        return cls(period, needed, *numbers)

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold what the plug-in looks at."""
        needed = cls.plug_in.candles(period)
        if type(needed) is int and 1 <= needed <= MOST_CANDLES:
            return needed
        message = (
            f"the plug-in {cls.plug_in.name} must look at 1 to {MOST_CANDLES} candles, asked for {str(needed)[:40]}"
        )
        raise PlugInFailed(message)

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return what the plug-in looks at: older candles play no part."""
        return cls.closes_held(period)


@lru_cache(maxsize=64)
def _class_of(plug_in: AveragePlugIn) -> type[WindowAverage]:
    return type("PlugInAverage", (WindowAverage,), {"__slots__": (), "plug_in": plug_in})
