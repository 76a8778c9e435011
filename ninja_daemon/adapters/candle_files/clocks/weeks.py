"""What a file shows of its weeks, and how well a zone explains them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.closed_time import is_weekend
from ninja_daemon.adapters.candle_files.clocks.zones import NEW_YORK, Zone
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY, HOUR

_SHORTEST: Final = 40 * HOUR
_LONGEST: Final = 56 * HOUR
_FROM: Final = 16 * HOUR + 55 * 60
_TO: Final = 17 * HOUR
GOOD: Final = 0.9
_MOST_CLOSED: Final = 0.005


@dataclass(frozen=True, slots=True)
class Weeks:
    """What a file shows of its weeks, in wall clock times; rows that are filling are left out.

    Attributes:
        last: open of the last candle before each weekend.
        first: open of the first candle after it.
        hours: begun hours in which there are candles.
        counts: how many candles each of these has.
        step: seconds of a candle.
    """

    last: Integers
    first: Integers
    hours: Integers
    counts: Integers
    step: int

    @property
    def span(self) -> int:
        """Return how many seconds lie between the first and the last hour."""
        return int(self.hours[-1] - self.hours[0]) if len(self.hours) else 0

    def since(self, start: int, end: int) -> Weeks:
        """Return the part that lies in a span of wall clock times."""
        of_weeks = (self.first >= start) & (self.first < end)
        of_hours = (self.hours >= start) & (self.hours < end)
        return Weeks(self.last[of_weeks], self.first[of_weeks], self.hours[of_hours], self.counts[of_hours], self.step)


def weeks_of(parts: Iterable[Integers], step: int) -> Weeks:
    """Gather the weeks from the times of a file, ascending, without its filling."""
    lasts, firsts, hours, counts = [], [], [], []
    before: int | None = None
    for times in parts:
        if not len(times):
            continue
        joined = times if before is None else np.concatenate(([before], times))
        gaps = np.diff(joined)
        found = np.flatnonzero((gaps >= _SHORTEST) & (gaps <= _LONGEST))
        lasts.append(joined[found])
        firsts.append(joined[found + 1])
        values, amounts = np.unique(times // HOUR, return_counts=True)
        hours.append(values * HOUR)
        counts.append(amounts)
        before = int(times[-1])
    empty = [np.empty(0, dtype=np.int64)]
    last, first, hour, count = (np.concatenate(each or empty) for each in (lasts, firsts, hours, counts))
    return Weeks(last, first, hour, count, step)


@dataclass(frozen=True, slots=True)
class Score:
    """How well a zone explains a file.

    Attributes:
        zone: the zone.
        ends: for each week, whether it ends at the close of New York's Friday.
        closed: candles that would lie in the weekend.
        candles: all candles.
    """

    zone: Zone
    ends: Integers
    closed: int
    candles: int

    @property
    def good(self) -> int:
        """Return how many weeks end as they should."""
        return int(self.ends.sum())

    @property
    def share(self) -> float:
        """Return which share of the weeks does."""
        return self.good / len(self.ends) if len(self.ends) else 0.0

    @property
    def is_plausible(self) -> bool:
        """Tell whether the zone can be the one."""
        return self.share >= GOOD and self.closed <= _MOST_CLOSED * self.candles

    def __str__(self) -> str:
        """Write it as ``EET 98 % of 52 weeks``."""
        return f"{self.zone.name} {100 * self.share:.0f} % of {len(self.ends)} weeks"


def score(weeks: Weeks, zone: Zone, *, at_close: bool = False) -> Score:
    """Judge a zone. ``at_close``: the times are those of the candles' ends."""
    end = 0 if at_close else weeks.step
    utc = zone.utc(weeks.last) + end
    wall = utc + NEW_YORK.offsets(utc)
    of_week = (wall + 3 * DAY) % (7 * DAY)
    ends = (of_week >= 4 * DAY + _FROM) & (of_week <= 4 * DAY + _TO)
    hours = zone.utc(weeks.hours) - (weeks.step if at_close else 0)
    closed = int(weeks.counts[is_weekend(hours)].sum())
    return Score(zone, ends, closed, int(weeks.counts.sum()))
