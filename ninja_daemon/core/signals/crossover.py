"""Sides, and the turn of a side (contract 4.3)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from ninja_daemon.core.averages.average import MovingAverage


class Side(IntEnum):
    """The side of the fast average over the slow one; also the direction of a signal."""

    BUY = 1
    SELL = -1


SIDES: Final = (Side.SELL, Side.BUY)
"""By whether it is BUY."""


def side_of(fast: MovingAverage, slow: MovingAverage) -> Side | None:
    """Return the sign of fast − slow, compared exactly; None for a tie or while one of them is not full."""
    fast_ratio, slow_ratio = fast.ratio, slow.ratio
    if fast_ratio is None or slow_ratio is None:
        return None
    fast_sum, fast_whole = fast_ratio
    slow_sum, slow_whole = slow_ratio
    left, right = fast_sum * slow_whole, slow_sum * fast_whole
    if left == right:
        return None
    return Side.BUY if left > right else Side.SELL
