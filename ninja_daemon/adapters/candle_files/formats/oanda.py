"""Answers of OANDA's v20 candle endpoint, saved as they came: one answer, one a line, or one candle a line."""

from __future__ import annotations

import re
from typing import Any, Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, RFC3339, SIDES, Head, Layout, NamedFormat

_SIGN: Final = re.compile(r'"(?:mid|bid|ask)"\s*:\s*\{\s*"[ohlc]"', re.ASCII)


def _recognise(head: Head) -> Layout | None:
    text = head.text
    if text[:1] not in {"{", "["} or _SIGN.search(text) is None:
        return None
    held = {side for side in ("mid", "bid", "ask") if re.search(rf'"{side}"\s*:\s*\{{', text)}
    wanted = head.options.price
    is_both = wanted == "mid" and "mid" not in held and {"bid", "ask"} <= held
    sides: tuple[str, ...] = ("bid", "ask") if is_both else (wanted if wanted in held else min(held),)
    if wanted != "mid" and wanted not in held:
        return None
    names = SIDES if is_both else CANDLE
    notes = () if is_both or sides == ("mid",) else (f"prices are {sides[0]}",)
    columns = {name: place for place, name in enumerate(("time", *names, "volume"))}
    forms = (*RFC3339, "%s.%f", "%s")
    return Layout(
        "oanda-json", columns, len(columns), forms, zone="UTC", elements=_reader(sides), notes=notes
    )  # fmt: skip


def _reader(sides: tuple[str, ...]) -> Any:  # noqa: ANN401 - an ElementReader
    def read(element: Any) -> list[str] | None:  # noqa: ANN401 - whatever JSON holds
        if element.get("complete") is False:
            return None
        prices = [str(element[side][letter]) for side in sides for letter in "ohlc"]
        return [str(element["time"]), *prices, str(element.get("volume", ""))]

    return read


OANDA_JSON: Final = NamedFormat("oanda-json", _recognise)
