"""Candles that never came: in a quiet period there was no price, else a candle is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.strategy import Strategy

_PROBES: Final = 3
"""Missing stretches for which the broker is asked whether there were prices."""
_LIVE_EDGE: Final = 5
"""Number of new candles up to which the broker is asked at all; in a long catch-up a missing candle is history."""


class MissingCandles(NamedTuple):
    """What is missing between candles.

    Attributes:
        quiet: candles that are missing because there was no price.
        gaps: where candles are missing although there were prices: the open of the first of each run.
        held_from: index of the first candle behind one that is missing, None when none is.
    """

    quiet: int
    gaps: Sequence[Instant]
    held_from: int | None


def missing_candles(
    strategy: Strategy,
    previous: Candle | None,
    candles: Sequence[Candle],
    had_prices: Callable[[Instant, Instant], bool],
) -> MissingCandles:
    """Count the candles that never came, and tell missing ones from quiet periods near the live edge.

    Args:
        strategy: whose candles.
        previous: the candle before them, None when there is none.
        candles: complete ones, oldest first.
        had_prices: tells whether there were prices between two instants.
    """
    granularity = strategy.granularity
    quiet, probes, held_from = 0, 0, None
    gaps: list[Instant] = []
    for index, candle in enumerate(candles):
        expected = candle.time if previous is None else granularity.close_of(previous.time)
        if previous is not None and expected != candle.time:
            missing = strategy.market_hours.missing_between(granularity, previous.time, candle.time)
            is_probed = missing and len(candles) <= _LIVE_EDGE and probes < _PROBES
            probes += bool(is_probed)
            if is_probed and had_prices(expected, candle.time):
                gaps.append(expected)
                held_from = index if held_from is None else held_from
            else:
                quiet += missing
        previous = candle
    return MissingCandles(quiet, gaps, held_from)


def lateness(granularity: Granularity, cursor: Instant | None, now: float) -> float | None:
    """Return how many seconds ago the candle after the cursor's closed; None without a cursor, negative before."""
    if cursor is None:
        return None
    return now - granularity.next_close(granularity.close_of(cursor))
