"""When the market is closed: weekends, and the trading days that begin on 24 and 31 December."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.zones import NEW_YORK, year_of
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY, HOUR


def closed_before(utc: Integers) -> Integers:
    """Return for each instant how many seconds before it the market was closed: a sum from a fixed day on.

    The difference of two is the closed time between them. Weekends last from Friday to Sunday 17:00 in New York, and
    the trading days that begin on 24 and 31 December are closed.
    """
    if not len(utc):
        return utc
    starts, ends = _closed_spans(year_of(int(utc.min()) - 8 * DAY), year_of(int(utc.max()) + 8 * DAY))
    before = np.concatenate(([0], np.cumsum(ends - starts)))
    at = starts.searchsorted(utc, side="right")
    inside = np.minimum(utc, ends[np.maximum(at - 1, 0)]) - starts[np.maximum(at - 1, 0)]
    sums: Integers = np.where(at > 0, before[np.maximum(at - 1, 0)] + inside, 0)
    return sums


@cache
def _closed_spans(first: int, last: int) -> tuple[Integers, Integers]:
    start = int(datetime(first, 1, 1, tzinfo=UTC).timestamp()) // DAY
    end = int(datetime(last + 1, 1, 1, tzinfo=UTC).timestamp()) // DAY
    days = np.arange(start, end + 1, dtype=np.int64)
    dates = days.astype("M8[D]")
    years = dates.astype("M8[Y]")
    of_year = (dates - years).astype(np.int64)
    length = ((years + np.timedelta64(1, "Y")).astype("M8[D]") - years.astype("M8[D]")).astype(np.int64)
    weekday = (days + 3) % 7
    left = length - of_year
    # Friday and Saturday; 24 December has eight days left in its year, the 31st one.
    is_closed = (weekday == 4) | (weekday == 5) | (left == 8) | (left == 1)  # noqa: PLR2004
    starts = NEW_YORK.utc(days * DAY + 17 * HOUR)
    opened = is_closed & ~np.concatenate(([False], is_closed[:-1]))
    closed = is_closed & ~np.concatenate((is_closed[1:], [False]))
    following = NEW_YORK.utc((days + 1) * DAY + 17 * HOUR)
    return starts[opened], following[closed]


def is_closed(utc: Integers) -> Integers:
    """Tell at which instants the market is closed."""
    closed: Integers = closed_before(utc + 1) > closed_before(utc)
    return closed


def is_weekend(utc: Integers) -> Integers:
    """Tell which instants lie between Friday and Sunday 17:00 in New York."""
    wall = utc + NEW_YORK.offsets(utc)
    of_week = (wall + 3 * DAY) % (7 * DAY)
    weekend: Integers = (of_week >= 4 * DAY + 17 * HOUR) & (of_week < 6 * DAY + 17 * HOUR)
    return weekend
