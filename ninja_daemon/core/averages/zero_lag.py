"""Averages that make up for their lag: ZLEMA and Tillson's T3. Both smooth in fixed point, as those of ``smoothed``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from ninja_daemon.core.averages.smoothed import FIXED_UNIT, Smoothed
from ninja_daemon.core.averages.window import Window


@dataclass(frozen=True, slots=True)
class ZeroLagMovingAverage(Smoothed):
    """ZLEMA: the EMA of 2 × close − the close (period − 1) / 2 candles before, rounded down.

    Begins with the simple mean of the first ``period`` such values; the first of them needs the close that lies so far
    back.
    """

    def updated(self, closes: Window) -> Self:
        """Take in the newest close, once there is the one that lies so far back."""
        newest = self._newest(closes)
        return self if newest is None else type(self)(self.period, (self.stages[0].updated(newest),))

    def _newest(self, closes: Window) -> int | None:
        lag = self.lag(self.period)
        return (2 * closes.back(0) - closes.back(lag)) * FIXED_UNIT if len(closes) > lag else None

    @staticmethod
    def lag(period: int) -> int:
        """Return how many candles back the other close lies."""
        return (period - 1) // 2

    @classmethod
    def closes_held(cls, period: int) -> int:
        """Hold the newest close, and those back to the other one."""
        return cls.lag(period) + 1

    @classmethod
    def lead(cls, period: int) -> int:
        """Return the candles before the first value is smoothed, and as many in which a close of the start counts."""
        return 2 * cls.lag(period)


@dataclass(frozen=True, slots=True)
class TillsonMovingAverage(Smoothed):
    """T3 with a volume factor of 0.7: six EMAs in a chain. Full after 6 × period − 5 candles.

    The value is 4.913 × E3 − 6.069 × E4 + 2.499 × E5 − 0.343 × E6. Each EMA begins with the simple mean of the first
    ``period`` values of the one before.
    """

    weights: ClassVar[tuple[int, ...]] = (0, 0, 4_913, -6_069, 2_499, -343)
    weights_over: ClassVar[int] = 1_000
