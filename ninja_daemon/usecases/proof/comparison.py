"""What was committed of a strategy, held against what the broker's candles give now (contract 9).

The first complete version of a candle is final (contract 4.1), so a candle that the broker changed afterwards is a
difference, too: it is reported, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal, signal_id
from ninja_daemon.usecases.proof.derivation import Derived
from ninja_daemon.usecases.proof.difference import Difference, difference
from ninja_daemon.usecases.proof.kind import DifferenceKind
from ninja_daemon.usecases.proof.outcome_comparison import outcome_differences
from ninja_daemon.usecases.proof.record import Record, due_since, of_these_settings
from ninja_daemon.usecases.proof.stored_state import state_differences

COMPARED: Final = (
    *("instrument", "timeframe", "close_time", "side", "close", "fast_ma", "slow_ma", "atr"),
    *("stop_loss", "take_profit", "sl_pips", "tp_pips", "risk_reward_ratio"),
)
"""Fields of a signal that its candles and its settings decide; ``late`` and ``created_at`` say when it was found."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it.

    Attributes:
        differences: by candle; empty when all is as the candles say.
        since: open of the first candle whose signals had to be listed; None when that is not known.
        other_settings: listed signals whose ids were made under other settings; they are not compared.
        ahead: candles that the broker has behind the cursor.
    """

    differences: Sequence[Difference]
    since: Instant | None
    other_settings: int
    ahead: int


def compare(derived: Derived, record: Record, *, to_the_newest: bool) -> Comparison:
    """Compare cursor, side, averages and listed signals, as far as they lie in the candles that were asked for.

    Args:
        derived: the candles and what follows from them.
        record: what was committed.
        to_the_newest: the candles reach to the broker's newest, so that a cursor behind their end is a difference.
    """
    found = [*_unreadable(derived, record), *_cursor(derived, record, to_the_newest=to_the_newest)]
    state = record.loaded.state
    if state is not None and state.last is not None:
        index = derived.index_of(state.last.time)
        if index is not None and derived.start <= index < derived.stop:
            loaded = record.loaded
            found += state_differences(derived, state, loaded.instrument, loaded.trend, record.side, index)
    known = of_these_settings(derived, record)
    since = due_since(derived, record, known)
    found += _signals(derived, record, known, since)
    found += outcome_differences(derived, record)
    cursor = record.loaded.cursor
    ahead = 0 if cursor is None else len(derived.candles) - int(derived.candles.time.searchsorted(cursor, side="right"))
    return Comparison(sorted(found, key=lambda each: each.time or 0), since, len(record.signals) - len(known), ahead)


# --- what is stored --------------------------------------------------------------------------------------------------


def _unreadable(derived: Derived, record: Record) -> Iterator[Difference]:
    for note in record.loaded.notes:
        meaning = "the daemon makes it again from the broker's history at its next wake"
        yield difference(derived, DifferenceKind.STORED, None, "state", note, "-", meaning=meaning)


def _cursor(derived: Derived, record: Record, *, to_the_newest: bool) -> Iterator[Difference]:
    cursor, state, times = record.loaded.cursor, record.loaded.state, derived.candles.time
    if cursor is None:
        return
    is_inside = int(times[0]) <= cursor and (to_the_newest or cursor <= int(times[-1]))
    if is_inside and derived.index_of(cursor) is None:
        meaning = "there is no complete candle of it now: the cursor was changed, or the candle was taken back"
        yield difference(derived, DifferenceKind.STORED, cursor, "cursor", format_instant(cursor), "-", meaning=meaning)
    elif state is not None and state.last is not None and state.last.time != cursor:
        meaning = "cursor and averages were not committed together: the candles between them are taken in again"
        last = format_instant(state.last.time)
        yield difference(
            derived, DifferenceKind.STORED, cursor, "cursor", format_instant(cursor), last, meaning=meaning
        )


# --- listed signals --------------------------------------------------------------------------------------------------


def _signals(derived: Derived, record: Record, known: set[str], since: Instant | None) -> Iterator[Difference]:
    expected, cursor = derived.signals(), record.loaded.cursor
    listed = {signal.id: signal for signal in record.signals}
    for signal in expected.values():
        if signal.id in listed:
            changed = signal_difference(derived, listed[signal.id], signal)
            if changed is not None:
                yield changed
        elif since is not None and cursor is not None and since <= signal.time <= cursor:
            meaning = "the candles give a signal that was not listed: it was removed, or a candle was revised"
            yield difference(derived, DifferenceKind.MISSING, signal.time, "id", "-", signal.id, meaning=meaning)
    asked = derived.candles.time[derived.start : derived.stop]
    for signal in record.signals:
        is_asked = len(asked) and int(asked[0]) <= signal.time <= int(asked[-1])
        if is_asked and signal.id in known and signal.id not in expected:
            yield not_derived(derived, signal)


def not_derived(derived: Derived, signal: Signal) -> Difference:
    """Return the difference of a listed signal that the candles do not give."""
    own = signal_id(derived.rules.strategy, signal.time, signal.side)
    if own != signal.id:
        meaning = "the id was made under other settings, or was changed"
        return difference(derived, DifferenceKind.STORED, signal.time, "id", signal.id, own, meaning=meaning)
    meaning = "the candles give no signal there now: one of them was revised, or the entry is not the daemon's"
    return difference(derived, DifferenceKind.EXTRA, signal.time, "id", signal.id, "-", meaning=meaning)


def signal_difference(derived: Derived, listed: Signal, own: Signal) -> Difference | None:
    """Return the first field in which a listed signal is not what the candles give; None when every digit is."""
    changed = [name for name in COMPARED if getattr(listed, name) != getattr(own, name)]
    # Spreads are looked at only where settings need them, and such settings may have come later.
    if None not in {listed.spread_pips, own.spread_pips} and listed.spread_pips != own.spread_pips:
        changed.append("spread_pips")
    if not changed:
        return None
    # A candle enters several fields; one alone cannot come from a candle.
    is_one = len(changed) == 1
    others = f"also: {', '.join(changed[1:])}"
    meaning = "the entry in the history was changed"
    if not is_one:
        meaning = f"a candle behind it was revised, or the entry was changed; {others}"
    was, now = _text(listed, changed[0]), _text(own, changed[0])
    kind = DifferenceKind.STORED if is_one else DifferenceKind.REVISED
    return difference(derived, kind, own.time, changed[0], was, now, meaning=meaning)


def _text(signal: Signal, field: str) -> str:
    value = getattr(signal, field)
    if isinstance(value, Side):
        return value.name
    return format_instant(value) if field == "close_time" else str(value)
