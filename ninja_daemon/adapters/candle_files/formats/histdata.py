"""HistData: minutes and ticks in its ASCII form, minutes in its MetaTrader form.

It says that its times are New York's without daylight saving. The files show New York's with it (June 2015: the week
ends at 16:59, the payrolls of 12:30 UTC are at 08:30), so the data decide, each year.
"""

from __future__ import annotations

import re
from typing import Final

from ninja_daemon.adapters.candle_files.layout import Head, Layout, NamedFormat

_MINUTE: Final = re.compile(r"\d{8} \d{6};[\d.]+;[\d.]+;[\d.]+;[\d.]+;\S*", re.ASCII)
_TICK: Final = re.compile(r"\d{8} \d{9},[\d.]+,[\d.]+,\S*", re.ASCII)
_META: Final = re.compile(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d(?:,\d+\.\d{6}){4},\S*", re.ASCII)
ZONES: Final = ("America/New_York", "UTC-5")


def _all(head: Head, pattern: re.Pattern[str]) -> bool:
    lines = [line.strip() for line in head.lines if line.strip()]
    return bool(lines) and pattern.fullmatch(lines[0]) is not None and sum(
        pattern.fullmatch(line) is not None for line in lines
    ) * 2 > len(lines)  # fmt: skip


def _ascii(head: Head) -> Layout | None:
    if _all(head, _TICK):
        columns = {"time": 0, "bid": 1, "ask": 2}
        return Layout("histdata", columns, 4, ("%Y%m%d %H%M%S%f",), zones=ZONES)
    if not _all(head, _MINUTE):
        return None
    columns = {"time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}
    return Layout("histdata", columns, 6, ("%Y%m%d %H%M%S",), separator=";", zones=ZONES)


def _meta(head: Head) -> Layout | None:
    if not _all(head, _META):
        return None
    columns = {"time": 0, "clock": 1, "open": 2, "high": 3, "low": 4, "close": 5, "volume": 6}
    return Layout("histdata-mt", columns, 7, ("%Y.%m.%d %H:%M",), zones=ZONES)


HISTDATA: Final = NamedFormat("histdata", _ascii)
HISTDATA_MT: Final = NamedFormat("histdata-mt", _meta)
