"""How long a server asks us to wait: the one reader of ``Retry-After`` and of waits in answers."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_NONSENSE: Final = 1e12
"""Seconds from which on a wait is taken for a mistake."""


def retry_after(text: str | None, now: float) -> float | None:
    """Read the header.

    Args:
        text: seconds (``1.5`` and ``1e3``, too) or a date, by UTC when it names no zone; None without the header.
        now: epoch seconds.

    Returns:
        Seconds to wait, None when the header says nothing that makes sense.
    """
    if text is None:
        return None
    if (seconds := seconds_of(text)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(text.strip())
        aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        return max(0.0, aware.timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def seconds_of(value: object) -> float | None:
    """Read a number of seconds; None when the text is not a number or the number makes no sense."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < _NONSENSE else None
