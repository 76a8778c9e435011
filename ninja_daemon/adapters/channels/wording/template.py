"""Templates: texts of one's own with ``{fields}`` of the signal."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.channels.wording.told import Told
from ninja_daemon.adapters.channels.words import ARROWS, clock, mark, pair, utc
from ninja_daemon.core.filters.sessions import sessions_at

_NUMBERS: Final = (
    "close",
    "stop_loss",
    "take_profit",
    "sl_pips",
    "tp_pips",
    "risk_reward_ratio",
    "atr",
    "fast_ma",
    "slow_ma",
)
FIELDS: Final = (
    "side",
    "arrow",
    "instrument",
    "pair",
    "symbol",
    "timeframe",
    "strategy",
    *_NUMBERS,
    "reason",
    "age",
    "close_time",
    "local_time",
    "zone",
    "session",
    "id",
    "mark",
    "late",
)
"""Names that a template may use."""


MARKS: Final = "a field takes neither ! nor : inside its braces; outside of them both are plain text"


def template_complaint(template: str) -> str:
    """Say what is wrong with a template; empty when nothing is."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"{error}; a brace that is no field is written twice"
    names = [name for _, name, _, _ in parsed if name is not None]
    unknown = [name for name in names if name not in FIELDS]
    if unknown:
        return f"{{{unknown[0][:40]}}} is none of {' '.join(FIELDS)}"
    if any(specification or conversion for _, _, specification, conversion in parsed):
        return MARKS
    return "" if names else "it must hold at least one {field}"


def filled(template: str, told: Told) -> str:
    """Return the template with the signal's values."""
    return template.format_map(values(told))


def values(told: Told) -> Mapping[str, str]:
    """Return what each field of a template stands for."""
    signal, zone = told.signal, told.policy.time_zone
    found = {
        "side": signal.side.name,
        "arrow": ARROWS[signal.side],
        "instrument": signal.instrument,
        "pair": pair(signal),
        "symbol": told.symbol,
        "timeframe": signal.timeframe,
        "strategy": signal.strategy,
        "reason": told.reason,
        "age": told.age,
        "close_time": utc(signal.close_time),
        "local_time": clock(signal.close_time, zone),
        "zone": _zone_at(signal.close_time, zone),
        "session": ", ".join(sessions_at(signal.close_time)),
        "id": signal.id,
        "mark": mark(signal.id),
        "late": "late" if signal.late else "",
    }
    return found | {name: f"{getattr(signal, name):f}" for name in _NUMBERS}


def _zone_at(at: int, time_zone: str) -> str:
    """Name the reader's zone as it is called at an instant: CET, CEST."""
    return (datetime.fromtimestamp(at, ZoneInfo(time_zone)).tzname() or time_zone) if time_zone else "UTC"
