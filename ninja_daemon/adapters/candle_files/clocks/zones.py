"""Time zones as tables of clock changes, so that many wall clock times become UTC at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY, HOUR

_MOST_HOURS: Final = 14
_FIXED: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?", re.ASCII)
_SHIFTED: Final = re.compile(r"([A-Za-z_/ -]+?)\s*\+\s*(\d{1,2})(?::?00)?", re.ASCII)
_OTHER_NAMES: Final = {
    "new york": "America/New_York", "new_york": "America/New_York", "newyork": "America/New_York",
    "ny": "America/New_York", "eet/eu": "EET", "cet/eu": "CET", "london": "Europe/London", "moscow": "Europe/Moscow",
    "santiago": "America/Santiago", "warsaw": "Europe/Warsaw", "z": "UTC", "utc": "UTC", "gmt": "UTC",
    "etc/utc": "UTC", "eet": "EET", "cet": "CET",
}  # fmt: skip
_PLACES: Final = {"EET": "Europe/Athens", "CET": "Europe/Berlin"}
"""European summer time at +2 and +1, as MetaTrader's servers keep it; a place, as the old names differ by system."""


class UnknownZone(ValueError):
    """There is no zone of that name."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone.

    Attributes:
        name: as it is shown and may be given.
        place: name in the time zone database; None for a fixed offset.
        shift: seconds that the clock is ahead of the place's, or of UTC.
    """

    name: str
    place: str | None = None
    shift: int = 0

    def offsets(self, utc: Integers) -> Integers:
        """Return what must be added to UTC to get the wall clock, in seconds."""
        if self.place is None:
            return np.full(len(utc), self.shift, dtype=np.int64)
        if not len(utc):
            return utc
        changes, offsets = _table(self.place, int(utc.min()), int(utc.max()))
        found: Integers = offsets[changes.searchsorted(utc, side="right")]
        return found + self.shift

    def utc(self, wall: Integers) -> Integers:
        """Turn wall clock times into UTC; of an hour that comes twice, it is the first one."""
        if self.place is None or not len(wall):
            return wall - self.shift
        local = wall - self.shift
        changes, offsets = _table(self.place, int(local.min()), int(local.max()))
        borders = changes + np.maximum(offsets[:-1], offsets[1:])
        found: Integers = local - offsets[borders.searchsorted(local, side="right")]
        return found

    def repeated(self, wall: Integers) -> Integers:
        """Tell which wall clock times come twice, before and after a clock is set back, and by how much: else zero."""
        if self.place is None or not len(wall):
            return np.zeros(len(wall), dtype=np.int64)
        local = wall - self.shift
        changes, offsets = _table(self.place, int(local.min()), int(local.max()))
        amount = np.zeros(len(wall), dtype=np.int64)
        for change, before, after in zip(changes.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            if after < before:
                first, last = local.searchsorted((change + after, change + before)) if _is_sorted(local) else (0, 0)
                amount[first:last] = before - after
        return amount

    def is_missing(self, wall: Integers, utc: Integers) -> Integers:
        """Tell which wall clock times do not exist, since the clock was set forward over them."""
        missing: Integers = utc + self.offsets(utc) != wall
        return missing


def _is_sorted(values: Integers) -> bool:
    return bool((np.diff(values) >= 0).all())


@cache
def _changes(place: str, year: int) -> tuple[list[int], list[int], int]:
    """Return the clock changes of a year, the offsets after them, and the offset at its beginning."""
    zone = ZoneInfo(place)
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    days = [*list(range(start, end, DAY)), end]
    known = [_offset(zone, day) for day in days]
    changes, offsets = [], []
    for index in range(len(days) - 1):
        if known[index] != known[index + 1]:
            low, high = days[index], days[index + 1]
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == known[index] else (low, middle)
            changes.append(high)
            offsets.append(known[index + 1])
    return changes, offsets, known[0]


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return int((offset or timedelta(0)).total_seconds())


@cache
def _years(place: str, first: int, last: int) -> tuple[Integers, Integers]:
    changes: list[int] = []
    offsets = [_changes(place, first)[2]]
    for year in range(first, last + 1):
        found = _changes(place, year)
        changes += found[0]
        offsets += found[1]
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _table(place: str, first: int, last: int) -> tuple[Integers, Integers]:
    """Return the clock changes around a span, and the offsets before, between and after them."""
    return _years(place, year_of(first - 2 * DAY), year_of(last + 2 * DAY))


def year_of(at: int) -> int:
    """Return the year of an instant."""
    return min(2_201, max(1_969, datetime.fromtimestamp(at, UTC).year))


def fixed(hours: int) -> Zone:
    """Return a zone of whole hours."""
    return Zone("UTC" if hours == 0 else f"UTC{hours:+d}", None, hours * HOUR)


@cache
def zone_named(name: str) -> Zone:
    """Return the zone of a name: ``UTC``, ``UTC-5``, one of the time zone database, ``America/New_York+7``.

    Raises:
        UnknownZone: there is none, with those that may be meant.
    """
    text = name.strip()
    known = _OTHER_NAMES.get(text.casefold(), text)
    if known == "UTC":
        return fixed(0)
    if match := _FIXED.fullmatch(text):
        seconds = int(match[2]) * HOUR + int(match[3] or 0) * 60
        seconds = -seconds if match[1] == "-" else seconds
        if abs(seconds) <= _MOST_HOURS * HOUR:
            minutes = f":{abs(seconds) // 60 % 60:02d}" if seconds % HOUR else ""
            sign = "-" if seconds < 0 else "+"
            return Zone(f"UTC{sign}{abs(seconds) // HOUR}{minutes}" if seconds else "UTC", None, seconds)
    if (match := _SHIFTED.fullmatch(text)) and int(match[2]) <= _MOST_HOURS:
        base = zone_named(match[1])
        return Zone(f"{base.name}+{int(match[2])}", base.place, base.shift + int(match[2]) * HOUR)
    place = _PLACES.get(known, known)
    try:
        ZoneInfo(place)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(_unknown(name)) from None
    return Zone(known, place)


def _unknown(name: str) -> str:
    close = get_close_matches(name, sorted(available_timezones()), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return (
        "a zone must be like UTC, UTC+3, Europe/Athens, EET (European summer time at +2), America/New_York or "
        f"America/New_York+7, was {name[:40]!r}{hint}"
    )


NEW_YORK: Final = Zone("America/New_York", "America/New_York")
