"""Moving averages: one class a kind, exact or with a stated rounding, O(1) a candle.

An average keeps only numbers; the closes themselves live once in the strategy's window, which already holds the new
close when ``updated`` is called. ``numbers`` and ``restored`` are how an average is stored and read back.

Two families:

* ``sma``, ``wma`` and ``hma`` see a finite window. They are kept as exact integer fractions; nothing is ever rounded,
  and they are a function of the closes in the window alone.
* ``ema``, ``smma``, ``dema`` and ``tema`` remember every close for ever, a little less each time. They are kept in
  fixed point with ``FIXED_DIGITS`` digits more than the price, rounded half-even at each step, and begin with the
  simple mean of the first ``period`` values. ``warm_up`` says after how many candles that beginning is forgotten.

docs/averages.md has the formulas and a table of warm-ups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import comb, isqrt
from typing import ClassVar, Final, NamedTuple, Protocol, Self

from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.errors import StateUnreadable

FIXED_DIGITS: Final = 10
"""Digits that the averages of infinite memory carry beyond those of the price."""
FIXED_UNIT: Final = 10**FIXED_DIGITS
LONGEST_WARM_UP: Final = 5_000
"""Candles after which an average of infinite memory is taken as warm whatever is left of its start."""
_WORST_START: Final = 10**6
"""How far the start of an average may lie from what it would be, in price units: ten EUR_USD, 1,000 yen."""
_HALF_REPORTED_UNIT: Final = 2 * 10**5
"""Half of the last digit that signals report, as a fraction of a price unit: one over this."""


class MovingAverageKind(StrEnum):
    """The kinds of moving average that a strategy may ask for, as ``ma_type`` names them."""

    SMA = "sma"
    EMA = "ema"
    WMA = "wma"
    SMMA = "smma"
    DEMA = "dema"
    TEMA = "tema"
    HMA = "hma"


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


_tuple: Final = tuple.__new__


# --- finite windows: exact -------------------------------------------------------------------------------------------


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
        # Made as a plain tuple is: called by name the class takes twice as long, twice a candle.
        if filled == period:
            return _tuple(SimpleMovingAverage, (period, filled, total + buffer[newest] - buffer[newest - period]))
        return _tuple(SimpleMovingAverage, (period, filled + 1, total + buffer[newest]))

    @property
    def ratio(self) -> tuple[int, int] | None:
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
        _require_numbers(MovingAverageKind.SMA, period, numbers, 2, period)
        return cls(period, *numbers)

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold the window, and the close that leaves it."""
        return period + 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the period: older closes play no part."""
        return period


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
            return _tuple(WeightedMovingAverage, numbers)
        return WeightedMovingAverage(period, filled + 1, weighted + (filled + 1) * newest, total + newest)

    @property
    def ratio(self) -> tuple[int, int] | None:
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
        _require_numbers(MovingAverageKind.WMA, period, numbers, 3, period)
        return cls(period, *numbers)

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold the window, and the close that leaves it."""
        return period + 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the period: older closes play no part."""
        return period


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
    def ratio(self) -> tuple[int, int] | None:
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
        return cls(
            period,
            min(seen, period + outer),
            WeightedMovingAverage.over(hull_half(period), seen, closes),
            WeightedMovingAverage.over(period, seen, closes),
            WeightedMovingAverage.over(hull_half(period), seen, closes, outer),
            WeightedMovingAverage.over(period, seen, closes, outer),
            sum((held - step) * difference for step, difference in enumerate(newest_first)),
            sum(newest_first),
        )

    @classmethod
    def empty(cls, period: int) -> HullMovingAverage:
        """Return the average that has seen no candle yet."""
        half, whole = WeightedMovingAverage(hull_half(period)), WeightedMovingAverage(period)
        return cls(period, 0, half, whole, half, whole)

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> HullMovingAverage:
        """Read the sums back; how full each average is follows from the count of candles."""
        outer = hull_outer(period)
        _require_numbers(MovingAverageKind.HMA, period, numbers, 11, period + outer)
        filled = numbers[0]
        inner = []
        for index, (length, delay) in enumerate(
            [(hull_half(period), 0), (period, 0), (hull_half(period), outer), (period, outer)]
        ):
            taken = max(0, min(filled - delay, length))
            inner.append(WeightedMovingAverage(length, taken, numbers[1 + 2 * index], numbers[2 + 2 * index]))
        return cls(period, filled, inner[0], inner[1], inner[2], inner[3], numbers[9], numbers[10])

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold both windows, and the close that leaves the older one."""
        return period + hull_outer(period) + 1

    @classmethod
    def warm_up(cls, period: int) -> int:
        """Return the candles under both windows: older closes play no part."""
        return period + hull_outer(period) - 1


def triangle(period: int) -> int:
    """Return 1 + 2 + … + ``period``, the sum of a weighted average's weights."""
    return period * (period + 1) // 2


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


# --- infinite memory: fixed point ------------------------------------------------------------------------------------


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
            return _tuple(Stage, (period, take, filled, value, smoothed))
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
class _Smoothed:
    """What the averages of infinite memory share: a chain of stages, each smoothing the results of the one before.

    Attributes:
        stages: the chain; a stage gets its first value when the one before it has its first result.
    """

    take: ClassVar[int] = 2
    weights: ClassVar[tuple[int, ...]] = (1,)
    """The value is the sum of the stages' results times these."""

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
    def ratio(self) -> tuple[int, int] | None:
        """The weighted sum of the stages in fixed point, once the last of them has a result."""
        stages, weights = self.stages, self.weights
        if not stages[-1].full:
            return None
        if len(stages) == 1:
            return stages[0].value, FIXED_UNIT
        return sum(weight * stage.value for weight, stage in zip(weights, stages, strict=True)), FIXED_UNIT

    def agrees_with(self, closes: Window) -> bool:
        """Follow the newest close through the stages.

        Closes that are gone, and how many there were while a stage was filling, cannot be checked any more; but a
        result that was changed no longer follows from the one before it.
        """
        if not len(closes):
            return not any(self.numbers)
        newest = closes.back(0) * FIXED_UNIT
        for index, stage in enumerate(self.stages):
            if not stage.filled or not stage.agrees_with(newest):
                return False
            if not stage.full:
                return not any(any(later[2:]) for later in self.stages[index + 1 :])
            newest = stage.value
        return True

    @classmethod
    def empty(cls, period: int) -> Self:
        """Return the average that has seen no candle yet."""
        return cls(period, tuple(Stage(period, cls.take) for _ in cls.weights))

    @classmethod
    def restored(cls, period: int, numbers: Sequence[int]) -> Self:
        """Read the stages back."""
        kind = next(kind for kind, owner in _KINDS.items() if owner is cls)
        _require_numbers(kind, period, numbers, 3 * len(cls.weights), period)
        stages: list[Stage] = []
        for start in range(0, len(numbers), 3):
            filled, before, value = numbers[start : start + 3]
            if not 0 <= filled <= period or (filled and stages and not stages[-1].full):
                message = f"the stored {kind} of {period} must fill its stages in order, was {list(numbers)}"
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
        return _forgetting(period, cls.take, cls.weights)


@dataclass(frozen=True, slots=True)
class ExponentialMovingAverage(_Smoothed):
    """EMA: the newest close weighs 2 / (period + 1). Begins with the simple mean of the first ``period`` closes."""


@dataclass(frozen=True, slots=True)
class SmoothedMovingAverage(_Smoothed):
    """SMMA (Wilder's): the newest close weighs 1 / period. Begins with the simple mean of the first ``period``."""

    take: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class DoubleExponentialMovingAverage(_Smoothed):
    """DEMA: 2 × EMA − EMA of the EMA. Full after 2 × period − 1 candles.

    The second EMA begins with the simple mean of the first ``period`` values of the first one.
    """

    weights: ClassVar[tuple[int, ...]] = (2, -1)


@dataclass(frozen=True, slots=True)
class TripleExponentialMovingAverage(_Smoothed):
    """TEMA: 3 × EMA − 3 × EMA of the EMA + EMA of that. Full after 3 × period − 2 candles.

    Each further EMA begins with the simple mean of the first ``period`` values of the one before.
    """

    weights: ClassVar[tuple[int, ...]] = (3, -3, 1)


def half_even(numerator: int, denominator: int) -> int:
    """Divide, and round to the nearest integer, ties to the even one. The denominator is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = remainder + remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


@lru_cache(maxsize=1024)
def _forgetting(period: int, take: int, weights: tuple[int, ...]) -> int:
    full = len(weights) * (period - 1) + 1
    if period == 1 or full >= LONGEST_WARM_UP:
        return full
    least, most = 0, LONGEST_WARM_UP - full
    while least < most:
        steps = (least + most) // 2
        if _is_forgotten(steps, period, take, weights):
            most = steps
        else:
            least = steps + 1
    return full + least


def _is_forgotten(steps: int, period: int, take: int, weights: tuple[int, ...]) -> bool:
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
    right: int = whole ** (steps + depth - 1)
    return left < right


# --- by kind ---------------------------------------------------------------------------------------------------------

_KINDS: Final[dict[MovingAverageKind, type[MovingAverage]]] = {
    MovingAverageKind.SMA: SimpleMovingAverage,
    MovingAverageKind.EMA: ExponentialMovingAverage,
    MovingAverageKind.WMA: WeightedMovingAverage,
    MovingAverageKind.SMMA: SmoothedMovingAverage,
    MovingAverageKind.DEMA: DoubleExponentialMovingAverage,
    MovingAverageKind.TEMA: TripleExponentialMovingAverage,
    MovingAverageKind.HMA: HullMovingAverage,
}


def empty_average(kind: MovingAverageKind, period: int) -> MovingAverage:
    """Return an average that has seen no candle yet."""
    return _KINDS[kind].empty(period)


def restored_average(kind: MovingAverageKind, period: int, numbers: Sequence[int]) -> MovingAverage:
    """Return an average from its stored numbers.

    Raises:
        StateUnreadable: they are not the numbers of such an average.
    """
    return _KINDS[kind].restored(period, numbers)


def closes_held(kind: MovingAverageKind, period: int) -> int:
    """Return how many closes, the newest included, the strategy's window must hold for this average."""
    return _KINDS[kind].closes_held(period)


def warm_up(kind: MovingAverageKind, period: int) -> int:
    """Return how many candles this average needs before it has a value that no longer depends on where it began."""
    return _KINDS[kind].warm_up(period)


def _require_numbers(
    kind: MovingAverageKind, period: int, numbers: Sequence[int], expected: int, most_filled: int
) -> None:
    if len(numbers) != expected or not 0 <= numbers[0] <= most_filled:
        shown = " ".join(str(number)[:20] for number in numbers[:expected])
        message = (
            f"the stored {kind} of {period} must be {expected} numbers, the first a count of at most {most_filled}, "
            f"was {shown!r} ({len(numbers)} numbers)"
        )
        raise StateUnreadable(message)
