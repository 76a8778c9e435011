"""The small words that all messages are made of: safe characters, names of instruments, clock times."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

ARROWS: Final = {Side.BUY: "▲", Side.SELL: "▼"}
_MARK: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def harmless(text: str) -> str:
    """Return the text without control characters and without characters that turn the direction of writing."""
    cleaned = _CONTROL.sub(" ", text)
    return "".join(letter for letter in cleaned if unicodedata.category(letter) not in {"Cf", "Cs", "Co"})


def shortened(text: str, most: int) -> str:
    """Return the text, cut to ``most`` characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def pair(signal: Signal) -> str:
    """Write the instrument as people do: ``EUR/USD``."""
    return signal.instrument.replace("_", "/")


def mark(identity: str) -> str:
    """Return the beginning of an id, by which a reader knows a repeat."""
    return identity[:_MARK]


def utc(at: float) -> str:
    """Write an instant as ``2022-03-04 18:00 UTC``."""
    return _clock(datetime.fromtimestamp(at, UTC), "UTC")


def local(at: float, time_zone: str) -> str:
    """Write an instant in the reader's zone, as ``2022-03-04 19:00 CET``; empty without a zone."""
    if not time_zone:
        return ""
    moment = datetime.fromtimestamp(at, ZoneInfo(time_zone))
    return _clock(moment, moment.tzname() or time_zone)


def clock(at: float, time_zone: str) -> str:
    """Write an instant in the reader's zone; in UTC without one."""
    return local(at, time_zone) or utc(at)


def _clock(moment: datetime, zone: str) -> str:
    seconds = f":{moment:%S}" if moment.second else ""
    return f"{moment:%Y-%m-%d %H:%M}{seconds} {zone}"


def one_line_of(text: str) -> str:
    """Return the text with line ends and control characters as spaces."""
    return harmless(text.replace("\n", " "))
