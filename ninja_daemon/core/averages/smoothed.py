"""Averages that remember every close, a little less each time: EMA, Wilder's SMMA, DEMA and TEMA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import ClassVar, Final, NamedTuple, Self

from ninja_daemon.core.averages.average import Ratio, new_tuple, require_numbers
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.rounding import half_even

FIXED_DIGITS: Final = 10
"""Digits that the averages of infinite memory carry beyond those of the price."""

FIXED_UNIT: Final = 10**FIXED_DIGITS

LONGEST_WARM_UP: Final = 5_000
"""Candles after which an average of infinite memory counts as warm, however much is left of its start."""

_WORST_START: Final = 10**6
"""How far the start of an average may lie from what it would be, in price units: ten EUR_USD, 1,000 yen."""

_HALF_REPORTED_UNIT: Final = 2 * 10**5
"""Half of the last digit that signals report, as a fraction of a price unit: one over this."""


class Stage(NamedTuple):
    """One exponential smoothing of a series of fixed-point numbers.

    The first ``period`` values are summed; their mean, rounded half-even, is the first result. From then on
    value ← (value × (period − 1) + newest × take) / (period − 1 + take), rounded half-even.

    Attributes:
        period: values behind the first result.
        take: weight of the newest value against ``period`` − 1: two for an EMA, one for a smoothed average.
        filled: values seen, at most the period.
        before: ``value`` before the newest input. It is not needed to go on; with it, stored numbers can be checked.
        value: the sum while it is filling, the result from then on.
    """

    period: int
    take: int
    filled: int = 0
    before: int = 0
    value: int = 0

    @property
    def full(self) -> bool:
        """Tell whether ``value`` is a result."""
        return self.filled == self.period

    def updated(self, newest: int) -> Stage:
        """Take in the next value."""
        period, take, filled, _, value = self
        if filled == period:
            smoothed = half_even(value * (period - 1) + newest * take, period - 1 + take)
            return new_tuple(Stage, (period, take, filled, value, smoothed))
        if filled + 1 < period:
            return Stage(period, take, filled + 1, value, value + newest)
        return Stage(period, take, period, value, half_even(value + newest, period))

    def _smoothed(self, value: int, newest: int) -> int:
        keep = self.period - 1
        return half_even(value * keep + newest * self.take, keep + self.take)

    def agrees_with(self, newest: int) -> bool:
        """Tell whether ``newest`` leads from ``before`` to ``value``."""
        if not self.full:
            return self.value == self.before + newest
        seeded = half_even(self.before + newest, self.period)
        return self.value in {seeded, self._smoothed(self.before, newest)}


@dataclass(frozen=True, slots=True)
class Smoothed:
    """What the averages of infinite memory share: a chain of stages, each smoothing the results of the one before.

    Attributes:
        stages: the chain; a stage gets its first value when the one before it has its first result.
    """

    take: ClassVar[int] = 2
    weights: ClassVar[tuple[int, ...]] = (1,)
    """The value is the sum of the stages' results times these, over ``weights_over``."""
    weights_over: ClassVar[int] = 1

    period: int
    stages: tuple[Stage, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """For each stage: values seen, at most the period, the result before the newest value, and the result."""
        return tuple(number for stage in self.stages for number in (stage.filled, stage.before, stage.value))

    def updated(self, closes: Window) -> Self:
        """Take in the newest close, and each stage's result in the next stage."""
        newest = closes.back(0) * FIXED_UNIT
        stages = list(self.stages)
        for index, stage in enumerate(stages):
            stages[index] = stage = stage.updated(newest)  # noqa: PLW2901 - the next one reads it
            if not stage.full:
                break
            newest = stage.value
        return type(self)(self.period, tuple(stages))

    @property
    def ratio(self) -> Ratio | None:
        """The weighted sum of the stages in fixed point, once the last of them has a result."""
        stages, weights = self.stages, self.weights
        if not stages[-1].full:
            return None
        if len(stages) == 1:
            return stages[0].value, FIXED_UNIT
        total = sum(weight * stage.value for weight, stage in zip(weights, stages, strict=True))
        return total, FIXED_UNIT * self.weights_over

    def agrees_with(self, closes: Window) -> bool:
        """Follow the newest close through the stages.

        Closes that are gone, and how many there were while a stage was filling, cannot be checked any more; but a
        result that was changed no longer follows from the one before it.
        """
        newest = self._newest(closes)
        if newest is None:
            return not any(self.numbers)
        for index, stage in enumerate(self.stages):
            if not stage.filled or not stage.agrees_with(newest):
                return False
            if not stage.full:
                return not any(any(later[2:]) for later in self.stages[index + 1 :])
            newest = stage.value
        return True

    def _newest(self, closes: Window) -> int | None:
        """Return what the first stage takes in of the newest close; None where there is nothing yet."""
        return closes.back(0) * FIXED_UNIT if len(closes) else None

    @classmethod
    def empty(cls, period: int) -> Self:
        """Return the average that has seen no candle yet."""
        return cls(period, tuple(Stage(period, cls.take) for _ in cls.weights))

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> Self:
        """Read the stages back."""
        require_numbers(numbers, 3 * len(cls.weights), period)
        stages: list[Stage] = []
        for start in range(0, len(numbers), 3):
            filled, before, value = numbers[start : start + 3]
            if not 0 <= filled <= period or (filled and stages and not stages[-1].full):
                message = f"must fill its stages in order, was {list(numbers)}"
                raise StateUnreadable(message)
            stages.append(Stage(period, cls.take, filled, before, value))
        return cls(period, tuple(stages))

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold the newest close alone."""
        del period
        return 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the candles until less is left of the start than half of the last digit that a signal reports.

        The bound supposes that the start is a million price units off, and is cut at ``LONGEST_WARM_UP``;
        docs/averages.md says which periods that concerns.
        """
        lead = cls.lead(period)
        fading = _forgetting(period, cls.take, cls.weights, cls.weights_over)
        return min(lead + fading, max(LONGEST_WARM_UP, lead + len(cls.weights) * (period - 1) + 1))

    @classmethod
    def lead(cls, period: int) -> int:
        """Return how many candles the start lasts longer than until the first value."""
        del period
        return 0


@dataclass(frozen=True, slots=True)
class ExponentialMovingAverage(Smoothed):
    """EMA: the newest close weighs 2 / (period + 1). Begins with the simple mean of the first ``period`` closes."""


@dataclass(frozen=True, slots=True)
class SmoothedMovingAverage(Smoothed):
    """SMMA (Wilder's): the newest close weighs 1 / period. Begins with the simple mean of the first ``period``."""

    take: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class DoubleExponentialMovingAverage(Smoothed):
    """DEMA: 2 × EMA − EMA of the EMA. Full after 2 × period − 1 candles.

    The second EMA begins with the simple mean of the first ``period`` values of the first one.
    """

    weights: ClassVar[tuple[int, ...]] = (2, -1)


@dataclass(frozen=True, slots=True)
class TripleExponentialMovingAverage(Smoothed):
    """TEMA: 3 × EMA − 3 × EMA of the EMA + EMA of that. Full after 3 × period − 2 candles.

    Each further EMA begins with the simple mean of the first ``period`` values of the one before.
    """

    weights: ClassVar[tuple[int, ...]] = (3, -3, 1)


@lru_cache(maxsize=1024)
def _forgetting(period: int, take: int, weights: tuple[int, ...], weights_over: int) -> int:
    full = len(weights) * (period - 1) + 1
    if period == 1 or full >= LONGEST_WARM_UP:
        return full
    least, most = 0, LONGEST_WARM_UP - full
    while least < most:
        steps = (least + most) // 2
        if _is_forgotten(steps, period, take, weights, weights_over):
            most = steps
        else:
            least = steps + 1
    return full + least


def _is_forgotten(steps: int, period: int, take: int, weights: tuple[int, ...], weights_over: int) -> bool:
    """Tell whether a start that was off in every stage is gone from the reported digits, in integers.

    With r = keep / whole and a = take / whole, an error of one in stage i is, ``steps`` later, an error of
    comb(steps + d − 1, d) × a^d × r^steps in the stage d places further down the chain.
    """
    keep, whole = period - 1, period - 1 + take
    depth = len(weights)
    error = 0
    for place, weight in enumerate(weights):
        for distance in range(place + 1):
            ways = comb(steps + distance - 1, distance) if steps else int(distance == 0)
            error += abs(weight) * ways * take**distance * whole ** (depth - 1 - distance)
    left: int = error * keep**steps * _WORST_START * _HALF_REPORTED_UNIT
    right: int = whole ** (steps + depth - 1) * weights_over
    return left < right
