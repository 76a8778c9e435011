"""Finer candles, or ticks, to coarser ones on the New York grid, part after part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.closed_time import closed_before
from ninja_daemon.adapters.candle_files.clocks.zones import NEW_YORK
from ninja_daemon.adapters.candle_files.settling.parts import CandlePart
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.spans import HOUR

_LATE_OPEN: Final = 15 * 60
_EARLY_CLOSE: Final = 5 * 60
"""Seconds by which quotes may begin later than their week, and end before it, with nothing missing."""


@dataclass(slots=True)
class Join:
    """A join in progress.

    Attributes:
        granularity: of the candles made.
        step: seconds of those that come in; 0 for ticks.
        is_always_open: the market knows no weekend.
        left_out: incomplete candles at the two ends, by their opens.
    """

    granularity: Granularity
    step: int
    is_always_open: bool = False
    left_out: list[int] = field(default_factory=list)
    _first: int | None = None
    _last: int = 0
    _open_part: CandlePart | None = None

    def run(self, parts: Iterable[CandlePart]) -> Iterator[CandlePart]:
        """Make the candles; incomplete ones at the beginning and at the end are left out."""
        for part in parts:
            if self._first is None:
                self._first = int(part.time[0])
            self._last = int(part.time[-1])
            whole = part if self._open_part is None else _together(self._open_part, part)
            made = self._grouped(whole)
            self._open_part = made.where(np.array([len(made.time) - 1]))
            yield from self._without_first(made.where(np.arange(len(made.time) - 1)))
        if self._open_part is not None:
            if self._is_complete(int(self._open_part.time[0])):
                yield from self._without_first(self._open_part)
            else:
                self.left_out.append(int(self._open_part.time[0]))

    def _grouped(self, part: CandlePart) -> CandlePart:
        opens = opens_of(self.granularity, part.time)
        starts = np.concatenate(([0], np.flatnonzero(np.diff(opens)) + 1))
        ends = np.concatenate((starts[1:], [len(opens)])) - 1
        open_, high, low, close = part.prices
        prices = np.stack(
            (open_[starts], np.maximum.reduceat(high, starts), np.minimum.reduceat(low, starts), close[ends])
        )
        volume = np.add.reduceat(part.volume, starts)
        none = np.minimum.reduceat(part.volume, starts) < 0
        return CandlePart(opens[starts], prices, np.where(none, -1, volume))

    def _without_first(self, made: CandlePart) -> Iterator[CandlePart]:
        if not len(made.time):
            return
        first = int(made.time[0])
        if self._first is not None and self._first >= first:
            missing = self._open_seconds(first, self._first)
            is_after_closing = self._open_seconds(first - 1, self._first) == missing
            if missing > (_LATE_OPEN if is_after_closing else 0):
                self.left_out.append(first)
                made = made.where(np.arange(1, len(made.time)))
            self._first = first - 1
        if len(made.time):
            yield made

    def _is_complete(self, opened: int) -> bool:
        close = self.granularity.close_of(opened)
        reached = self._last + self.step
        if reached >= close:
            return True
        left = self._open_seconds(reached, close)
        wall = close + int(NEW_YORK.offsets(np.array([close]))[0])
        # Seconds since Monday's midnight; only a week's end is quiet enough to say nothing for minutes.
        is_week_end = (wall // HOUR + 72) % 168 == 4 * 24 + 17
        return left == 0 or (left <= _EARLY_CLOSE and is_week_end and not self.is_always_open)

    def _open_seconds(self, start: int, end: int) -> int:
        if self.is_always_open:
            return end - start
        closed = closed_before(np.array([start, end], dtype=np.int64))
        return end - start - int(closed[1] - closed[0])


def _together(one: CandlePart, other: CandlePart) -> CandlePart:
    return CandlePart(
        np.concatenate((one.time, other.time)),
        np.concatenate((one.prices, other.prices), axis=1),
        np.concatenate((one.volume, other.volume)),
    )


def opens_of(granularity: Granularity, times: Integers) -> Integers:
    """Return the opens of the candles that cover ascending times."""
    if granularity.seconds <= HOUR:
        begun: Integers = times - times % granularity.seconds
        return begun
    borders = [granularity.open_at(int(times[0]))]
    last = int(times[-1])
    while (following := granularity.next_close(borders[-1])) <= last:
        borders.append(following)
    known = np.array(borders, dtype=np.int64)
    opens: Integers = known[known.searchsorted(times, side="right") - 1]
    return opens
