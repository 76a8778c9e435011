"""Our own: ``time,open,high,low,close[,volume]`` under that header, the form that ``import`` writes."""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.candle_files.layout import RFC3339, Head, Layout, NamedFormat
from ninja_daemon.adapters.candle_files.text.time_forms import matching

HEADER: Final = ("time", "open", "high", "low", "close")
_FORMS: Final = (*RFC3339, "%s", "%s.%f")


def _recognise(head: Head) -> Layout | None:
    names = tuple(name.strip().casefold() for name in head.first.split(","))
    if names not in {HEADER, (*HEADER, "volume")}:
        return None
    rows = head.rows(1, ",")
    if head.options.format != "ours" and rows and not matching(_FORMS, rows[0][0].strip()):
        return None
    columns = {name: place for place, name in enumerate(names)}
    return Layout("ours", columns, len(names), _FORMS, skip=1, is_fine=True, zone="UTC")


OURS: Final = NamedFormat("ours", _recognise)
