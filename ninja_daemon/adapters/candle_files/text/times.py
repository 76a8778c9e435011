"""Times as files write them, read many lines at a time where they are written alike, and else one by one.

A form is written in the codes of ``strptime`` (``%Y %y %m %b %d %H %M %S %f %z``) and three more: ``%1/%2`` are day and
month in an order that only the whole file tells, ``%s`` is UNIX time in seconds, milliseconds or microseconds.

A time becomes the seconds since 1970 of the wall clock that the file goes by; of UTC where the text says its offset.
With ``%1`` it becomes ``((year * 100 + first) * 100 + second) * 86400`` and the second of the day, see ``in_order``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.text.calendar_days import (
    FIRST_YEAR,
    LAST_YEAR,
    century,
    days_of,
    month_number,
    offset_of,
)
from ninja_daemon.adapters.candle_files.text.price_shapes import number_of
from ninja_daemon.adapters.candle_files.text.single_times import Times, single_time
from ninja_daemon.adapters.candle_files.text.time_forms import TimeForm, form_of
from ninja_daemon.adapters.candle_files.text.tokens import Bytes, Integers, Tokens
from ninja_daemon.core.spans import DAY

_ROUNDS: Final = 12
_UNIX_DIGITS: Final = {10: 1, 13: 1_000, 16: 1_000_000}


def read_times(tokens: Tokens, forms: Sequence[str], *, is_ticks: bool) -> Times:
    """Read the times of some lines.

    Args:
        tokens: the lines.
        forms: the ways in which they may be written.
        is_ticks: fractions of a second are dropped; else there must be none.
    """
    count = len(tokens)
    times = Times(np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.bool_))
    compiled = [form_of(codes) for codes in forms]
    first = tokens.places["time"]
    last = tokens.places.get("clock", first)
    for row in _read_many(tokens, compiled, times, is_ticks=is_ticks).tolist():
        text = _joined(tokens.text(row, first, last), tokens, first, last, row).strip()
        try:
            times.values[row], times.is_utc[row] = single_time(text, compiled, times, is_ticks=is_ticks)
        except ValueError as error:
            times.bad[row] = str(error)
    return times


def _read_many(tokens: Tokens, forms: Sequence[TimeForm], times: Times, *, is_ticks: bool) -> Integers:
    """Read the lines that are written alike, kind after kind, and return those that are left."""
    count, first = len(tokens), tokens.places["time"]
    last = tokens.places.get("clock", first)
    widths = tokens.starts[:, last] + tokens.widths[:, last] - tokens.starts[:, first]
    left = np.arange(count)
    for turn in range(_ROUNDS):
        if not len(left):
            break
        text = _joined(tokens.text(int(left[0]), first, last), tokens, first, last, int(left[0]))
        match = next(((form, found) for form in forms if (found := form.pattern.fullmatch(text))), None)
        if match is None or turn == _ROUNDS - 1:
            break
        width = int(widths[left[0]])
        same = left[widths[left] == width]
        is_all = turn == 0 and len(same) == count
        texts = tokens.bytes_of(first, last, width, None if is_all else same)
        done = _read_alike(texts, same, match, times, is_ticks=is_ticks)
        if not done.any():
            break
        left = np.setdiff1d(left, same[done], assume_unique=True)
    return left


def _joined(text: str, tokens: Tokens, first: int, last: int, row: int) -> str:
    """Put a space where the separator stands between date and time of day."""
    if first == last:
        return text
    width = int(tokens.widths[row, first])
    return f"{text[:width]} {text[width + 1 :]}"


def _read_alike(
    texts: Bytes, rows: Integers, match: tuple[TimeForm, re.Match[str]], times: Times, *, is_ticks: bool
) -> Integers:
    """Read the texts that are written like the first one, and tell which of them were read."""
    form, found = match
    spans = {code: found.span(index) for index, code in enumerate(form.order, start=1)}
    numeric = [at for code, (start, end) in spans.items() if code not in "bz" for at in range(start, end)]
    fixed = [at for at in range(len(texts)) if at not in set(numeric)]
    good = np.ones(texts.shape[1], dtype=np.bool_)
    for at in fixed:
        good &= texts[at] == texts[at, 0]
    digits = texts[numeric] - np.uint8(48)
    good &= (digits <= 9).all(axis=0)  # noqa: PLR2004 - the largest digit
    if not good.any():
        return good
    all_good = bool(good.all())
    kept = texts if all_good else np.ascontiguousarray(texts[:, good])
    values, fits = _values(kept, spans, found, form, is_ticks=is_ticks)
    if values is None:
        return np.zeros(len(good), dtype=np.bool_)
    if not fits.all():
        positions = np.flatnonzero(good)
        good[positions[~fits]] = False
        values = values[fits]
    chosen = rows if good.all() else rows[good]
    times.values[chosen] = values
    times.is_utc[chosen] = "z" in form.order or "s" in form.order
    times.is_undecided |= "1" in form.order
    times.has_clock |= "H" in form.order or "s" in form.order
    return good


def _values(
    texts: Bytes, spans: dict[str, tuple[int, int]], found: re.Match[str], form: TimeForm, *, is_ticks: bool
) -> tuple[Integers | None, Integers]:
    def read(code: str) -> Integers:
        start, end = spans[code]
        return number_of(texts[start:end] - np.uint8(48))

    everything = np.ones(texts.shape[1], dtype=np.bool_)
    if "s" in spans:
        unit = _UNIX_DIGITS.get(spans["s"][1] - spans["s"][0], 0)
        raw = read("s").astype(np.int64)
        return (raw // unit, (raw % unit == 0) | is_ticks) if unit else (None, everything)
    if "f" in spans and not is_ticks:
        everything &= read("f") == 0
    second = np.zeros(texts.shape[1], dtype=np.int64)
    for code, unit, limit in (("H", 3_600, 24), ("M", 60, 60), ("S", 1, 60)):
        if code in spans:
            part = read(code)
            everything &= part < limit
            second += part * np.int64(unit)
    if "z" in spans:
        second -= offset_of(found[form.order.index("z") + 1])
    year = read("Y") if "Y" in spans else century(read("y"))
    if "1" in spans:
        one, two = read("1"), read("2")
        everything &= (one > 0) & (two > 0) & (one < 32) & (two < 32) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)  # noqa: PLR2004
        return ((year.astype(np.int64) * 100 + one) * 100 + two) * DAY + second, everything
    month = np.full(texts.shape[1], month_number(found[form.order.index("b") + 1])) if "b" in spans else read("m")
    days, fits = days_of(year.astype(np.int64) * 10_000 + month * 100 + read("d"))
    return days * DAY + second, everything & fits
