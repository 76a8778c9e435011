"""LEAN's own files of hours and days: bid and ask in eleven fields, without a header, usually zipped.

OANDA's are UTC. FXCM's are New York's winter time all year, and were not that before 2010: the data decide.
"""

from __future__ import annotations

import re
from typing import Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, SIDES, Head, Layout, NamedFormat

_LINE: Final = re.compile(r"\d{8} \d\d:\d\d(?:,[^,]*){10}", re.ASCII)


def _recognise(head: Head) -> Layout | None:
    if _LINE.fullmatch(head.first.strip()) is None:
        return None
    names = (*SIDES[:4], "bid_size", *SIDES[4:], "ask_size")
    columns = {name: place for place, name in enumerate(names, start=1) if name in SIDES} | {"time": 0}
    notes: tuple[str, ...] = ()
    if head.options.price != "mid":
        side = head.options.price
        columns = {"time": 0} | {name: columns[f"{side}_{name}"] for name in CANDLE}
        notes = (f"prices are {side}",)
    # The folder says whose they are, as LEAN lays them.
    markets = {"oanda": "UTC", "fxcm": "UTC-5"}
    named = [zone for market, zone in markets.items() if f"/{market}/" in f"/{head.name.casefold()}"]
    zones = (named[0],) if named else tuple(markets.values())
    return Layout("lean", columns, 11, ("%Y%m%d %H:%M",), zones=zones, notes=notes)


LEAN: Final = NamedFormat("lean", _recognise)
