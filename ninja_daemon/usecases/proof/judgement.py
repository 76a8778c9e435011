"""What was committed, judged by the candles as they were taken in, and by those that the broker shows now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.proof.candles_seen import AsSeen, as_seen
from ninja_daemon.usecases.proof.comparison import Comparison, compare, not_derived, signal_difference
from ninja_daemon.usecases.proof.derivation import Derived
from ninja_daemon.usecases.proof.difference import Difference
from ninja_daemon.usecases.proof.kind import DifferenceKind
from ninja_daemon.usecases.proof.record import Record, as_listed


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it.

    Attributes:
        derived: the candles as they were taken in, where that was noted, and what follows from them.
        comparison: with what was committed.
    """

    derived: Derived
    comparison: Comparison


def judge(now: Derived, record: Record, *, to_the_newest: bool) -> Judged:
    """Compare what was committed with the candles as they were taken in, and these with the candles of now.

    A revised candle is one difference, whatever follows from it. Averages that were rebuilt from revised candles are
    those of now, and so are signals found since: what agrees with either version is no difference.

    Args:
        now: the candles as the broker shows them.
        record: what was committed.
        to_the_newest: see ``compare``.
    """
    now = as_listed(now, record)
    seen = as_seen(now, record.seen)
    if not seen.revised and seen.derived is now:
        found = compare(now, record, to_the_newest=to_the_newest)
        return Judged(now, replace(found, differences=[_proven(seen, record, one) for one in found.differences]))
    then = as_listed(seen.derived, record)
    found, other = (compare(each, record, to_the_newest=to_the_newest) for each in (then, now))
    places = {one.time for one in other.differences}
    kept = [_proven(seen, record, one) for one in found.differences if one.time in places]
    kept += [one.difference(now) for one in seen.revised]
    return Judged(then, replace(found, differences=sorted(kept, key=lambda each: each.time or 0)))


def _proven(seen: AsSeen, record: Record, one: Difference) -> Difference:
    """Say that an entry was changed where all its candles stand as they were taken in."""
    derived, cursor = seen.derived, record.loaded.cursor
    place = None if one.time is None else derived.index_of(one.time)
    if one.kind is not DifferenceKind.REVISED or place is None or cursor is None:
        return one
    if one.field.startswith("outcome"):
        first, last = place, derived.candles.number_until(cursor) - 1
    else:
        first, last = place - derived.rules.strategy.warm_up + 1, place
    if not seen.is_witnessed(first, last):
        return one
    _, _, others = one.meaning.partition("; ")
    more = f"; {others}" if others else ""
    meaning = f"the entry was changed: its candles are as they were taken in{more}"
    return replace(one, kind=DifferenceKind.STORED, meaning=meaning)


def verified(now: Derived, record: Record, listed: Signal) -> Difference | None:
    """Return the first difference between a listed signal and what the candles of now give; None when every digit is.

    Where a candle that was noted is another one now, the difference names it.
    """
    now = as_listed(now, record)
    found = _against(now, listed)
    if found is None:
        return None
    seen = as_seen(now, record.seen, since=int(now.candles.time[0]))
    causes = [one for one in seen.revised if one.changes is None or one.changes]
    if not causes or _against(as_listed(seen.derived, record), listed) is not None:
        return found
    first = causes[0]
    more = "" if len(causes) == 1 else f", and {len(causes) - 1} more"
    meaning = (
        f"the candle of {format_instant(first.time)} was revised after it was taken in: {first.field} was {first.was}, "
        f"is {first.now}{more}; {'; '.join(first.changes or ())}"
    )
    return replace(found, kind=DifferenceKind.REVISED, meaning=meaning)


def _against(derived: Derived, listed: Signal) -> Difference | None:
    own = derived.signals().get(listed.id)
    return not_derived(derived, listed) if own is None else signal_difference(derived, listed, own)
