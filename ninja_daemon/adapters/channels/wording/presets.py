"""Bodies that other systems document for orders: one preset each, written from its public description."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from ninja_daemon.adapters.channels.wording.told import Told
from ninja_daemon.core.market.instant import format_instant, format_moment
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.crossover import Side

Field: TypeAlias = "str | Decimal"
Fields: TypeAlias = Mapping[str, Field]
"""What the user adds, secrets revealed."""
SECRET_FIELDS: Final = frozenset({"license", "secret", "bot_uuid", "token", "password", "key"})
"""Fields that are secrets, wherever they stand."""
Json: TypeAlias = "str | Decimal | Mapping[str, Json]"
_LAG: Final = Decimal(300)
"""Seconds that 3Commas waits at most when nothing is said; the value of its own example."""
_PART: Final = re.compile(r"[^,=\s][^,\r\n]*")


@dataclass(frozen=True, slots=True)
class Preset:
    """What a receiver wants.

    Attributes:
        body: makes it of a signal and the user's fields.
        needs: fields that it cannot do without.
        takes: further fields that it knows; None for any.
        is_json: the body is JSON, else one line of text.
        limit: seconds after the close from which the receiver ignores the order, by the fields; None for none that is
            documented. A late signal is never sent, whatever this says.
        knows_repeats: it drops a second order of the same id, so that one may be sent again.
    """

    body: Callable[[Told, Fields], str]
    needs: tuple[str, ...] = ()
    takes: frozenset[str] | None = None
    is_json: bool = True
    limit: Callable[[Fields], float | None] = lambda _: None
    knows_repeats: bool = False


def _side(told: Told, buy: str = "buy", sell: str = "sell") -> str:
    return buy if told.signal.side is Side.BUY else sell


def json_text(value: Json) -> str:
    """Write JSON whose numbers are decimals in full, never through a binary float."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def _text(field: Field) -> str:
    return f"{field:f}" if isinstance(field, Decimal) else field


def _pineconnector(told: Told, fields: Fields) -> str:
    signal = told.signal
    head = (_text(fields["license"]), _side(told), told.symbol)
    levels = (f"sl_pips={signal.sl_pips:f}", f"tp_pips={signal.tp_pips:f}")
    more = (f"{name}={_text(field)}" for name, field in fields.items() if name != "license")
    return ",".join((*head, *levels, *more))


def _traderspost(told: Told, fields: Fields) -> str:
    signal = told.signal
    return json_text(
        {
            "ticker": told.symbol,
            "action": _side(told),
            "price": signal.close,
            "stopLoss": {"type": "stop", "stopPrice": signal.stop_loss},
            "takeProfit": {"limitPrice": signal.take_profit},
            **fields,
        }
    )


def _copyfactory(told: Told, fields: Fields) -> str:
    signal = told.signal
    return json_text(
        {
            "symbol": told.symbol,
            "type": _side(told, "POSITION_TYPE_BUY", "POSITION_TYPE_SELL"),
            "time": format_moment(signal.close_time),
            "stopLoss": signal.stop_loss,
            "takeProfit": signal.take_profit,
            **fields,
        }
    )


def _three_commas(told: Told, fields: Fields) -> str:
    return json_text(
        {
            "secret": fields["secret"],
            "max_lag": _text(fields.get("max_lag", _LAG)),
            # The close and not the post: by it the receiver, too, finds out how old the order is.
            "timestamp": format_instant(told.signal.close_time),
            "trigger_price": f"{told.signal.close:f}",
            "tv_exchange": fields.get("tv_exchange", "OANDA"),
            "tv_instrument": told.symbol,
            "action": _side(told, "enter_long", "enter_short"),
            "bot_uuid": fields["bot_uuid"],
        }
    )


def _seconds(field: Field) -> float:
    return float(field) if isinstance(field, Decimal) else math.inf


def _coinrule(told: Told, fields: Fields) -> str:
    signal = told.signal
    return json_text(
        {"id": signal.id, "secret": fields["secret"], "symbol": told.symbol, "side": _side(told), "price": signal.close}
    )


PRESETS: Final[Mapping[str, Preset]] = {
    "pineconnector": Preset(_pineconnector, ("license",), is_json=False),
    "traderspost": Preset(_traderspost),
    "copyfactory": Preset(_copyfactory, ("volume",)),
    "3commas": Preset(
        _three_commas,
        ("secret", "bot_uuid"),
        frozenset({"max_lag", "tv_exchange"}),
        limit=lambda fields: _seconds(fields.get("max_lag", _LAG)),
    ),
    "coinrule": Preset(_coinrule, ("secret",), frozenset(), knows_repeats=True),
}


def not_sent_because(preset: Preset, fields: Fields, told: Told, *, repeat: bool) -> str:
    """Say why an order must not be sent; empty when it may be.

    A receiver cannot see that an order is late, nor that it may have been carried out already.
    """
    age = max(0.0, (told.sent_at or told.signal.created_at) - told.signal.close_time)
    if told.signal.late:
        return f"an order {told.age} after the close would be carried out at another price"
    if (limit := preset.limit(fields)) is not None and age > limit:
        return f"the order is {age:.0f} s old, and the receiver ignores those of more than {limit:g} s"
    if repeat and not preset.knows_repeats:
        return "an earlier attempt was not confirmed, and a second one might trade twice; look there whether it arrived"
    return ""


def field_complaints(name: str, fields: Mapping[str, Field | Secret]) -> list[str]:
    """Say what is wrong with the user's fields for a preset."""
    preset, found = PRESETS[name], revealed(fields)
    complaints = [
        f"must have {field} for the preset {name}, was without" for field in preset.needs if field not in found
    ]
    known = None if preset.takes is None else (*preset.needs, *sorted(preset.takes))
    for field, value in found.items():
        if known is not None and field not in known:
            complaints.append(f"must be of {' '.join(known)} for the preset {name}, had {field}")
        elif not preset.is_json and not _PART.fullmatch(_text(value)):
            complaints.append(f"must be without commas and line ends, {field} was not")
        elif field in {"max_lag", "volume"} and not isinstance(value, Decimal):
            complaints.append(f"must have a number as {field}, such as 300 or 0.01, had text")
    return complaints


def revealed(fields: Mapping[str, Field | Secret]) -> Fields:
    """Return the user's fields, secrets revealed."""
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in fields.items()}
