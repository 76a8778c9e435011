"""TradingView's chart export: UNIX seconds, times with the chart's offset, or the date on which a day closes."""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, RFC3339, Head, Layout, NamedFormat, columns_of
from ninja_daemon.adapters.candle_files.text.time_forms import matching

_FORMS: Final = ("%s", *RFC3339, "%Y-%m-%d")


def _recognise(head: Head) -> Layout | None:
    names = [name.strip() for name in head.first.split(",")]
    if [name.casefold() for name in names[:5]] != ["time", *CANDLE]:
        return None
    rows = head.rows(1, ",")
    if not rows or not matching(_FORMS, rows[0][0].strip()):
        return None
    columns = columns_of(names, {name: name for name in ("time", *CANDLE, "volume")})
    return Layout("tradingview", columns, len(names), _FORMS, skip=1, finds_zone=False, day=True)


TRADINGVIEW: Final = NamedFormat("tradingview", _recognise)
