"""Stored forms of outcomes and open signals. Everything read is validated."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from ninja_daemon.adapters.stored.signal import decode_signal, json_object
from ninja_daemon.core.errors import SignalRejected, StateUnreadable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant, parse_written_instant
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.outcomes.following import MOST_OPEN, Book
from ninja_daemon.core.outcomes.outcome import SCHEMA, OpenSignal, Outcome, Result, Terms, opened
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy

_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
_PRICES: Final = ("entry", "stop_loss", "take_profit", "exit")
_FIGURES: Final = ("r", "net_r", "pips", "mfe_r", "mae_r")
_MOST_DECIMALS: Final = 20


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
    if _ID.fullmatch(fields["id"]) is None:
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


def encode_book(book: Book, series: Series) -> str:
    """Write the open signals as one line."""
    followed = "" if book.followed is None else format_instant(book.followed)
    return ";".join([f"{_series(series)} {followed}", *map(_encode_open, book.signals)])


def _series(series: Series) -> str:
    return f"{series.instrument} {series.granularity.name} {series.price.value}"


def _encode_open(one: OpenSignal) -> str:
    terms = one.terms
    return (
        f"{one.id} {format_instant(one.time)} {one.side.name} {one.entry} {one.stop} {one.target} {one.decimals} "
        f"{terms.exit_on_reverse:d} {terms.max_candles} {terms.cost_pips:f} {terms.pip_location} "
        f"{one.candles} {one.high} {one.low}"
    )


def decode_book(text: str, series: Series) -> Book | None:
    """Read the open signals back; None when they are those of another series.

    Raises:
        StateUnreadable: it is not what this version writes.
    """
    head, *rows = text.split(";")
    wanted, _, followed = head.rpartition(" ")
    if wanted != _series(series):
        return None
    try:
        if len(rows) > MOST_OPEN:
            message = f"at most {MOST_OPEN} signals may be open, were {len(rows)}"
            raise StateUnreadable(message)
        return Book(parse_written_instant(followed) if followed else None, tuple(map(_decode_open, rows)))
    except (ValueError, KeyError, TypeError) as error:
        message = f"the open signals must be what was written, were changed: {str(error)[:80]}"
        raise StateUnreadable(message) from error


def _decode_open(row: str) -> OpenSignal:
    id_, time, side, *numbers = row.split(" ")
    if _ID.fullmatch(id_) is None or not all(map(_NUMBER.fullmatch, numbers)):
        message = f"an open signal must be an id, a time, a side and numbers, was {row[:60]!r}"
        raise ValueError(message)
    entry, stop, target, decimals, reverse, most, cost, pip, candles, high, low = numbers
    one = OpenSignal(
        id=id_,
        time=parse_written_instant(time),
        side=Side[side],
        entry=int(entry),
        stop=int(stop),
        target=int(target),
        decimals=int(decimals),
        terms=Terms(bool(int(reverse)), int(most), Decimal(cost), int(pip)),
        candles=int(candles),
        high=int(high),
        low=int(low),
    )
    is_sound = 0 <= one.decimals <= _MOST_DECIMALS and abs(one.terms.pip_location) <= _MOST_DECIMALS
    if not is_sound or one.side * (one.entry - one.stop) <= 0 or not one.low <= one.entry <= one.high:
        message = f"an open signal must not contradict itself, was {row[:120]!r}"
        raise ValueError(message)
    return one


# --- the history of what became of signals ---------------------------------------------------------------------------
#
# A list of two kinds of entries: the terms of a signal when it was listed, and outcomes. Signals are in the history.


def encode_terms(signal_id: str, series: Series, terms: Terms) -> str:
    """Write under which terms a listed signal is followed."""
    return (
        f'{{"id":"{signal_id}","follow":{{"price":"{series.price.value}",'
        f'"exit_on_reverse":{"true" if terms.exit_on_reverse else "false"},"max_candles":{terms.max_candles},'
        f'"cost_pips":{terms.cost_pips:f},"pip_location":{terms.pip_location}}}}}'
    )


class FollowedSignal(NamedTuple):
    """Under which terms a signal is followed, and over which prices."""

    id: str
    price: PriceSide
    terms: Terms


def is_outcome(text: str) -> bool:
    """Tell the two kinds of entries apart."""
    return '"follow":' not in text


def decode_followed(text: str) -> Outcome | FollowedSignal:
    """Read an entry of the history of outcomes.

    Raises:
        SignalRejected: it is neither an outcome nor the terms of a signal.
    """
    fields = json_object(text, "an outcome")
    if is_outcome(text):
        return decode_outcome(text)
    try:
        follow = fields["follow"]
        return FollowedSignal(str(fields["id"]), PriceSide(follow["price"]), decode_terms(follow))
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        message = f"the terms of a signal must be what was written, were changed: {str(error)[:80]}"
        raise SignalRejected(message) from error


def decode_terms(fields: Mapping[str, Any]) -> Terms:
    """Read the terms of a signal; raises the errors of Python's own when they are none."""
    numbers = [int(fields[name]) for name in ("max_candles", "pip_location")]
    return Terms(fields["exit_on_reverse"] is True, numbers[0], Decimal(fields["cost_pips"]), numbers[1])


def unfinished_in(
    signals: Iterable[str], followed: Iterable[str], strategies: Sequence[Strategy]
) -> dict[str, list[OpenSignal]]:
    """Return the signals of a history that are followed and have not ended, by the strategy's name.

    Args:
        signals: of the history; those that cannot be read are left out.
        followed: likewise the history of outcomes.
        strategies: whose signals, and of which series.
    """
    terms: dict[str, FollowedSignal] = {}
    for text in followed:
        with contextlib.suppress(SignalRejected):
            entry = decode_followed(text)
            if isinstance(entry, FollowedSignal):
                terms[entry.id] = entry
            else:
                terms.pop(entry.id, None)
    series = {strategy.name: strategy.series for strategy in strategies}
    unfinished: dict[str, list[OpenSignal]] = {name: [] for name in series}
    for text in signals:
        with contextlib.suppress(SignalRejected):
            signal = decode_signal(text)
            held = terms.get(signal.id)
            if held is None or signal.strategy not in series:
                continue
            own = Series(signal.instrument, Granularity.named(signal.timeframe), held.price)
            if own == series[signal.strategy]:
                unfinished[signal.strategy].append(opened(signal, held.terms))
    return {name: sorted(some, key=lambda one: one.time) for name, some in unfinished.items()}


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
