"""The times of some lines, and how one is read by itself where few are written alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from ninja_daemon.adapters.candle_files.text.calendar_days import (
    EPOCH,
    FIRST_YEAR,
    LAST_YEAR,
    century,
    month_number,
    offset_of,
)
from ninja_daemon.adapters.candle_files.text.time_forms import TimeForm, example
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY


@dataclass(slots=True)
class Times:
    """The times of some lines.

    Attributes:
        values: see ``times``.
        is_utc: the texts say their offset.
        is_undecided: day and month are in an unknown order.
        has_clock: a time of day is written, not a date alone.
        bad: what is wrong with a row, by its index.
    """

    values: Integers
    is_utc: Integers
    is_undecided: bool = False
    has_clock: bool = False
    bad: dict[int, str] = field(default_factory=dict)


def single_time(text: str, forms: Sequence[TimeForm], times: Times, *, is_ticks: bool) -> tuple[int, bool]:
    """Read one time; return it, and whether it says its offset.

    Raises:
        ValueError: it is written in none of the forms, or not in the calendar.
    """
    wanted = forms[0].codes
    for form in forms:
        match = form.pattern.fullmatch(text)
        if match is not None:
            parts = dict(zip(form.order, match.groups(), strict=True))
            times.is_undecided |= "1" in parts
            times.has_clock |= "H" in parts or "s" in parts
            return _single_value(text, parts, is_ticks=is_ticks), "z" in parts or "s" in parts
    message = f"a time must look like {example(wanted)}, was {text[:40]!r}"
    raise ValueError(message)


def _single_value(text: str, parts: dict[str, str], *, is_ticks: bool) -> int:
    unit = int(10 ** (max(0, (len(parts.get("s", "")) - 8) // 3) * 3))
    second, rest = divmod(int(parts.get("s", "0")), unit)
    if (rest or int(parts.get("f", "0"))) and not is_ticks:
        message = f"a time must be a whole second, was {text[:40]!r}"
        raise ValueError(message)
    return second if "s" in parts else _single_day(text, parts) + _second_of_day(text, parts)


def _second_of_day(text: str, parts: dict[str, str]) -> int:
    hour, minute, second = (int(parts.get(code, "0")) for code in "HMS")
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004
        message = f"a time of day must lie between 00:00:00 and 23:59:59, was {text[:40]!r}"
        raise ValueError(message)
    return hour * 3_600 + minute * 60 + second - offset_of(parts.get("z", "Z"))


def _single_day(text: str, parts: dict[str, str]) -> int:
    year = int(parts["Y"]) if "Y" in parts else int(century(np.array([int(parts["y"])]))[0])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = f"a time must lie between {FIRST_YEAR} and {LAST_YEAR}, was {text[:40]!r}"
        raise ValueError(message)
    if "1" in parts:
        one, two = int(parts["1"]), int(parts["2"])
        if not (0 < one < 32 and 0 < two < 32):  # noqa: PLR2004
            message = f"a time must be in the calendar, was {text[:40]!r}"
            raise ValueError(message)
        return ((year * 100 + one) * 100 + two) * DAY
    month = month_number(parts["b"]) if "b" in parts else int(parts["m"])
    try:
        days = date(year, month, int(parts["d"])).toordinal() - EPOCH
    except ValueError as error:
        message = f"a time must be in the calendar ({error}), was {text[:40]!r}"
        raise ValueError(message) from None
    return days * DAY
