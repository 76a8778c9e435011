"""What was committed of one strategy, and from when on the candles must give what was listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.outcomes.open_signal import Terms
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.signal import Signal, signal_id
from ninja_daemon.core.signals.state import Begin
from ninja_daemon.usecases.ports import Loaded
from ninja_daemon.usecases.proof.derivation import Derived
from ninja_daemon.usecases.proof.noted import Seen


@dataclass(frozen=True, slots=True)
class Record:
    """What was committed of one strategy.

    Attributes:
        loaded: cursor, averages and counts.
        side: of ``signal_state``; None where that is not kept.
        signals: the listed ones of the strategy, oldest first.
        is_cut: the history is full, so older signals may have fallen out of it.
        is_counted: whether counts are kept at all.
        terms: of the signals that are followed, by their ids; those of other strategies may be among them.
        outcomes: those listed of the strategy, by the signals' ids.
        seen: the candles that were noted when they were taken in, oldest first.
        calendar: what the calendar of scheduled news said.
    """

    loaded: Loaded
    side: str | None
    signals: Sequence[Signal]
    is_cut: bool
    is_counted: bool
    terms: Mapping[str, Terms] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    seen: Sequence[Seen] = ()
    calendar: Calendar = NO_CALENDAR


def as_listed(derived: Derived, record: Record) -> Derived:
    """Judge anew, where signals keep a distance, by what was listed when: nothing was before the first start."""
    if not derived.rules.is_spaced:
        return derived
    known, cursor = of_these_settings(derived, record), record.loaded.cursor
    if cursor is not None and len(derived.candles) and cursor <= int(derived.candles.time[-1]):
        since = due_since(derived, record, known)
    else:  # the count of candles from the cursor back leads to the first start only where the candles reach it
        since = min((signal.time for signal in record.signals if signal.id in known), default=None)
    if since is None:
        return derived
    last = max((signal.time for signal in record.signals if signal.time < since), default=None)
    rules = derived.rules.begun(Begin(since, last))
    return replace(derived, rules=rules, result=evaluate(rules, derived.candles))


def of_these_settings(derived: Derived, record: Record) -> set[str]:
    """Return the ids of the listed signals that were made under the settings of now, or of derived ones."""
    strategy, own = derived.rules.strategy, derived.signals()
    return {one.id for one in record.signals if one.id in own or signal_id(strategy, one.time, one.side) == one.id}


def due_since(derived: Derived, record: Record, known: set[str]) -> Instant | None:
    """Return the open of the first candle whose signals had to be listed; None when that is not known.

    That is the first candle after the strategy's first start, after its last signal of other settings, and within what
    the history still holds.
    """
    loaded, times = record.loaded, derived.candles.time
    oldest = record.signals[0].time if record.signals else None
    if loaded.cursor is None:
        return None
    if record.is_counted and not loaded.counts.evaluated:
        return None
    if record.is_counted and len(times) and loaded.cursor <= int(times[-1]):
        end = int(times.searchsorted(loaded.cursor, side="right"))
        since = int(times[max(0, end - loaded.counts.evaluated)]) if end else None
    else:  # counts lead from the cursor back, which the candles must reach
        since = oldest
    if since is None or (record.is_cut and oldest is None):
        return None
    if record.is_cut and oldest is not None:
        since = max(since, oldest)
    return max([since, *(signal.time + 1 for signal in record.signals if signal.id not in known)])
