"""What the whole of a file shows besides prices: its order, its step, the order of day and month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from ninja_daemon.adapters.candle_files.text.calendar_days import in_order
from ninja_daemon.adapters.candle_files.text.spool import Spool
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY

DayFirst: TypeAlias = bool | None
"""Whether days come before months; None where the text says it."""
_FEW: Final = 20
"""Rows of a file that is too short for a newer half."""
_RUN: Final = 20
"""Rows a day apart that make an old end of days out of a few long holes."""


@dataclass(slots=True)
class TimesSurvey:
    """The times of one file.

    Attributes:
        is_turned: the newest row comes first.
        step: seconds between most rows of the newer half; 0 when there is but one time.
        begins_coarse: rows at the old end that are a day apart though the others are not.
        hours: the hours of the day that appear.
        backward: rows that go against the order.
        is_midnight: every time is the beginning of a day.
        weekdays: how many rows each day of the week has, from Monday.
    """

    is_turned: bool = False
    step: int = 0
    begins_coarse: int = 0
    hours: set[int] = field(default_factory=set)
    backward: int = 0
    is_midnight: bool = True
    weekdays: list[int] = field(default_factory=lambda: [0] * 7)

    @property
    def has_half_a_clock(self) -> bool:
        """Tell whether the hours are those of a 12-hour clock without AM and PM, of which half come twice."""
        return len(self.hours) > 6 and self.hours <= set(range(1, 13)) and self.backward > 0  # noqa: PLR2004


class UnknownDayOrder(ValueError):
    """Day and month may be either way round, or are neither."""


def day_order(spool: Spool) -> bool:
    """Tell whether days come before months in a file that does not say.

    Raises:
        UnknownDayOrder: both orders are possible, or none is.
    """
    tops = [0, 0]
    against = {True: [0, 0], False: [0, 0]}
    last: dict[bool, int] = {}
    for times in spool.times():
        packed = times // DAY
        year, one, two = packed // 10_000, packed // 100 % 100, packed % 100
        tops = [max(tops[0], int(one.max())), max(tops[1], int(two.max()))]
        for day_first, (day, month) in ((True, (one, two)), (False, (two, one))):
            keys = (year * 100 + month) * 100 + day
            steps = np.diff(np.concatenate(([last.get(day_first, int(keys[0]))], keys)))
            against[day_first][0] += int((steps < 0).sum())
            against[day_first][1] += int((steps > 0).sum())
            last[day_first] = int(keys[-1])
    if max(tops) > 12:  # noqa: PLR2004 - months
        if min(tops) > 12:  # noqa: PLR2004
            message = "dates must be day/month or month/day throughout, both are above 12 here and there"
            raise UnknownDayOrder(message)
        return tops[0] > 12  # noqa: PLR2004
    ordered = [day_first for day_first, counts in against.items() if min(counts) == 0 < max(counts)]
    if len(ordered) == 1:
        return ordered[0]
    message = "day/month and month/day are both possible: no number is above 12, and both orders are as orderly"
    raise UnknownDayOrder(message)


def decided(times: Integers, day_first: DayFirst) -> tuple[Integers, Integers]:
    """Return times in the order found, and which of them are in the calendar."""
    if day_first is None:
        return times, np.ones(len(times), dtype=np.bool_)
    return in_order(times, day_first=day_first)


def survey(spool: Spool, day_first: DayFirst) -> TimesSurvey:
    """Look at all times of a file."""
    result = TimesSurvey()
    ups = downs = 0
    last: int | None = None
    for times in _decided(spool, day_first):
        steps = np.diff(times if last is None else np.concatenate(([last], times)))
        ups += int((steps > 0).sum())
        downs += int((steps < 0).sum())
        last = int(times[-1])
        second = times % DAY
        result.is_midnight &= not second.any()
        result.hours |= set(np.flatnonzero(np.bincount(second // 3_600, minlength=24)).tolist())
        for day, amount in enumerate(np.bincount((times // DAY + 3) % 7, minlength=7).tolist()):
            result.weekdays[day] += amount
    result.is_turned, result.backward = downs > ups, min(ups, downs)
    _steps(spool, day_first, result)
    return result


def _decided(spool: Spool, day_first: DayFirst, *, turned: bool = False) -> Iterator[Integers]:
    for times in spool.times(turned=turned):
        found, fits = decided(times, day_first)
        kept = found if fits.all() else found[fits]
        if len(kept):
            yield kept


def _steps(spool: Spool, day_first: DayFirst, result: TimesSurvey) -> None:
    """Find the step, which is that of the newer half, and how many rows at the old end are a day apart instead."""
    counted: Counter[int] = Counter()
    seen, last = 0, None
    for times in _decided(spool, day_first, turned=result.is_turned):
        steps = np.diff(times if last is None else np.concatenate(([last], times)))
        last = int(times[-1])
        newer = steps[max(0, spool.count // 2 - seen) :] if spool.count > _FEW else steps
        seen += len(steps)
        values, amounts = np.unique(newer[newer > 0], return_counts=True)
        counted.update(dict(zip(values.tolist(), amounts.tolist(), strict=True)))
    if not counted:
        return
    most = max(counted.values())
    result.step = min(step for step, amount in counted.items() if amount == most)
    if result.step < DAY:
        result.begins_coarse = _coarse_run(spool, day_first, result)


def _coarse_run(spool: Spool, day_first: DayFirst, result: TimesSurvey) -> int:
    seen, last = 0, None
    for times in _decided(spool, day_first, turned=result.is_turned):
        steps = np.diff(times if last is None else np.concatenate(([last], times)))
        last = int(times[-1])
        fine = np.flatnonzero((steps > 0) & (steps < DAY))
        if len(fine):
            seen += int(fine[0])
            return seen if seen >= _RUN else 0
        seen += len(steps)
    return 0
