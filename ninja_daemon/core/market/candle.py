"""One complete candle, in integers, checked on creation."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ninja_daemon.core.errors import CandleRejected
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant


class Candle(NamedTuple):
    """A complete candle. Prices are integers in units of the instrument's ``10**-decimals``.

    Attributes:
        time: its open.
        open: first price.
        high: highest price.
        low: lowest price.
        close: last price.
    """

    time: Instant
    open: int
    high: int
    low: int
    close: int


def checked_candle(granularity: Granularity, time: Instant, open_: int, high: int, low: int, close: int) -> Candle:
    """Make a candle of numbers that came from outside.

    Raises:
        CandleRejected: it opens off the grid, has a price that is not positive, or a high or low that its own other
            prices contradict.
    """
    if not granularity.is_border(time):
        nearest = format_instant(granularity.open_at(time))
        message = (
            f"a {granularity.name} candle must open on the 17:00 New York grid, was {format_instant(time)} "
            f"(the border before it is {nearest})"
        )
        raise CandleRejected(message)
    if low <= 0:
        message = f"prices must be positive, the low of {format_instant(time)} was {low}"
        raise CandleRejected(message)
    if not low <= open_ <= high or not low <= close <= high:
        message = (
            f"open and close must lie between low and high, the candle of {format_instant(time)} was "
            f"open {open_}, high {high}, low {low}, close {close}"
        )
        raise CandleRejected(message)
    return Candle(time, open_, high, low, close)


def true_range(candle: Candle, previous_close: int) -> int:
    """Return max(high − low, |high − previous close|, |low − previous close|) in price units."""
    _, _, high, low, _ = candle
    # Compared by hand: this runs once a candle, and a call of max or min takes three times as long.
    highest = previous_close if previous_close > high else high  # noqa: FURB136
    lowest = previous_close if previous_close < low else low  # noqa: FURB136
    return highest - lowest


class AtrType(StrEnum):
    """How true ranges are averaged: the simple mean, or Wilder's, which begins with that mean."""

    SMA = "sma"
    WILDER = "wilder"
