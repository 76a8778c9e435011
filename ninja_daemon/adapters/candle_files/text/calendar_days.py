"""Days, months, years and offsets as numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY

EPOCH: Final = 719_163
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def days_of(dates: Integers) -> tuple[Integers, Integers]:
    """Return the days since 1970 of dates written as 20220304, and which of them are in the calendar."""
    if not len(dates):
        return dates, np.ones(0, dtype=np.bool_)
    # Candles of one day are adjacent, so look up the first of each day only.
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(dates)) + 1))
    years, months, days = dates[firsts] // 10_000, dates[firsts] // 100 % 100, dates[firsts] % 100
    fits = (years >= FIRST_YEAR) & (years <= LAST_YEAR) & (months >= 1) & (months <= 12) & (days >= 1)  # noqa: PLR2004
    counted = np.where(fits, (years - 1970) * 12 + months - 1, 0)
    starts, ends = (each.astype("M8[M]").astype("M8[D]").astype(np.int64) for each in (counted, counted + 1))
    fits &= days <= ends - starts
    lengths = np.diff(np.concatenate((firsts, [len(dates)])))
    return np.repeat(starts + days - 1, lengths), np.repeat(fits, lengths)


def in_order(values: Integers, *, day_first: bool) -> tuple[Integers, Integers]:
    """Decide the order of day and month: return the times, and which of them are in the calendar."""
    packed, second = values // DAY, values % DAY
    year, one, two = packed // 10_000, packed // 100 % 100, packed % 100
    day, month = (one, two) if day_first else (two, one)
    days, fits = days_of(year * 10_000 + month * 100 + day)
    return days * DAY + second, fits


def century(years: Integers) -> Integers:
    """Return years of two digits in full: 70 is 1970, 69 is 2069."""
    return years.astype(np.int64) + np.where(years < 70, 2_000, 1_900)  # noqa: PLR2004


def month_number(name: str) -> int:
    """Return the number of a month by its three letters; 0 for none."""
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0


def offset_of(text: str) -> int:
    """Return the seconds of an offset like ``+02:00``."""
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds
