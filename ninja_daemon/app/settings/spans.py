"""Lengths of time as settings say them: one grammar for all of them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from ninja_daemon.app.settings.values import Value

LONGEST_SPAN: Final = 100 * 366 * 86_400
"""Seconds in the longest length of time that anything may be set to."""
LONGEST_WAIT: Final = 30 * 86_400
"""Seconds that a message may be held back or tried again at most."""
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]{1,8})", re.ASCII)
_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}


def span(text: object, most: int = LONGEST_SPAN) -> Decimal:
    """Read a length of time such as ``30 min``, ``1.5 h`` or ``2 weeks`` in seconds.

    Raises:
        ValueError: it is none, or it is longer than ``most`` seconds.
    """
    match = _SPAN.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if match is None or match[2] not in _SECONDS:
        raise ValueError
    seconds = Decimal(match[1]) * _SECONDS[match[2]]
    if seconds > most:
        raise ValueError
    return seconds


def parse_span(text: str, most: int = LONGEST_WAIT) -> float | None:
    """Read a length of time in seconds; None when it is none, or longer than ``most`` seconds."""
    try:
        return float(span(text, most))
    except ValueError:
        return None


def span_between(least: int, most: int, bounds: str = "") -> Value[float]:
    """Return the reader of a length of time in seconds."""

    def check(value: object) -> float:
        seconds = span(value, most)
        if seconds < least:
            raise ValueError
        return float(seconds)

    return Value(f'a length of time{bounds} like "90 s", "30 min", "4 h" or "2 days"', check)
