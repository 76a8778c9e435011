"""A market of its own: a seeded random walk that anybody may look at from any time, in any granularity.

How every granularity shows the same prices without keeping them: each trading day is drawn first, as one candle; its
hours are drawn so that together they are that candle; then the quarters of an hour, the minutes, the steps of five
seconds, each finer level only where somebody looks. Each draw depends on the seed, the instrument, the level and
the time of the candle, never on who asked before. All other granularities are joined from these five levels.

Everything is integer arithmetic (numbers drawn, prices, volumes), so that one seed is one market on every machine.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.market.granularity import Granularity, new_york_day_start
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.spans import DAY, HOUR
from ninja_daemon.simulator.markets.drawing import (
    TIME,
    Integers,
    TradingDays,
    drawn,
    drawn_days,
    joined_rows,
    key_of,
    split,
    window,
)
from ninja_daemon.simulator.markets.listings import NATURES, Nature
from ninja_daemon.simulator.markets.quotes import Listing, Row

_FIRST_DAY: Final = date(2004, 1, 1).toordinal()
_LAST_DAY: Final = date(2050, 1, 1).toordinal()
_FRIDAY: Final = 4

_ACTIVITY: Final = (3, 7, 10, 13, 13, 11, 10, 10, 11, 15, 25, 31, 30, 27, 27, 32, 40, 41, 37, 28, 20, 15, 11, 7, 4)
"""How busy the hours of a trading day are, from 17:00 in New York; the 25th is that of a day of 25 hours."""

_EVEN_ACTIVITY: Final = 19

_BREAK_BEFORE: Final = 120
_BREAK_AFTER: Final = 180
"""Seconds around 17:00 in New York without prices (facts: 3.5, 16:58 to 17:03)."""

_CHUNKS: Final = 768
"""Parts that are kept, of at most 80 kB each."""


class _Level(NamedTuple):
    """One of the levels below the day.

    Attributes:
        step: seconds of its candles.
        children: how many make one of the level above; one more hour where a day may have 25.
        chunk: seconds that are drawn and kept together; a multiple of the step above.
    """

    step: int
    children: int
    chunk: int


_LEVELS: Final = (
    _Level(HOUR, 25, 64 * DAY),
    _Level(900, 4, 16 * DAY),
    _Level(60, 15, DAY),
    _Level(5, 12, 2 * HOUR),
)
_HOURS, _QUARTERS, _MINUTES, _STEPS = range(4)


class RandomMarket:
    """A seeded random walk with sessions, weekends, holidays, a daily break and quiet moments.

    Prices exist from 2004 to 2049. The hours are those of ``core.market.market_hours``, less the daily break from 16:58
    to 17:03 in New York; some five-second steps have no price, most often at night.
    """

    def __init__(self, seed: int, *, always_open: bool = False, stray_fridays: bool = False, pace: int = 1) -> None:
        """Set up a market; nothing is drawn yet.

        Args:
            seed: the same seed is the same market.
            always_open: trade on weekends and holidays, too, without the daily break; for demonstrations.
            stray_fridays: one Friday in five has a stray price after the close, as the broker's have now and then.
            pace: how many times as far prices go in a day as usual; for demonstrations.
        """
        self._seed = seed
        self._always_open = always_open
        self._stray_fridays = stray_fridays
        self._pace = pace
        self._lock = threading.RLock()
        self._walks: dict[str, _Walk] = {}
        self._known_calendar: TradingDays | None = None
        self._listings = {name: nature.listing for name, nature in NATURES.items()}

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Return the instruments."""
        return self._listings

    @property
    def begins(self) -> Instant:
        """Return the start of the first trading day."""
        return new_york_day_start(date.fromordinal(_FIRST_DAY))

    def rows(
        self, instrument: str, granularity: Granularity, start: Instant, end: Instant, now: float
    ) -> Sequence[Row]:
        """Return the candles of a window, see ``Market``."""
        with self._lock:
            return self._walk(instrument).rows(granularity, start, end, int(now * 1000))

    def first_tick(self, instrument: str, granularity: Granularity, start: Instant, end: Instant) -> float | None:
        """Return the time of the first price of a window, see ``Market``."""
        del granularity  # all of them are made of the same prices
        with self._lock:
            return self._walk(instrument).first_tick(start, end)

    def _walk(self, instrument: str) -> _Walk:
        if instrument not in self._walks:
            key = f"{self._seed}:{instrument}"
            nature = NATURES[instrument]
            nature = nature._replace(daily=nature.daily * self._pace)
            self._walks[instrument] = _Walk(key, nature, self._calendar(), self._always_open)
        return self._walks[instrument]

    def _calendar(self) -> TradingDays:
        if self._known_calendar is None:
            hours = MarketHours.ALWAYS if self._always_open else MarketHours.FX
            starts = _day_starts()
            is_open = np.fromiter(map(hours.is_open, starts[:-1].tolist()), dtype=np.bool_, count=len(starts) - 1)
            is_stray = np.zeros_like(is_open)
            if self._stray_fridays and not self._always_open:
                weekdays = (np.arange(_FIRST_DAY, _LAST_DAY) + 6) % 7
                chosen = drawn(starts[:-1], key_of(f"{self._seed}:stray")) % np.uint64(5) == 0
                is_stray = (weekdays == _FRIDAY) & chosen
            self._known_calendar = TradingDays(starts, is_open | is_stray, is_stray)
        return self._known_calendar


class _Walk:
    """The prices of one instrument."""

    def __init__(self, key: str, nature: Nature, calendar: TradingDays, always_open: bool) -> None:  # noqa: FBT001
        self._key = key
        self._calendar = calendar
        self._has_break = not always_open
        # A market that never closes has no busy hours either: something happens whenever somebody looks.
        self._activity = np.full(len(_ACTIVITY), _EVEN_ACTIVITY) if always_open else np.array(_ACTIVITY)
        self._days = drawn_days(key, nature, calendar)
        self._chunks: OrderedDict[tuple[int, int], Integers] = OrderedDict()

    def rows(self, granularity: Granularity, start: Instant, end: Instant, now: int) -> list[Row]:
        """Return candles of the prices up to ``now``, in milliseconds."""
        end = min(end, now // 1000 + 1)
        start = max(start, int(self._calendar.starts[0]))
        if end <= start:
            return []
        last = granularity.next_close(end - 1)
        first = granularity.open_at(start)
        level = _level_of(granularity)
        finest = self._until(level, first, last, now)
        if granularity.seconds <= Granularity.H1.seconds:
            opens = finest[:, TIME] - finest[:, TIME] % granularity.seconds
        else:
            borders = np.array(_borders(granularity, first, last), dtype=np.int64)
            opens = borders[np.searchsorted(borders, finest[:, TIME], side="right") - 1]
        joined = joined_rows(finest, opens)
        wanted = joined[(joined[:, TIME] >= start) & (joined[:, TIME] < end)]
        return [Row(*values) for values in wanted.tolist()]

    def first_tick(self, start: Instant, end: Instant) -> float | None:
        """Return when the first price of a window comes."""
        at = start
        while at < end:
            until = min(end, at - at % _LEVELS[_STEPS].chunk + _LEVELS[_STEPS].chunk)
            steps = self._drawn(_STEPS, at - at % 5, until)
            for time in steps[:, TIME].tolist():
                moment = _moments(time, self._key)[0]
                if start * 1000 <= moment < end * 1000:
                    return moment / 1000
            at = until
        return None

    # ------------------------------------------------------------------------------------------------- up to now

    def _until(self, level: int, start: Instant, end: Instant, now: int) -> Integers:
        """Return the candles of a level in a window; the one that covers ``now`` is cut there."""
        if end * 1000 <= now:
            return self._drawn(level, start, end)
        cut = max(start, self._open_at(level, now // 1000))
        whole = self._drawn(level, start, cut)
        part = self._part(level, cut, now)
        return whole if part is None else np.concatenate((whole, part))

    def _part(self, level: int, opened: Instant, now: int) -> Integers | None:
        if level == _STEPS:
            return self._part_of_step(opened, now)
        finer = self._until(level + 1, opened, now // 1000 + 1, now)
        return joined_rows(finer, np.full(len(finer), opened, dtype=np.int64)) if len(finer) else None

    def _part_of_step(self, opened: Instant, now: int) -> Integers | None:
        """Return what five seconds show so far: the open, an extreme, the other, the close, each at its moment."""
        steps = self._drawn(_STEPS, opened, opened + 5)
        if not len(steps):
            return None
        time, first, high, low, last, volume = steps[0].tolist()
        moments = _moments(time, self._key)
        extremes = (high, low) if moments[1] % 2 else (low, high)
        shown = [price for price, at in zip((first, *extremes, last), moments, strict=True) if at <= now]
        if not shown:
            return None
        passed = min(volume, max(1, volume * (now - moments[0]) // (moments[-1] - moments[0])))
        return np.array([(time, first, max(shown), min(shown), shown[-1], passed)], dtype=np.int64)

    def _open_at(self, level: int, at: Instant) -> Instant:
        if level < 0:
            return int(self._calendar.starts[self._calendar.index(np.array([at]))[0]])
        return at - at % _LEVELS[level].step

    # ---------------------------------------------------------------------------------------------------- drawing

    def _drawn(self, level: int, start: Instant, end: Instant) -> Integers:
        """Return the whole candles of a level that open in a window."""
        if level < 0:
            return window(self._days, start, end)
        if end <= start:
            return self._days[:0]
        size = _LEVELS[level].chunk
        parts = [self._chunk(level, at) for at in range(start - start % size, end, size)]
        return window(parts[0] if len(parts) == 1 else np.concatenate(parts), start, end)

    def _chunk(self, level: int, at: Instant) -> Integers:
        key = (level, at)
        if key in self._chunks:
            self._chunks.move_to_end(key)
            return self._chunks[key]
        rows = self._draw_chunk(level, at)
        self._chunks[key] = rows
        if len(self._chunks) > _CHUNKS:
            self._chunks.popitem(last=False)
        return rows

    def _draw_chunk(self, level: int, at: Instant) -> Integers:
        size = _LEVELS[level].chunk
        # A day may begin before the chunk and reach into it; 25 hours are the longest.
        reach = 25 * HOUR if level == _HOURS else 0
        parents = self._drawn(level - 1, at - reach, at + size)
        if not len(parents):
            return parents
        times = parents[:, TIME, np.newaxis] + np.arange(_LEVELS[level].children) * _LEVELS[level].step
        noise = drawn(times, key_of(f"{self._key}:{level}"))
        rows = split(parents, times, self._weights(level, times, noise), noise)
        return window(rows, at, at + size)

    def _weights(self, level: int, times: Integers, noise: npt.NDArray[np.uint64]) -> Integers:
        """Return how busy each child is compared with its siblings; zero where it has no price."""
        luck = (noise >> np.uint64(56)).astype(np.int64)
        days = self._calendar.index(times[:, 0])
        begins, ends = self._calendar.starts[days, np.newaxis], self._calendar.starts[days + 1, np.newaxis]
        if level == _HOURS:
            weights = np.where(times < ends, self._activity * (128 + luck), 0)
        elif level == _QUARTERS:
            weights = 128 + luck
        elif level == _MINUTES:
            weights = 40 + luck
            # About one minute in 250 is quiet; never the eighth, so that no quarter of an hour is empty.
            weights[(luck == 0) & (np.arange(times.shape[1]) != 7)] = 0  # noqa: PLR2004
            if self._has_break:
                weights[(times < begins + _BREAK_AFTER) | (times >= ends - _BREAK_BEFORE)] = 0
        else:
            weights = 1 + luck
        is_stray = self._calendar.is_stray[days]
        if is_stray.any():
            weights[is_stray] = 0
            weights[is_stray, 0] = 1
        return weights


def _level_of(granularity: Granularity) -> int:
    """Return the coarsest level of which candles of a granularity are made; -1 is the days themselves."""
    if granularity.seconds >= Granularity.D.seconds:
        return -1
    return next(index for index, level in enumerate(_LEVELS) if granularity.seconds % level.step == 0)


def _borders(granularity: Granularity, first: Instant, last: Instant) -> list[Instant]:
    borders = [first]
    while borders[-1] < last:
        borders.append(granularity.next_close(borders[-1]))
    return borders


@lru_cache(maxsize=1)
def _day_starts() -> Integers:
    days = range(_FIRST_DAY, _LAST_DAY + 1)
    return np.fromiter((new_york_day_start(date.fromordinal(day)) for day in days), dtype=np.int64, count=len(days))


def _moments(time: Instant, key: str) -> tuple[int, int, int, int]:
    """Return when the four prices that matter of a five-second step come, in milliseconds since the epoch."""
    luck = int(drawn(np.array([time], dtype=np.int64), key_of(f"{key}:moments"))[0])
    first, last = luck % 1_400, 3_600 + (luck >> 16) % 1_300
    third = (last - first) // 3
    begin = time * 1000
    return begin + first, begin + first + third, begin + first + 2 * third, begin + last
