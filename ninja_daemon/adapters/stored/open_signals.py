"""The stored form of signals that are followed: the book of open ones, and the terms that each was listed under."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from ninja_daemon.adapters.stored.outcome import ID_FORM, MOST_DECIMALS, NUMBER_FORM, decode_outcome
from ninja_daemon.adapters.stored.signal import decode_signal, json_object
from ninja_daemon.core.errors import SignalRejected, StateUnreadable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, parse_written_instant
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.outcomes.following import MOST_OPEN, Book
from ninja_daemon.core.outcomes.open_signal import OpenSignal, Terms, opened
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy


def encode_book(book: Book, series: Series) -> str:
    """Write the open signals as one line."""
    followed = "" if book.followed is None else format_instant(book.followed)
    head = f"{_series(series)} {followed}"
    return ";".join([head, *map(_encode_open, book.signals)]) if book.signals else head


@lru_cache(maxsize=65_536)
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
    if ID_FORM.fullmatch(id_) is None or not all(map(NUMBER_FORM.fullmatch, numbers)):
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
    is_sound = 0 <= one.decimals <= MOST_DECIMALS and abs(one.terms.pip_location) <= MOST_DECIMALS
    if not is_sound or one.side * (one.entry - one.stop) <= 0 or not one.low <= one.entry <= one.high:
        message = f"an open signal must not contradict itself, was {row[:120]!r}"
        raise ValueError(message)
    return one


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
        followed: the same of outcomes.
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
