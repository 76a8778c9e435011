"""What a date alone means: the day of New York's trading, whose candle closes, or opens, at 17:00 of that day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ninja_daemon.adapters.candle_files.text.calendar_days import EPOCH
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.granularity import Granularity, new_york_day_start
from ninja_daemon.core.spans import DAY


@dataclass(frozen=True, slots=True)
class Labels:
    """Dates as names of candles.

    Attributes:
        granularity: D, W or M.
        is_close: a day's date is that on which its candle closes at 17:00 New York; else that on which it opens.
    """

    granularity: Granularity
    is_close: bool

    def opens(self, wall: Integers) -> Integers:
        """Return the opens of the candles that dates name."""
        return np.array([self._open(date.fromordinal(EPOCH + at // DAY)) for at in wall.tolist()], dtype=np.int64)

    def _open(self, day: date) -> int:
        if self.granularity is Granularity.D:
            return new_york_day_start(day - timedelta(days=1) if self.is_close else day)
        if self.granularity is Granularity.W:
            return Granularity.W.open_at(new_york_day_start(day))
        # Months are named by their first day; the hour before 17:00 lies in the month of the calendar.
        return Granularity.M.open_at(new_york_day_start(day) - 1)
