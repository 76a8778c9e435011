"""True ranges and their simple mean, the average true range (contract 4.4)."""

from __future__ import annotations

from ninja_daemon.core.candle import Candle


def true_range(candle: Candle, previous_close: int) -> int:
    """Return max(high − low, |high − previous close|, |low − previous close|) in price units."""
    high, low = candle.high, candle.low
    return max(high, previous_close) - min(low, previous_close)
