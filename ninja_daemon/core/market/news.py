"""Scheduled news, and what a calendar of them said at any moment.

Calendars change: events are put off, graded anew, added. What one said at a moment never does, so what was decided by
it can be found out again: each event is kept with when it was first read, and when it was read no longer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ninja_daemon.core.market.instant import Instant

IMPACTS: Final = ("high", "medium", "low")
ANY_CURRENCY: Final = "ALL"
"""Currency of an event that moves all of them."""


class NewsEvent(NamedTuple):
    """Something that is to be published.

    Attributes:
        time: when.
        currency: three letters, or ``ANY_CURRENCY``.
        impact: one of ``IMPACTS``.
        title: what it is, in the calendar's words.
    """

    time: Instant
    currency: str
    impact: str
    title: str


class Known(NamedTuple):
    """An event, and when the calendar said it.

    Attributes:
        event: as it was read.
        since: when it was first read.
        until: when it was first read without it; None while it stands.
    """

    event: NewsEvent
    since: Instant
    until: Instant | None = None


class Reading(NamedTuple):
    """A calendar was read.

    Attributes:
        at: when.
        as_of: how new it was then: when its file was written, or when a server sent it.
    """

    at: Instant
    as_of: Instant


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Calendar:
    """All that a calendar ever said.

    Attributes:
        begun: since when it is read; before that, it counts as it stands. None where it was never to be read.
        events: by their times.
        readings: in their order.
        max_age: seconds after which a calendar is older than it should be.
    """

    begun: Instant | None = None
    events: Sequence[Known] = ()
    readings: Sequence[Reading] = ()
    max_age: int = 0

    def said(self, known: Known, at: Instant) -> bool:
        """Tell whether it said an event at a moment."""
        if self.begun is None or at < self.begun:
            return known.until is None
        return known.since <= at and (known.until is None or at < known.until)

    def is_old(self, at: Instant) -> bool:
        """Tell whether it was older than it should be, or had never been read, at a moment since it is read."""
        if self.begun is None or at < self.begun:
            return False
        last = self.last_reading(at)
        return last is None or at - last.as_of > self.max_age

    def last_reading(self, at: Instant) -> Reading | None:
        """Return the newest reading by then."""
        place = bisect_right(self.readings, at, key=_read_at)
        return self.readings[place - 1] if place else None


def _read_at(reading: Reading) -> Instant:
    return reading.at


NO_CALENDAR: Final = Calendar()
