"""FXCM: columns by their names, never by their place; its scripts write open, close, high, low."""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, CLOCKS, SIDES, Head, Layout, NamedFormat, columns_of

_NAMES: Final = {f"{side}{name}": f"{side}_{name}" for side in ("bid", "ask") for name in CANDLE}
_NAMES_TOO: Final = {"date": "time", "datetime": "time", "time": "time", "timestamp": "time", "tickqty": "volume"}
FORMS: Final = tuple(
    f"{date} {clock}{zone}" for date in ("%m/%d/%Y", "%Y-%m-%d") for clock in CLOCKS for zone in ("", "%z")
)


def _recognise(head: Head) -> Layout | None:
    names = [name.strip().strip('"') for name in head.first.split(",")]
    folded = [name.casefold().replace("_", "") for name in names]
    if not {"bidopen", "askopen"} & set(folded):
        return None
    columns = columns_of(folded, _NAMES | _NAMES_TOO | {"volume": "volume"})
    if "time" not in columns and folded[0] == "":
        columns["time"] = 0
    if "time" not in columns:
        return None
    has = {side for side in ("bid", "ask") if all(f"{side}_{name}" in columns for name in CANDLE)}
    wanted = head.options.price
    notes: tuple[str, ...] = ()
    if not {"bid", "ask"} <= has or wanted != "mid":
        side = wanted if wanted in has else next(iter(sorted(has)), None)
        if side is None or (wanted not in ("mid", side)):
            return None
        chosen = {name: columns[f"{side}_{name}"] for name in CANDLE}
        columns = {role: place for role, place in columns.items() if role not in SIDES} | chosen
        notes = (f"prices are {side}",)
    return Layout("fxcm", columns, len(names), FORMS, skip=1, zone="UTC", notes=notes)


FXCM: Final = NamedFormat("fxcm", _recognise)
