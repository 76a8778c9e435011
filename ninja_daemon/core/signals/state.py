"""What a strategy remembers between two candles, and a turn of its side."""

from __future__ import annotations

from typing import NamedTuple

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.smoothed import Stage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters.filter import Filter, Moment
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.crossover import Side


class StrategyState(NamedTuple):
    """Everything that a strategy remembers between two candles. Immutable; the next state shares what did not change.

    Attributes:
        last: the newest candle taken in.
        seen: candles taken in since the state was begun.
        closes: the newest closes, as many as the averages reach back; with another ``source`` its sums of prices.
        ranges: the newest true ranges, ``atr_period`` of them when full.
        range_total: sum of ``ranges``; of a smoothed average true range, ``smoothed.value``.
        fast: the fast average.
        slow: the slow average.
        side: sign of the last difference of the averages that was not zero; None before there was one.
        smoothed: Wilder's average of the true ranges; None where it is the simple mean.
        signal_at: ``seen`` after the candle of the last signal, kept only where signals keep a distance; None where
            there was none, or long ago.
        recent: the newest candles, as many as filters of plug-ins look at.
    """

    last: Candle | None
    seen: int
    closes: Window
    ranges: Window
    range_total: int
    fast: MovingAverage
    slow: MovingAverage
    side: Side | None
    smoothed: Stage | None = None
    signal_at: int | None = None
    recent: tuple[Candle, ...] = ()


class Cross(NamedTuple):
    """A turn of the side, with what a signal is computed from, all exact.

    Attributes:
        side: the side that the averages turned to.
        candle: the candle whose close turned it.
        moment: what the filters were given.
        rejected_by: the filter that keeps it from being a signal, or None.
    """

    side: Side
    candle: Candle
    moment: Moment
    rejected_by: Filter | None

    @property
    def fast(self) -> Ratio:
        """Value of the fast average as numerator and denominator, price units."""
        return self.moment.fast

    @property
    def slow(self) -> Ratio:
        """Value of the slow average."""
        return self.moment.slow

    @property
    def range_total(self) -> int:
        """The average true range is this over ``Strategy.range_whole``."""
        return self.moment.range_total


class Begin(NamedTuple):
    """From when on a strategy's signals were listed, where they keep a distance.

    Attributes:
        time: open of the first candle whose signals were listed.
        last: open of the candle of the last signal listed before it; None where there is none.
    """

    time: Instant
    last: Instant | None
