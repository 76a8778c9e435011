"""The stored form of a silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ninja_daemon.adapters.stored.alert import object_of, refuse
from ninja_daemon.core.market.instant import format_instant, parse_instant
from ninja_daemon.core.messages.routing import Match, Silence
from ninja_daemon.core.signals.crossover import Side


def encode_silence(silence: Silence) -> str:
    """Write a silence as one line of JSON."""
    match = silence.match
    return json.dumps(
        {
            "v": 1,
            "until": format_instant(int(silence.until)),
            "destinations": list(silence.destinations),
            "comment": silence.comment,
            "instrument": list(match.instrument),
            "timeframe": list(match.timeframe),
            "strategy": list(match.strategy),
            "side": match.side.name if match.side else None,
            "late": match.late,
            "min_risk_reward": str(match.min_risk_reward) if match.min_risk_reward is not None else None,
        }
    )


def decode_silence(name: str, text: str) -> Silence | None:
    """Read a silence; None when it cannot be read: better heard twice than silenced by accident."""
    try:
        fields = object_of(text)
        ratio = fields.get("min_risk_reward")
        return Silence(
            id=name,
            match=Match(
                instrument=_names(fields, "instrument"),
                timeframe=_names(fields, "timeframe"),
                strategy=_names(fields, "strategy"),
                side=Side[fields["side"]] if fields.get("side") else None,
                late=fields["late"] if isinstance(fields.get("late"), bool) else None,
                min_risk_reward=Decimal(ratio) if ratio is not None else None,
            ),
            until=float(parse_instant(str(fields["until"]))),
            destinations=_names(fields, "destinations"),
            comment=str(fields.get("comment", "")),
        )
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return None


def _names(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        refuse(name, "a list of texts", value)
    return tuple(value)
