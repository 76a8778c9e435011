"""When an instrument trades, so that silence can be told from an outage and a closed market costs nothing.

The FX week of the broker: Sunday 17:00 to Friday 17:00 in New York, closed from 17:00 on 24 December and on 31
December for one day each. Candles that a broker sends outside of these hours are taken in all the same (a stray price
after Friday's close makes one now and then); the hours only decide when it is worth asking.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from ninja_daemon.core.market.granularity import Granularity, new_york_day_start, trading_day
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.spans import HOUR

_CLOSED_WEEKDAYS = frozenset({4, 5})  # the trading days that begin on Friday and on Saturday at 17:00
_CLOSED_DATES = frozenset({(12, 24), (12, 31)})


class MarketHours(Enum):
    """The trading week of an instrument, as the strategy's ``market_hours`` names it."""

    FX = "fx"
    ALWAYS = "always"

    def is_open(self, at: Instant) -> bool:
        """Tell whether prices are to be expected at ``at``."""
        if self is MarketHours.ALWAYS:
            return True
        day = trading_day(at)
        return day.weekday() not in _CLOSED_WEEKDAYS and (day.month, day.day) not in _CLOSED_DATES

    def opens_between(self, start: Instant, end: Instant) -> bool:
        """Tell whether the market is open at any time of the half-open span from ``start`` to ``end``."""
        at = start
        while at < end:
            if self.is_open(at):
                return True
            at = new_york_day_start(trading_day(at) + timedelta(days=1))
        return False

    def next_close(self, granularity: Granularity, after: Instant) -> Instant:
        """Return the close, later than ``after``, of the next candle in which the market is open at all."""
        close = granularity.next_close(after)
        opened = granularity.open_at(close - 1)
        while not self.opens_between(opened, close):
            resumes = self._next_open(opened)
            opened = granularity.open_at(resumes)
            close = granularity.next_close(resumes)
        return close

    def last_close(self, granularity: Granularity, at: Instant) -> Instant:
        """Return the close, at or before ``at``, of the newest candle in which the market was open at all."""
        close = granularity.open_at(at)
        opened = granularity.open_at(close - 1)
        while not self.opens_between(opened, close):
            # Closed spans start and end at 17:00 in New York, which is a border of every granularity up to D.
            close = granularity.open_at(new_york_day_start(trading_day(close - 1)))
            opened = granularity.open_at(close - 1)
        return close

    def missing_between(self, granularity: Granularity, earlier: Instant, later: Instant, limit: int = 10_000) -> int:
        """Count the candles that open between two others (both excluded) while the market is open, up to ``limit``."""
        missing = 0
        opened = granularity.next_close(earlier)
        while opened < later and missing < limit:
            close = granularity.next_close(opened)
            if self.opens_between(opened, close):
                missing += 1
                opened = close
            else:
                opened = max(close, granularity.open_at(self._next_open(opened)))
        return missing

    def _next_open(self, at: Instant) -> Instant:
        while not self.is_open(at):
            at = new_york_day_start(trading_day(at) + timedelta(days=1))
        return at


def closed_weekend(at: Instant) -> tuple[Instant, Instant]:
    """Return the inner part of the newest weekend in which the FX market was closed, as far as it lies before ``at``.

    An hour after Friday's close and an hour before Sunday's opening are left out: stray prices come then.
    """
    day = trading_day(at - 2 * HOUR)
    while day.weekday() not in _CLOSED_WEEKDAYS:
        day -= timedelta(days=1)
    friday = day if day.weekday() == min(_CLOSED_WEEKDAYS) else day - timedelta(days=1)
    start, opens = new_york_day_start(friday), new_york_day_start(friday + timedelta(days=2))
    return start + HOUR, min(opens - HOUR, at)
