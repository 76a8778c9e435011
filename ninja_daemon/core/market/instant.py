"""Instants: whole seconds since 1970-01-01T00:00:00Z.

Candles open and close on whole seconds, so an instant is an ``int``: exact, cheap, the same on every machine and in
every time zone. Text and ``datetime`` appear only at the edges.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from ninja_daemon.core.spans import DAY

Instant = int

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_UNIX = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_LONGEST = 32
"""Characters; no instant has more. The candles of a wake open at the same few instants, so texts are read once."""
_FEWEST_DIGITS = 9
"""Of UNIX seconds that somebody means: those of 1973 and later."""
_END = 7_258_118_400
"""2200-01-01: calendars end at the year 9999, and what is asked of an instant looks a candle ahead of it."""


def parse_instant(text: str) -> Instant:
    """Read an instant as OANDA and Redis write it: RFC 3339 in UTC, or UNIX seconds, either with up to nine zeros.

    Raises:
        ValueError: the text is no such instant, names a fraction of a second, or lies before 1970 or after 2199.
    """
    at = _seconds_of(text) if len(text) <= _LONGEST else None
    if at is None or not 0 <= at < _END:
        message = f"an instant must look like 2025-08-10T14:30:00Z and lie between 1970 and 2199, was {text[:40]!r}"
        raise ValueError(message)
    return at


def parse_typed_instant(text: str) -> Instant:
    """Read an instant that a person typed: as ``parse_instant``, but 2024 and 20240101 are no seconds of 1970.

    Raises:
        ValueError: the text is no such instant.
    """
    if text.isdigit() and len(text) < _FEWEST_DIGITS:
        message = f"an instant must look like 2025-08-10T14:30:00Z, was {text}"
        raise ValueError(message)
    return parse_instant(text)


def parse_written_instant(text: str) -> Instant:
    """Read an instant that we wrote, or a person in our form: as ``parse_instant``, but a bare number is none.

    Raises:
        ValueError: the text is no such instant.
    """
    if "T" not in text:
        message = f"an instant must look like 2025-08-10T14:30:00Z, was {text[:40]!r}"
        raise ValueError(message)
    return parse_instant(text)


@lru_cache(maxsize=4096)
def _seconds_of(text: str) -> Instant | None:
    if match := _RFC3339.fullmatch(text):
        year, month, day, hour, minute, second, fraction = match.groups()
        if fraction is None or not fraction.strip("0"):
            at = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
            return int(at.timestamp())
    elif (match := _UNIX.fullmatch(text)) and (match[2] is None or not match[2].strip("0")):
        return int(match[1])
    return None


@lru_cache(maxsize=4096)
def format_instant(at: Instant) -> str:
    """Write an instant as ``2025-08-10T14:30:00Z``."""
    day, second = divmod(at, DAY)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{_date_of(day)}T{hour:02d}:{minute:02d}:{second:02d}Z"


@lru_cache(maxsize=4096)
def _date_of(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")


def format_moment(at: float) -> str:
    """Write a clock reading with milliseconds, as ``2025-08-10T14:30:00.113Z``."""
    # The shortest decimal of the reading: what was read from such a text is written as that text again.
    milliseconds = int(Decimal(str(at)) * 1000)
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
