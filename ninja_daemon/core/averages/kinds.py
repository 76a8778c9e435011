"""The table of the moving averages: one line a kind.

Two families:

* ``sma``, ``wma`` and ``hma`` see a finite window. They are exact integer fractions and depend on the closes in the
  window alone.
* ``ema``, ``smma``, ``dema``, ``tema``, ``zlema`` and ``t3`` remember every close, a little less each time. They are
  kept in fixed point with ``FIXED_DIGITS`` digits more than the price and rounded half-even at each step. They begin
  with the simple mean of the first ``period`` values; ``warm_up`` says after how many candles that beginning is
  forgotten.

docs/averages.md has the formulas and a table of warm-ups, docs/changing-it.md how to add a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Self, TypeAlias

from ninja_daemon.core.averages.average import MovingAverage
from ninja_daemon.core.averages.hull import HullMovingAverage
from ninja_daemon.core.averages.plug_in import PlugInKind
from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.smoothed import (
    DoubleExponentialMovingAverage,
    ExponentialMovingAverage,
    SmoothedMovingAverage,
    TripleExponentialMovingAverage,
)
from ninja_daemon.core.averages.weighted import WeightedMovingAverage
from ninja_daemon.core.averages.zero_lag import TillsonMovingAverage, ZeroLagMovingAverage
from ninja_daemon.core.errors import StateUnreadable


class MovingAverageKind(StrEnum):
    """A kind of moving average: its name in ``ma_type``, and its class.

    Attributes:
        average: the class; ``average.empty(period)`` begins one.
    """

    average: type[MovingAverage]

    SMA = "sma", SimpleMovingAverage
    EMA = "ema", ExponentialMovingAverage
    WMA = "wma", WeightedMovingAverage
    SMMA = "smma", SmoothedMovingAverage
    DEMA = "dema", DoubleExponentialMovingAverage
    TEMA = "tema", TripleExponentialMovingAverage
    HMA = "hma", HullMovingAverage
    ZLEMA = "zlema", ZeroLagMovingAverage
    T3 = "t3", TillsonMovingAverage

    def __new__(cls, name: str, average: type[MovingAverage]) -> Self:
        """Make the member a plain string, with its class beside it."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.average = average
        return member


AverageKind: TypeAlias = MovingAverageKind | PlugInKind
"""A kind of this table, or one of an installed package."""


def restored_average(kind: AverageKind, period: int, numbers: Sequence[int]) -> MovingAverage:
    """Return an average from its stored numbers.

    Raises:
        StateUnreadable: they are not the numbers of such an average.
    """
    try:
        return kind.average.restored(period, numbers)
    except StateUnreadable as error:
        message = f"the stored {kind} of {period} {error}"
        raise StateUnreadable(message) from error
