"""Stored forms: signals as JSON with every digit, averages as readable fields. Everything read is validated."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final

from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, format_moment, parse_instant
from ninja_daemon.core.market.instrument import is_instrument_name
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import SCHEMA, Signal

MAX_SIGNAL_BYTES: Final = 8_192
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_STRATEGY_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z", re.ASCII)
_PRICES: Final = ("close", "fast_ma", "slow_ma", "atr", "stop_loss", "take_profit")
_RATIOS: Final = ("sl_pips", "tp_pips", "risk_reward_ratio")
_SPREAD: Final = "spread_pips"
_CALENDAR_OLD: Final = "calendar_old"
_LONGEST_NUMBER: Final = 40


def encode_signal(signal: Signal) -> str:
    """Write a signal as one line of JSON (contract 3), prices in full decimal and never through a binary float."""
    texts = {"schema": str(SCHEMA), "id": json.dumps(signal.id), "strategy": json.dumps(signal.strategy)}
    texts["instrument"] = json.dumps(signal.instrument)
    texts["timeframe"] = json.dumps(signal.timeframe)
    texts["time"] = json.dumps(format_instant(signal.time))
    texts["close_time"] = json.dumps(format_instant(signal.close_time))
    texts["signal"] = str(int(signal.side))
    texts["side"] = json.dumps(signal.side.name)
    for name in (*_PRICES, *_RATIOS):
        texts[name] = format(getattr(signal, name), "f")
    texts["late"] = "true" if signal.late else "false"
    texts["created_at"] = json.dumps(format_moment(signal.created_at))
    if signal.spread_pips is not None:
        texts[_SPREAD] = format(signal.spread_pips, "f")
    if signal.calendar_old:
        texts[_CALENDAR_OLD] = "true"
    return "{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}"


def decode_signal(text: str | bytes) -> Signal:
    """Read an entry of the signals list.

    Raises:
        SignalRejected: it is not a signal of schema 1; the text says which field, and what it must be.
    """
    fields = json_object(text)
    if fields.get("schema") != SCHEMA:
        message = f"schema must be {SCHEMA}, was {str(fields.get('schema'))[:40]}"
        raise SignalRejected(message)
    try:
        return _signal(fields)
    except KeyError as error:
        message = f"the field {error.args[0]!r} must be there, was missing"
        raise SignalRejected(message) from error
    except (ValueError, ArithmeticError, TypeError) as error:
        raise SignalRejected(str(error)) from error


def json_object(text: str | bytes, what: str = "a signal") -> dict[str, Any]:
    """Read a JSON object whose numbers are decimals.

    Raises:
        SignalRejected: it is too long, or is none.
    """
    if len(text) > MAX_SIGNAL_BYTES:
        message = f"{what} must be at most {MAX_SIGNAL_BYTES} bytes, was {len(text)}"
        raise SignalRejected(message)
    try:
        fields = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        message = f"{what} must be a JSON object, was {text[:60]!r}"
        raise SignalRejected(message) from error
    if not isinstance(fields, dict):
        message = f"{what} must be a JSON object, was {text[:60]!r}"
        raise SignalRejected(message)
    return fields


def _number(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER:
        message = f"a number must have at most {_LONGEST_NUMBER} characters, was {text[:20]}…"
        raise ValueError(message)
    number = Decimal(text)
    if number and not -_LONGEST_NUMBER <= number.adjusted() <= _LONGEST_NUMBER:
        message = f"a number must be of ordinary size, was {text}"
        raise ValueError(message)
    return number


def _refuse_constant(text: str) -> Decimal:
    message = f"a number must be finite, was {text}"
    raise ValueError(message)


def _signal(fields: dict[str, Any]) -> Signal:
    side = _side(fields)
    if fields["side"] != side.name:
        message = f"side must be {side.name} for signal {side.value}, was {str(fields['side'])[:20]!r}"
        raise ValueError(message)
    instrument = _text(fields, "instrument")
    if not is_instrument_name(instrument):
        message = f"instrument must be a name like EUR_USD, was {instrument!r}"
        raise ValueError(message)
    if not isinstance(fields["late"], bool):
        message = f"late must be true or false, was {str(fields['late'])[:20]!r}"
        raise TypeError(message)
    numbers: dict[str, Any] = {name: _decimal(fields, name) for name in (*_PRICES, *_RATIOS)}
    return Signal(
        id=_matching(fields, "id", _ID, "32 hex digits"),
        strategy=_matching(fields, "strategy", _STRATEGY_NAME, "a name of letters, digits, _ . -"),
        instrument=instrument,
        timeframe=Granularity.named(_text(fields, "timeframe")).name,
        time=parse_instant(_text(fields, "time")),
        close_time=parse_instant(_text(fields, "close_time")),
        side=side,
        late=fields["late"],
        created_at=_moment(_text(fields, "created_at")),
        spread_pips=_decimal(fields, _SPREAD) if _SPREAD in fields else None,
        calendar_old=fields.get(_CALENDAR_OLD) is True,
        **numbers,
    )


def _side(fields: dict[str, Any]) -> Side:
    number = _decimal(fields, "signal")
    if number not in {1, -1}:
        message = f"signal must be 1 or -1, was {number}"
        raise ValueError(message)
    return Side(int(number))


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        message = f"{name} must be text, was {str(value)[:40]!r}"
        raise TypeError(message)
    return value


def _matching(fields: dict[str, Any], name: str, pattern: re.Pattern[str], meaning: str) -> str:
    value = _text(fields, name)
    if pattern.fullmatch(value) is None:
        message = f"{name} must be {meaning}, was {value[:80]!r}"
        raise ValueError(message)
    return value


def _decimal(fields: dict[str, Any], name: str) -> Decimal:
    value = fields[name]
    if not isinstance(value, Decimal):
        message = f"{name} must be a number, was {str(value)[:40]!r}"
        raise TypeError(message)
    return value


def _moment(text: str) -> float:
    match = _MOMENT.fullmatch(text)
    if match is None:
        message = f"created_at must look like 2025-08-10T14:30:00.113Z, was {text[:40]!r}"
        raise ValueError(message)
    return (parse_instant(match[1] + "Z") * 1000 + int(match[2])) / 1000
