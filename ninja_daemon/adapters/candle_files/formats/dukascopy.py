"""Dukascopy: the download of its web page, and what the command-line tool dukascopy-node saves."""

from __future__ import annotations

import re
from typing import Any, Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, Head, Layout, NamedFormat, columns_of, has_prices

_NAMES: Final = {name: name for name in (*CANDLE, "volume")}
_ZONED: Final = {"gmt time": "time", "local time": "time", "etc/utc": "time", "utc": "time", "time (utc)": "time"}
_CLOCKS: Final = tuple(
    f"%d.%m.%Y %H:%M:%S{fraction}{zone}" for fraction in (".%f", "") for zone in (" GMT%z", " UTC%z", "")
)
_MILLISECONDS: Final = re.compile(r"\d{13}", re.ASCII)


def _web(head: Head) -> Layout | None:
    names = head.first.split(",")
    columns = columns_of(names, _NAMES | _ZONED)
    if "time" not in columns or not has_prices(columns) or names[columns["time"]].strip().casefold() not in _ZONED:
        return None
    # "Local time" says its offset in every row; the other names are UTC.
    zone = None if "local" in head.first.casefold() else "UTC"
    return Layout("dukascopy", columns, len(names), _CLOCKS, skip=1, zone=zone, finds_zone=False, drops_flat=True)


def _node(head: Head) -> Layout | None:
    names = head.first.split(",")
    columns = columns_of(names, _NAMES | {"timestamp": "time"})
    rows = head.rows(1, ",")
    if "time" in columns and has_prices(columns) and rows and len(rows[0]) > columns["time"]:
        if _MILLISECONDS.fullmatch(rows[0][columns["time"]].strip()):
            return Layout("dukascopy-node", columns, len(names), ("%s",), skip=1, zone="UTC")
        return None
    text = head.text
    if re.match(r'\[\s*\{\s*"timestamp"\s*:\s*\d{13}', text):
        columns = {name: place for place, name in enumerate(("time", *CANDLE))}
        if re.search(r'"volume"', text):
            columns["volume"] = 5
        return Layout("dukascopy-node", columns, len(columns), ("%s",), zone="UTC", elements=_fields(columns))
    if head.options.format == "dukascopy-node":
        return array_layout(head, "dukascopy-node")
    return None


def _fields(columns: dict[str, int]) -> Any:  # noqa: ANN401 - an ElementReader
    names = ("timestamp", *CANDLE, *(["volume"] if "volume" in columns else []))

    def read(element: Any) -> list[str]:  # noqa: ANN401 - whatever JSON holds
        return [str(element[name]) for name in names]

    return read


def array_layout(head: Head, name: str) -> Layout | None:
    """Return how arrays of milliseconds, open, high, low, close and perhaps volume are read."""
    match = re.match(r"\[\s*\[\s*(\d{13})\s*((?:,[^,\[\]]+)+)\]", head.text)
    if match is None:
        return None
    fields = match[2].count(",") + 1
    if fields not in {5, 6}:
        return None
    columns = {role: place for place, role in enumerate(("time", *CANDLE, "volume")[:fields])}
    return Layout(name, columns, fields, ("%s",), zone="UTC", elements=_array)


def _array(element: Any) -> list[str]:  # noqa: ANN401 - whatever JSON holds
    return [str(each) for each in element]


def _freqtrade(head: Head) -> Layout | None:
    return array_layout(head, "freqtrade")


DUKASCOPY: Final = NamedFormat("dukascopy", _web)
DUKASCOPY_NODE: Final = NamedFormat("dukascopy-node", _node)
FREQTRADE: Final = NamedFormat("freqtrade", _freqtrade)
