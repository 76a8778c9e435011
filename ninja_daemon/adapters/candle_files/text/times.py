"""Times as files write them, read many lines at a time where they are written alike, and else one by one.

A form is written in the codes of ``strptime`` (``%Y %y %m %b %d %H %M %S %f %z``) and three more: ``%1/%2`` are day and
month in an order that only the whole file tells, ``%s`` is UNIX time in seconds, milliseconds or microseconds.

A time becomes the seconds since 1970 of the wall clock that the file goes by; of UTC where the text says its offset.
With ``%1`` it becomes ``((year * 100 + first) * 100 + second) * 86400`` and the second of the day, see ``in_order``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from ninja_daemon.adapters.candle_files.text.prices import number_of
from ninja_daemon.adapters.candle_files.text.tokens import Bytes, Integers, Tokens

DAY: Final = 86_400
_EPOCH: Final = 719_163
_FIRST, _LAST = 1970, 2199
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ROUNDS: Final = 12
_UNIX_DIGITS: Final = {10: 1, 13: 1_000, 16: 1_000_000}
_CODE: Final = re.compile(r"%(.)|([^%])")
_TWO: Final = "mdHMS12"


class Form(NamedTuple):
    """A way to write a time.

    Attributes:
        codes: as it was given.
        pattern: what such a text looks like; the groups are the codes, in order.
        order: the codes of the groups.
    """

    codes: str
    pattern: re.Pattern[str]
    order: str


@dataclass(slots=True)
class Times:
    """The times of some lines.

    Attributes:
        values: see the module.
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


@cache
def form_of(codes: str) -> Form:
    """Compile a form.

    Raises:
        ValueError: a code is unknown.
    """
    parts = list(_CODE.finditer(codes))
    pattern, order = "", ""
    for index, part in enumerate(parts):
        code, literal = part.groups()
        if literal is not None:
            pattern += re.escape(literal)
            continue
        is_tight = any(
            0 <= near < len(parts) and parts[near][1] is not None and parts[near][1] not in "fz"
            for near in (index - 1, index + 1)
        )
        pattern += _pattern(code, is_tight=is_tight)
        order += code
    return Form(codes, re.compile(pattern, re.ASCII), order)


def _pattern(code: str, *, is_tight: bool) -> str:
    if code in _TWO:
        return r"(\d\d)" if is_tight or code in "MS" else r"(\d{1,2})"
    known = {"Y": r"(\d{4})", "y": r"(\d\d)", "f": r"(\d{1,9})", "b": r"([A-Za-z]{3})", "z": r"(Z|[+-]\d\d:?\d\d)"}
    known["s"] = r"(\d{9,10}|\d{12,13}|\d{15,16})"
    if code not in known:
        message = f"--time-format must be of %Y %y %m %b %d %H %M %S %f %z, was %{code}"
        raise ValueError(message)
    return known[code]


def typed_form(text: str) -> str:
    """Return the codes of a form that a person typed: those of ``strptime``, or like ``YYYY-MM-DD HH:MM:SS``.

    Raises:
        ValueError: it is neither.
    """
    codes = text if "%" in text else _codes_of(text)
    order = set(form_of(codes).order)
    if "s" not in order and not ({"Y", "y"} & order and {"m", "b"} & order and "d" in order):
        like = "%d/%m/%Y %H:%M or DD/MM/YYYY HH:MM"
        message = f"--time-format must name year, month and day like {like}, was {text[:40]!r}"
        raise ValueError(message)
    return codes


def _codes_of(letters: str) -> str:
    """Return the codes of ``YYYY-MM-DD HH:MM:SS``: what comes before the hour is the date, where MM is the month."""
    at = letters.find("H")
    day, clock = (letters, "") if at < 0 else (letters[:at], letters[at:])
    for pattern, code in ((r"YYYY", "%Y"), (r"YY", "%y"), (r"Mon", "%b"), (r"(?<!%)MM?", "%m"), (r"DD?", "%d")):
        day = re.sub(pattern, code, day, count=1)
    for pattern, code in ((r"HH?", "%H"), (r"MM", "%M"), (r"SS", "%S"), (r"mmm", "%f")):
        clock = re.sub(rf"(?<!%){pattern}", code, clock, count=1)
    return day + clock


def matching(forms: Sequence[str], text: str) -> bool:
    """Tell whether a text is a time of one of the forms."""
    return any(form_of(codes).pattern.fullmatch(text) for codes in forms)


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
            times.values[row], times.is_utc[row] = _single_time(text, compiled, times, is_ticks=is_ticks)
        except ValueError as error:
            times.bad[row] = str(error)
    return times


def _read_many(tokens: Tokens, forms: Sequence[Form], times: Times, *, is_ticks: bool) -> Integers:
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
    texts: Bytes, rows: Integers, match: tuple[Form, re.Match[str]], times: Times, *, is_ticks: bool
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
    texts: Bytes, spans: dict[str, tuple[int, int]], found: re.Match[str], form: Form, *, is_ticks: bool
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
        second -= _offset(found[form.order.index("z") + 1])
    year = read("Y") if "Y" in spans else _century(read("y"))
    if "1" in spans:
        one, two = read("1"), read("2")
        everything &= (one > 0) & (two > 0) & (one < 32) & (two < 32) & (year >= _FIRST) & (year <= _LAST)  # noqa: PLR2004
        return ((year.astype(np.int64) * 100 + one) * 100 + two) * DAY + second, everything
    month = np.full(texts.shape[1], _month(found[form.order.index("b") + 1])) if "b" in spans else read("m")
    days, fits = days_of(year.astype(np.int64) * 10_000 + month * 100 + read("d"))
    return days * DAY + second, everything & fits


def days_of(dates: Integers) -> tuple[Integers, Integers]:
    """Return the days since 1970 of dates written as 20220304, and which of them are in the calendar."""
    if not len(dates):
        return dates, np.ones(0, dtype=np.bool_)
    # Candles of one day follow one another: what is looked up in the calendar is the first of each day.
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(dates)) + 1))
    years, months, days = dates[firsts] // 10_000, dates[firsts] // 100 % 100, dates[firsts] % 100
    fits = (years >= _FIRST) & (years <= _LAST) & (months >= 1) & (months <= 12) & (days >= 1)  # noqa: PLR2004
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


def _century(years: Integers) -> Integers:
    return years.astype(np.int64) + np.where(years < 70, 2_000, 1_900)  # noqa: PLR2004


def _month(name: str) -> int:
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0


def _offset(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return -seconds if text[0] == "-" else seconds


def _single_time(text: str, forms: Sequence[Form], times: Times, *, is_ticks: bool) -> tuple[int, bool]:
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
    return hour * 3_600 + minute * 60 + second - _offset(parts.get("z", "Z"))


def _single_day(text: str, parts: dict[str, str]) -> int:
    year = int(parts["Y"]) if "Y" in parts else int(_century(np.array([int(parts["y"])]))[0])
    if not _FIRST <= year <= _LAST:
        message = f"a time must lie between {_FIRST} and {_LAST}, was {text[:40]!r}"
        raise ValueError(message)
    if "1" in parts:
        one, two = int(parts["1"]), int(parts["2"])
        if not (0 < one < 32 and 0 < two < 32):  # noqa: PLR2004
            message = f"a time must be in the calendar, was {text[:40]!r}"
            raise ValueError(message)
        return ((year * 100 + one) * 100 + two) * DAY
    month = _month(parts["b"]) if "b" in parts else int(parts["m"])
    try:
        days = date(year, month, int(parts["d"])).toordinal() - _EPOCH
    except ValueError as error:
        message = f"a time must be in the calendar ({error}), was {text[:40]!r}"
        raise ValueError(message) from None
    return days * DAY


def example(codes: str) -> str:
    """Return what a time of a form looks like."""
    known = {"Y": "2025", "y": "25", "m": "08", "b": "Aug", "d": "31", "H": "14", "M": "30", "S": "00", "f": "000"}
    known |= {"z": "Z", "1": "31", "2": "08", "s": "1754836200"}
    return _CODE.sub(lambda part: known.get(part[1], "") if part[1] else part[2], codes)
