"""Binance's klines: twelve columns, with and without a header; milliseconds, and microseconds since 2025."""

from __future__ import annotations

import re
from typing import Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, Head, Layout, NamedFormat

_LINE: Final = re.compile(r"(?:\d{13}|\d{16})(?:,[^,]*){11}", re.ASCII)
_FIELDS: Final = 12


def _recognise(head: Head) -> Layout | None:
    has_header = head.first.casefold().startswith("open_time,") or head.first.casefold().startswith("open time,")
    line = head.lines[1] if has_header and len(head.lines) > 1 else head.first
    if _LINE.fullmatch(line.strip()) is None:
        return None
    columns = {name: place for place, name in enumerate(("time", *CANDLE, "volume"))}
    return Layout("binance", columns, _FIELDS, ("%s",), skip=int(has_header), zone="UTC")


BINANCE: Final = NamedFormat("binance", _recognise)
