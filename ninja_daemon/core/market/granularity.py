"""Granularities S5 … M and the grid on which their candles open and close.

Up to H1 the grid is plain arithmetic. From H2 on it follows the wall clock of New York: the trading day starts at
17:00, weeks start on Friday at 17:00, months at 17:00 on the last day of the month before (OANDA's defaults
``dailyAlignment=17``, ``alignmentTimezone=America/New_York``, ``weeklyAlignment=Friday``). Borders are made from wall
clock times and then turned into UTC, so both daylight-saving changes come out right: the day of a change has a
candle of 23 or 25 hours, and an hour that does not exist is the hour that replaced it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.spans import DAY, HOUR

NEW_YORK: Final = ZoneInfo("America/New_York")
_DAY_START: Final = 17
_FRIDAY: Final = 4


class Granularity(Enum):
    """A timeframe.

    Attributes:
        seconds: the value, the nominal length of its candle; a month counts as 30 days, and real candles may differ at
            clock changes.
    """

    S5 = 5
    S10 = 10
    S15 = 15
    S30 = 30
    M1 = 60
    M2 = 120
    M4 = 240
    M5 = 300
    M10 = 600
    M15 = 900
    M30 = 1_800
    H1 = 3_600
    H2 = 7_200
    H3 = 10_800
    H4 = 14_400
    H6 = 21_600
    H8 = 28_800
    H12 = 43_200
    D = 86_400
    W = 604_800
    M = 2_592_000

    # The hot path asks for hash and length thousands of times a wake; Enum's own versions are Python functions.
    __hash__ = object.__hash__

    def __init__(self, seconds: int) -> None:
        """Keep the length where reading it costs nothing."""
        self.seconds: Final = seconds

    def open_at(self, at: Instant) -> Instant:
        """Return the newest border at or before ``at``: the open of the candle that covers it."""
        seconds = self.seconds
        if seconds <= HOUR:
            return at - at % seconds
        borders = _borders_around(self, trading_day(at))
        return max(border for border in borders if border <= at)

    def next_close(self, after: Instant) -> Instant:
        """Return the oldest border later than ``after``."""
        seconds = self.seconds
        if seconds <= HOUR:
            return after - after % seconds + seconds
        borders = _borders_around(self, trading_day(after))
        return min(border for border in borders if border > after)

    def last_close(self, at: Instant) -> Instant:
        """Return the newest border at or before ``at``: the close of the newest candle that can be complete."""
        return self.open_at(at)

    def close_of(self, opened: Instant) -> Instant:
        """Return the close of the candle that opened at ``opened``: the next alignment border."""
        return self.next_close(opened)

    def is_border(self, at: Instant) -> bool:
        """Tell whether a candle may open at ``at``."""
        return self.open_at(at) == at

    @classmethod
    def named(cls, name: str) -> Granularity:
        """Return the granularity with OANDA's name.

        Raises:
            ValueError: there is none, with the list of those there are.
        """
        try:
            return cls[name]
        except KeyError:
            message = f"a timeframe must be one of {' '.join(cls.__members__)}, was {name[:20]!r}"
            raise ValueError(message) from None


def new_york_day_start(day: date) -> Instant:
    """Return the instant at which it is 17:00 in New York on the calendar day ``day``."""
    return _wall(day, _DAY_START)


@lru_cache(maxsize=65_536)
def _wall(day: date, hour: int) -> Instant:
    local = datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK)
    return int(local.astimezone(UTC).timestamp())


def trading_day(at: Instant) -> date:
    """Return the calendar day on whose 17:00 in New York the trading day around ``at`` began."""
    # New York is four or five hours behind: one look at the day of UTC, and one step back when its 17:00 is to come.
    day = date.fromordinal(719_163 + at // DAY)
    return day if new_york_day_start(day) <= at else day - timedelta(days=1)


@lru_cache(maxsize=65_536)
def _borders_around(granularity: Granularity, day: date) -> tuple[Instant, ...]:
    """Return the borders from at or before the start of trading day ``day`` to at least the start of the next."""
    if granularity is Granularity.M:
        month = day.year * 12 + day.month - 1
        return (_month_start(month), _month_start(month + 1), _month_start(month + 2))
    if granularity is Granularity.W:
        friday = day - timedelta(days=(day.weekday() - _FRIDAY) % 7)
        return (new_york_day_start(friday), new_york_day_start(friday + timedelta(days=7)))
    step = granularity.seconds // HOUR
    borders = []
    for hours in range(0, 24, step):
        hour = _DAY_START + hours
        borders.append(_wall(day + timedelta(days=hour // 24), hour % 24))
    borders.append(new_york_day_start(day + timedelta(days=1)))
    return tuple(borders)


def _month_start(month: int) -> Instant:
    """Return when the candle of a calendar month opens; months count from January of the year 0."""
    first = date(month // 12, month % 12 + 1, 1)
    return new_york_day_start(first - timedelta(days=1))
