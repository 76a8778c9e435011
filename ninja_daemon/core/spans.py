"""Lengths of time in seconds, and as people write them: one grammar for all settings."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
WEEK: Final = 7 * DAY
LONGEST_SPAN: Final = 100 * 366 * DAY
"""Seconds in the longest length of time that anything may be set to."""
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]{1,8})", re.ASCII)
_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("h", "hour", "hours"), HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
    **dict.fromkeys(("w", "week", "weeks"), WEEK),
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
