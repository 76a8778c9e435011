"""The candles as they were taken in, and those that the broker shows otherwise now (contract 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns, Integers
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.proof.derivation import Derived
from ninja_daemon.usecases.proof.difference import Difference, difference
from ninja_daemon.usecases.proof.kind import DifferenceKind
from ninja_daemon.usecases.proof.noted import Seen

_MOST: Final = 10
"""Revised candles of which it is worked out what each changes."""
_NOTHING: Final = "no signal would be another"
_PRICES: Final = ("open", "high", "low", "close")


class Revision(NamedTuple):
    """A candle that the broker shows otherwise than it was taken in.

    Attributes:
        time: its open.
        field: what differs, the close before all others.
        was: its value when it was taken in.
        now: that of now, ``-`` for nothing.
        what: what the broker did.
        changes: what would be otherwise if this candle alone were as it is now; None where that was not worked out.
    """

    time: Instant
    field: str
    was: str
    now: str
    what: str
    changes: Sequence[str] | None

    def difference(self, derived: Derived) -> Difference:
        """Return it as a difference, with what it means."""
        effect = "" if self.changes is None else f"; with it as it is now {'; '.join(self.changes) or _NOTHING}"
        meaning = f"{self.what}: the first version counts{effect}"
        return difference(derived, DifferenceKind.REVISED, self.time, self.field, self.was, self.now, meaning=meaning)


@dataclass(frozen=True, slots=True)
class AsSeen:
    """A history in which every candle that was noted stands as it was taken in.

    Attributes:
        derived: the rules over it.
        revised: candles that the broker shows otherwise now.
        witnessed: by candle of the history, how many up to it were noted.
    """

    derived: Derived
    revised: Sequence[Revision]
    witnessed: Integers

    def is_witnessed(self, first: int, last: int) -> bool:
        """Tell whether all candles from one index to another, both included, stand as they were taken in."""
        before = int(self.witnessed[first - 1]) if first > 0 else 0
        return first >= 0 and int(self.witnessed[last]) - before == last - first + 1


def as_seen(now: Derived, seen: Sequence[Seen], since: Instant | None = None) -> AsSeen:
    """Put what was noted in the place of what the broker shows.

    Args:
        now: the history as the broker shows it.
        seen: what was noted.
        since: open of the first candle whose revision is told; None for the first that was asked for.
    """
    noted = _columns(now, seen)
    candles, revised = now.candles.overlaid(noted)
    witnessed = candles.numbers_in(noted)
    if not revised:
        return AsSeen(now, (), witnessed)
    then = _over(now, candles)
    first, last = (_opened(now), _closed(now)) if now.start < now.stop else (0, -1)
    told = [one for one in revised if (first if since is None else since) <= one.time <= last]
    return AsSeen(then, [_revision(now, then, noted, one, place) for place, one in enumerate(told)], witnessed)


def _columns(now: Derived, seen: Sequence[Seen]) -> CandleColumns:
    """Return the notes of the series, within the history, in its decimals."""
    series, decimals = str(now.rules.strategy.series), now.rules.instrument.decimals
    first, last = (int(now.candles.time[0]), int(now.candles.time[-1])) if len(now.candles) else (0, -1)
    return CandleColumns.of(
        Candle(one.candle.time, *(price * 10 ** (decimals - one.decimals) for price in one.candle[1:]))
        for one in seen
        if one.series == series and one.decimals <= decimals and first <= one.candle.time <= last
    )


def _over(now: Derived, candles: CandleColumns) -> Derived:
    """Run the rules over other candles; the same span of them is asked for."""
    start, stop = now.start, now.stop
    if now.start < now.stop:
        start = int(candles.time.searchsorted(_opened(now)))
        stop = int(candles.time.searchsorted(_closed(now), side="right"))
    return replace(now, candles=candles, result=evaluate(now.rules, candles), start=start, stop=stop)


def _opened(now: Derived) -> int:
    return int(now.candles.time[now.start])


def _closed(now: Derived) -> int:
    return int(now.candles.time[now.stop - 1])


# --- what a revision means -------------------------------------------------------------------------------------------


def _revision(now: Derived, then: Derived, noted: CandleColumns, was: Candle, place: int) -> Revision:
    index, decimals = now.index_of(was.time), now.rules.instrument.decimals
    changes = _effect(now, then, noted, was) if place < _MOST else None
    if index is None:
        return Revision(
            was.time, "candle", _price(was.close, decimals), "-", "the broker took the candle back", changes
        )
    shown = now.candles.candle(index)
    changed = [name for name in _PRICES if getattr(was, name) != getattr(shown, name)]
    field = "close" if "close" in changed else changed[0]
    others = ", ".join(name for name in changed if name != field)
    what = "the broker changed the candle after it was taken in" + (f", {others} too" if others else "")
    before, after = (_price(getattr(candle, field), decimals) for candle in (was, shown))
    return Revision(was.time, field, before, after, what, changes)


def _effect(now: Derived, then: Derived, noted: CandleColumns, was: Candle) -> Sequence[str]:
    """Say which signals would be otherwise if this candle alone were as the broker shows it now."""
    alone, _ = now.candles.overlaid(noted.without(was.time))
    return list(_changes(then.signals(), _over(now, alone).signals()))


def _changes(before: Mapping[str, Signal], after: Mapping[str, Signal]) -> Iterator[str]:
    for word, some in (
        ("would not be there", [one for key, one in before.items() if key not in after]),
        ("would be new", [one for key, one in after.items() if key not in before]),
    ):
        if some:
            yield f"{_named(some)} {word}"
    other = [one for key, one in before.items() if key in after and _numbers(one) != _numbers(after[key])]
    if other:
        yield f"{_named(other)} would have other numbers"


def _named(signals: Sequence[Signal]) -> str:
    first = f"{signals[0].side.name} of {format_instant(signals[0].time)}"
    return first if len(signals) == 1 else f"{counted(len(signals), 'signal')} from {first} on"


def _numbers(signal: Signal) -> tuple[object, ...]:
    return signal.close, signal.fast_ma, signal.slow_ma, signal.atr, signal.stop_loss, signal.take_profit


def _price(units: int, decimals: int) -> str:
    return str(Decimal(units).scaleb(-decimals))
