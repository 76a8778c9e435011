"""Lengths of time as values of settings; their grammar is ``core.spans``."""

from __future__ import annotations

from typing import Final

from ninja_daemon.app.settings.values import Value
from ninja_daemon.core.spans import span

LONGEST_WAIT: Final = 30 * 86_400
"""Seconds that a message may be held back or tried again at most."""


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
