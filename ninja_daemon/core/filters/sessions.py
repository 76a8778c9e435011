"""``sessions``: the candle must close while one of some markets is open, by the clocks of its own zone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ninja_daemon.core.filters.days import by_close
from ninja_daemon.core.filters.filter import Filter, Judge, Key, Settings
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument

NAMED: Final = {
    "sydney": "07:00-16:00 Australia/Sydney",
    "tokyo": "09:00-18:00 Asia/Tokyo",
    "london": "08:00-17:00 Europe/London",
    "new_york": "08:00-17:00 America/New_York",
}
_RANGE: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) ([A-Za-z0-9_+\-/]{1,64})", re.ASCII)
_MOST: Final = 24


class _Hours(NamedTuple):
    """Hours of a day: the beginning belongs to them, the end does not. An end before the beginning is on the next day.

    Attributes:
        begin: minute of the day.
        end: minute of the day.
        zone: by whose clocks.
    """

    begin: int
    end: int
    zone: ZoneInfo

    @classmethod
    def of(cls, session: str) -> _Hours:
        """Read a name or a range.

        Raises:
            ValueError: it is neither, with what is wrong.
        """
        match = _RANGE.fullmatch(NAMED.get(session, session))
        if match is None:
            message = f"{session[:40]!r} is neither a name nor a range"
            raise ValueError(message)
        begin, end = (int(match[hour]) * 60 + int(match[hour + 1]) for hour in (1, 3))
        if begin == end:
            message = f"{session[:40]!r} has no length"
            raise ValueError(message)
        try:
            return cls(begin, end, ZoneInfo(match[5]))
        except (OSError, KeyError, ValueError):  # a folder of zones, no such zone, and no path of one
            message = f"there is no time zone {match[5]!r}"
            raise ValueError(message) from None

    def hold(self, at: Instant) -> bool:
        """Tell whether an instant lies within them."""
        wall = datetime.fromtimestamp(at, self.zone)
        minute = wall.hour * 60 + wall.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


def sessions_at(at: Instant) -> list[str]:
    """Return the named sessions that are open at an instant."""
    return [name for name in NAMED if _Hours.of(name).hold(at)]


def _read(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or len(value) > _MOST or not all(isinstance(session, str) for session in value):
        raise ValueError
    for session in value:
        _Hours.of(session)
    return tuple(sorted(set(value))) or None


def _bind(settings: Settings, _: Instrument, sessions: Sequence[str]) -> Judge:
    hours = [_Hours.of(session) for session in sessions]
    zones = sorted({each.zone.key for each in hours})

    def shown(close: Instant) -> str:
        return ", ".join(f"{datetime.fromtimestamp(close, ZoneInfo(zone)):%H:%M} {zone}" for zone in zones)

    limit = ", ".join(NAMED.get(session, session) for session in sessions)
    return by_close(settings, lambda close: any(each.hold(close) for each in hours), shown, limit)


FILTER: Final = Filter(
    "sessions",
    "the candle closes in none of `sessions`",
    _bind,
    Key(f'a list of {" ".join(NAMED)} or hours such as "08:00-17:00 Europe/London"', _read, list),
)
