"""Stored forms of outcomes and open signals. Everything read is validated."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ninja_daemon.adapters.stored.signal import decode_signal, json_object
from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import SCHEMA, Outcome
from ninja_daemon.core.signals.crossover import Side

ID_FORM: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
NUMBER_FORM: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
_PRICES: Final = ("entry", "stop_loss", "take_profit", "exit")
_FIGURES: Final = ("r", "net_r", "pips", "mfe_r", "mae_r")
MOST_DECIMALS: Final = 20


def encode_outcome(outcome: Outcome) -> str:
    """Write an outcome as one line of JSON (contract 8.3), numbers in full decimal."""
    one = outcome
    return (
        f'{{"schema":{SCHEMA},"id":"{one.id}","strategy":{json.dumps(one.strategy)},'
        f'"instrument":{json.dumps(one.instrument)},"timeframe":"{one.timeframe}","side":"{one.side.name}",'
        f'"time":"{format_instant(one.time)}","close_time":"{format_instant(one.close_time)}",'
        f'"entry":{one.entry:f},"stop_loss":{one.stop_loss:f},"take_profit":{one.take_profit:f},'
        f'"result":"{one.result.value}","exit":{one.exit:f},"exit_time":"{format_instant(one.exit_time)}",'
        f'"candles":{one.candles},"r":{one.r:f},"net_r":{one.net_r:f},"pips":{one.pips:f},'
        f'"mfe_r":{one.mfe_r:f},"mae_r":{one.mae_r:f},"ambiguous":{"true" if one.ambiguous else "false"}}}'
    )


def decode_outcome(text: str | bytes) -> Outcome:
    """Read an entry of the outcomes list.

    Raises:
        SignalRejected: it is not an outcome of schema 1; the text says which field, and what it must be.
    """
    fields = json_object(text, "an outcome")
    if fields.get("schema") != SCHEMA:
        message = f"schema must be {SCHEMA}, was {str(fields.get('schema'))[:40]}"
        raise SignalRejected(message)
    try:
        return _outcome(fields)
    except KeyError as error:
        message = f"the field {error.args[0]!r} must be there and known, was {str(error.args[0])[:40]!r}"
        raise SignalRejected(message) from error
    except (ValueError, ArithmeticError, TypeError, AttributeError) as error:
        raise SignalRejected(str(error)[:200]) from error


def _outcome(fields: dict[str, Any]) -> Outcome:
    for name in (*_PRICES, *_FIGURES, "candles"):
        if not isinstance(fields[name], Decimal):
            message = f"{name} must be a number, was {str(fields[name])[:40]!r}"
            raise TypeError(message)
    for name in ("id", "strategy", "instrument"):
        if not isinstance(fields[name], str):
            message = f"{name} must be text, was {str(fields[name])[:40]!r}"
            raise TypeError(message)
    if ID_FORM.fullmatch(fields["id"]) is None:
        message = f"id must be 32 hex digits, was {fields['id'][:80]!r}"
        raise ValueError(message)
    numbers = {name: fields[name] for name in (*_PRICES, *_FIGURES)}
    return Outcome(
        id=fields["id"],
        strategy=fields["strategy"],
        instrument=fields["instrument"],
        timeframe=Granularity.named(fields["timeframe"]).name,
        side=Side[fields["side"]],
        result=Result(fields["result"]),
        candles=int(fields["candles"]),
        ambiguous=fields["ambiguous"] is True,
        time=parse_instant(fields["time"]),
        close_time=parse_instant(fields["close_time"]),
        exit_time=parse_instant(fields["exit_time"]),
        **numbers,
    )


# --- what is open ----------------------------------------------------------------------------------------------------
#
# One field of ``signal_state``: the series and the newest candle taken over, then for each open signal, parted by ";":
# id time side entry stop target decimals reverse max_candles cost pip candles high low
# Prices are integers in units of 10**-decimals; reverse is 0 or 1.


# --- the history of what became of signals ---------------------------------------------------------------------------
#
# A list of two kinds of entries: the terms of a signal when it was listed, and outcomes. Signals are in the history.


def last_listed_in(
    signals: Sequence[Any], until: Mapping[str, Instant | None], *, is_cut: bool
) -> dict[str, Instant | None]:
    """Return the open of the candle of the last signal of each strategy in a history.

    Args:
        signals: of the history; those that cannot be read are left out.
        until: open of the last candle that counts, by strategy name; None for any.
        is_cut: older signals may have fallen out of it, so that a strategy that is not in it is not known.
    """
    found: dict[str, Instant | None] = {} if is_cut else dict.fromkeys(until)
    for text in signals:
        with contextlib.suppress(SignalRejected):
            signal = decode_signal(text)
            end = until.get(signal.strategy)
            if signal.strategy in until and (end is None or signal.time <= end):
                found[signal.strategy] = max(signal.time, found.get(signal.strategy) or 0)
    return found
