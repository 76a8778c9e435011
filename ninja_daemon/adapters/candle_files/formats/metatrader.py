"""MetaTrader 5's export, MetaTrader 4's history, and the tables that its Python package gives.

Times are those of the broker's server, whose zone no file names: many servers keep European summer time (CET or EET),
some New York's time and seven hours, and some have changed. The zone is found by the data, or asked for.
"""

from __future__ import annotations

import re
from typing import Final

from ninja_daemon.adapters.candle_files.layout import Head, Layout, NamedFormat, columns_of, has_prices

_CLOCKED: Final = re.compile(r"\d{4}\.\d\d\.\d\d[,\t;]\d{1,2}:\d\d(?::\d\d)?[,\t;]", re.ASCII)
_NAMES: Final = {
    "open": "open", "high": "high", "max": "high", "low": "low", "min": "low", "close": "close",
    "tickvol": "volume", "tick_volume": "volume", "volume": "volume", "vol": "real", "value": "volume",
    "real_volume": "real", "date": "time", "time": "clock",
}  # fmt: skip
_DATES: Final = ("%Y.%m.%d", "%Y-%m-%d")
_FORMS: Final = (
    *(f"{date} {clock}" for date in _DATES for clock in ("%H:%M:%S", "%H:%M")),
    *_DATES,
    "%Y-%m-%dT%H:%M:%S",
    "%s",
)


def _separator(line: str) -> str:
    return max("\t,;", key=line.count)


def _timed(columns: dict[str, int]) -> dict[str, int]:
    """Make of a lone ``time`` the column of the time."""
    if "time" not in columns and "clock" in columns:
        columns["time"] = columns.pop("clock")
    return columns


def _mt5(head: Head) -> Layout | None:
    separator = _separator(head.first)
    names = [name.strip() for name in head.first.split(separator)]
    if names[0].upper() != "<DATE>":
        return None
    columns = _timed(columns_of(names, _NAMES))
    return Layout("mt5", columns, len(names), _FORMS[:6], separator=separator, skip=1) if has_prices(columns) else None


def _mt4(head: Head) -> Layout | None:
    below = next((line for line in head.lines[1:] if line.strip()), head.first)
    if _CLOCKED.match(below) is None:
        return None
    separator = _separator(below)
    if _CLOCKED.match(head.first):
        fields = len(head.first.rstrip().split(separator))
        names = ("time", "clock", "open", "high", "low", "close", "volume")[:fields]
        columns = {name: place for place, name in enumerate(names)}
        skip = 0
    else:
        listed = head.first.split(separator)
        columns, fields, skip = _timed(columns_of(listed, _NAMES)), len(listed), 1
    if not has_prices(columns) or "time" not in columns:
        return None
    return Layout("mt4", columns, fields, ("%Y.%m.%d %H:%M", "%Y.%m.%d %H:%M:%S"), separator=separator, skip=skip)


def _python(head: Head) -> Layout | None:
    separator = _separator(head.first)
    names = [name.strip().strip('"').casefold() for name in head.first.split(separator)]
    if not {"tick_volume", "real_volume", "tickvol"} & set(names):
        return None
    columns = _timed(columns_of(names, _NAMES))
    if not has_prices(columns) or "time" not in columns:
        return None
    return Layout(
        "metatrader-python", columns, len(names), _FORMS, separator=separator, skip=1, epoch_is_wall=True
    )  # fmt: skip


MT5: Final = NamedFormat("mt5", _mt5)
MT4: Final = NamedFormat("mt4", _mt4)
METATRADER_PYTHON: Final = NamedFormat("metatrader-python", _python)
