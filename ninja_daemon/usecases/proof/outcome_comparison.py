"""The listed outcomes of a strategy, held against what its candles make of its signals (contract 8 and 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.outcomes.history import opened_over
from ninja_daemon.core.outcomes.open_signal import OpenSignal, opened
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.proof.derivation import Derived
from ninja_daemon.usecases.proof.difference import Difference, difference
from ninja_daemon.usecases.proof.kind import DifferenceKind
from ninja_daemon.usecases.proof.record import Record


def outcome_differences(derived: Derived, record: Record) -> Iterator[Difference]:
    """Compare the outcomes of the signals of the candles that were asked for."""
    times = derived.candles.time[derived.start : derived.stop]
    if record.loaded.cursor is None or not len(times):
        return
    first, last = int(times[0]), int(times[-1])
    signals = _followed(derived, record)
    own = outcomes_of(derived, record)
    for signal in signals.values():
        if first <= signal.time <= last:
            yield from _one(derived, signal, record.outcomes.get(signal.id), own.get(signal.id))
    if record.is_cut:
        return
    for outcome in record.outcomes.values():
        if outcome.id not in signals and outcome.id not in record.terms and first <= outcome.time <= last:
            meaning = "nothing says that its signal was ever followed: the entry is not the daemon's"
            yield difference(derived, DifferenceKind.EXTRA, outcome.time, "outcome", outcome.id, "-", meaning=meaning)


def _followed(derived: Derived, record: Record) -> dict[str, Signal]:
    """Return the signals that are followed, as they were listed, by id in the order of their candles.

    One that is derived otherwise, or not listed any more, is taken from its outcome.
    """
    own, listed = derived.signals(), {signal.id: signal for signal in record.signals}
    found: list[Signal] = []
    for id_ in record.terms.keys() & (own.keys() | listed.keys()):
        versions = [one for one in (listed.get(id_), own.get(id_)) if one is not None]
        outcome = record.outcomes.get(id_)
        sound = [one for one in versions if outcome is None or _began(one) == _entered(outcome)]
        found += [one for one in (sound or versions)[:1] if derived.index_of(one.time) is not None]
    return {one.id: one for one in sorted(found, key=lambda one: one.time)}


def _began(signal: Signal) -> tuple[object, ...]:
    return signal.side, signal.close, signal.stop_loss, signal.take_profit


def _entered(outcome: Outcome) -> tuple[object, ...]:
    return outcome.side, outcome.entry, outcome.stop_loss, outcome.take_profit


def outcomes_of(derived: Derived, record: Record) -> Mapping[str, Outcome]:
    """Follow the signals over the candles up to the cursor; return how they ended, by id."""
    begun = [opened(signal, record.terms[signal.id]) for signal in _followed(derived, record).values()]
    instrument, cursor = derived.rules.instrument, record.loaded.cursor
    decimals = max([instrument.decimals, *(one.decimals for one in begun)])
    until = len(derived.candles) if cursor is None else derived.candles.number_until(cursor)
    candles = derived.candles.part(0, until)
    if decimals > instrument.decimals:
        candles = candles.times(10 ** (decimals - instrument.decimals))
    newest = int(candles.time[-1]) if len(candles) else -1
    at_once: list[OpenSignal] = [one.at_decimals(decimals) for one in begun if one.time <= newest]
    if not at_once:
        return {}
    return {one.id: one for one in opened_over(derived.rules.strategy, candles, at_once).outcomes}


def _one(derived: Derived, signal: Signal, listed: Outcome | None, own: Outcome | None) -> Iterator[Difference]:
    if listed is None and own is not None:
        ended = f"{own.result.value} at {format_instant(own.exit_time)}"
        meaning = "the signal has ended and no outcome is listed: it was removed, or a candle was revised"
        yield difference(derived, DifferenceKind.MISSING, signal.time, "outcome", "-", ended, meaning=meaning)
    elif listed is not None and own is None and listed.exit_time <= _known_until(derived):
        ended = f"{listed.result.value} at {format_instant(listed.exit_time)}"
        meaning = "the candles do not end the signal: one of them was revised, or the entry is not the daemon's"
        yield difference(derived, DifferenceKind.EXTRA, signal.time, "outcome", ended, "-", meaning=meaning)
    elif listed is not None and own is not None:
        changed = [name for name in Outcome._fields if getattr(listed, name) != getattr(own, name)]
        if changed:
            yield _changed(derived, signal.time, changed, listed, own)


def _known_until(derived: Derived) -> Instant:
    return derived.rules.strategy.granularity.close_of(int(derived.candles.time[-1]))


def _changed(derived: Derived, time: Instant, changed: list[str], listed: Outcome, own: Outcome) -> Difference:
    more = f"; also: {', '.join(changed[1:])}" if len(changed) > 1 else ""
    was, now = _text(getattr(listed, changed[0])), _text(getattr(own, changed[0]))
    kind = DifferenceKind.STORED if not more else DifferenceKind.REVISED
    meaning = f"a candle behind the outcome was revised, or the entry was changed{more}"
    if kind is DifferenceKind.STORED:
        meaning = "the entry in the history of outcomes was changed"
    return difference(derived, kind, time, f"outcome {changed[0]}", was, now, meaning=meaning)


def _text(value: object) -> str:
    if isinstance(value, Side):
        return value.name
    return format_instant(value) if isinstance(value, int) and value > 10**8 else str(value)
