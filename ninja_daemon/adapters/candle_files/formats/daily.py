"""Sites that give days: Stooq (Warsaw's), investing.com (that close at 17:00 New York), Yahoo (London's)."""

from __future__ import annotations

import re
from typing import Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, Head, Layout, NamedFormat, columns_of, has_prices

_ENGLISH: Final = {name: name for name in (*CANDLE, "volume")} | {"date": "time", "vol": "volume", "time": "clock"}
_POLISH: Final = {
    "data": "time", "otwarcie": "open", "najwyzszy": "high", "najnizszy": "low", "zamkniecie": "close",
    "wolumen": "volume",
}  # fmt: skip
_DASHED: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
YAHOO_CLOSES: Final = "a close must not be its day's open: Yahoo's closes of currencies are opens"
_INVESTING: Final = {"date": "time", "price": "close", "open": "open", "high": "high", "low": "low"}


def _names(head: Head) -> list[str]:
    return [name.strip().strip('"') for name in head.first.split(",")]


def _stooq(head: Head) -> Layout | None:
    names = _names(head)
    folded = [name.casefold() for name in names]
    if folded[:2] == ["<ticker>", "<per>"]:
        columns = columns_of(names, _ENGLISH)
        if columns.get("clock") is None or not has_prices(columns):
            return None
        forms = ("%Y%m%d %H%M%S", "%Y%m%d %H%M")
        return Layout("stooq", columns, len(names), forms, skip=1, zone="Europe/Warsaw")
    rows = head.rows(1, ",")
    is_dashed = bool(rows) and _DASHED.fullmatch(rows[0][0].strip()) is not None
    english = (["date", *CANDLE], ["date", *CANDLE, "volume"])
    columns = columns_of(names, _POLISH)
    if is_dashed and has_prices(columns) and "time" in columns:
        return Layout("stooq", columns, len(names), ("%Y-%m-%d",), skip=1, zone="Europe/Warsaw")
    if is_dashed and folded in english:
        columns = columns_of(names, _ENGLISH)
        return Layout("stooq", columns, len(names), ("%Y-%m-%d",), skip=1, zone="Europe/Warsaw")
    return None


def _investing(head: Head) -> Layout | None:
    names = _names(head)
    if [name.casefold() for name in names[:5]] != ["date", "price", "open", "high", "low"]:
        return None
    forms = ("%1/%2/%Y", "%d-%b-%y", "%d.%m.%Y", "%b %d, %Y", "%Y-%m-%d")
    columns = columns_of(names, _INVESTING)
    return Layout("investing", columns, len(names), forms, skip=1, thousands=True, finds_zone=False, day=True)


def _yahoo(head: Head) -> Layout | None:
    names = _names(head)
    folded = [name.casefold() for name in names]
    if folded[:6] == ["date", *CANDLE, "adj close"] or (folded[:5] == ["date", *CANDLE] and "dividends" in folded):
        skip = 1
    elif folded[0] == "price" and {"close", "open"} <= set(folded) and len(head.lines) > 1:
        if not head.lines[1].casefold().startswith("ticker"):
            return None
        names[0] = "date"
        skip = 3 if len(head.lines) > 2 and head.lines[2].casefold().startswith("date") else 2  # noqa: PLR2004
    else:
        return None
    columns = columns_of(names, _ENGLISH)
    forms = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S")
    is_currency = "=X" in head.name.upper() or any("=X" in line.upper() for line in head.lines[:skip])
    refusal = (YAHOO_CLOSES, "take the history from another source") if is_currency else None
    return Layout("yahoo", columns, len(names), forms, skip=skip, zone="Europe/London", refusal=refusal)


STOOQ: Final = NamedFormat("stooq", _stooq)
INVESTING: Final = NamedFormat("investing", _investing)
YAHOO: Final = NamedFormat("yahoo", _yahoo)
