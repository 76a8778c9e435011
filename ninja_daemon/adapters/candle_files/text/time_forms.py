"""The ways in which times are written, as codes: those of a format, and those that a person typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

_CODE: Final = re.compile(r"%(.)|([^%])")
_TWO: Final = "mdHMS12"


class TimeForm(NamedTuple):
    """A way to write a time.

    Attributes:
        codes: as it was given.
        pattern: what such a text looks like; the groups are the codes, in order.
        order: the codes of the groups.
    """

    codes: str
    pattern: re.Pattern[str]
    order: str


@cache
def form_of(codes: str) -> TimeForm:
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
    return TimeForm(codes, re.compile(pattern, re.ASCII), order)


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


def example(codes: str) -> str:
    """Return what a time of a form looks like."""
    known = {"Y": "2025", "y": "25", "m": "08", "b": "Aug", "d": "31", "H": "14", "M": "30", "S": "00", "f": "000"}
    known |= {"z": "Z", "1": "31", "2": "08", "s": "1754836200"}
    return _CODE.sub(lambda part: known.get(part[1], "") if part[1] else part[2], codes)
