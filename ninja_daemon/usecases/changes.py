"""What the candles of a wake have made of one strategy, and the commit that writes it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.outcomes.following import Book, Followed, follow
from ninja_daemon.core.outcomes.open_signal import opened, terms_of
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.usecases.gaps import Missing
from ninja_daemon.usecases.ports import Change, Counts
from ninja_daemon.usecases.revisions import Shown, is_revised, known_before, shown_before
from ninja_daemon.usecases.standing import Standing
from ninja_daemon.usecases.wake_result import Start


@dataclass(frozen=True, slots=True)
class NewCandles:
    """The candles of a wake that can be judged now.

    Attributes:
        standing: where the strategy stands.
        before: its state.
        rules: the strategy bound to its instrument and its larger timeframe.
        candles: oldest first, in the digits of the state.
        shown: the candles at and before the cursor, as the broker shows them now.
        missing: candles that never came.
        held: newer candles wait for one that may yet come.
        awaited: what they wait for when it is a larger candle; empty when it is none.
        known_before: closes before the cursor's as they were last shown; a rebuilt state has seen them otherwise.
        revised: the broker shows candles that were taken in otherwise than then, larger ones included.
    """

    standing: Standing
    before: StrategyState
    rules: Rules
    candles: Sequence[Candle]
    shown: Shown
    missing: Missing
    held: bool
    awaited: str
    known_before: Sequence[int]
    revised: bool

    @property
    def taken_in(self) -> int:
        """Number of candles that count as taken in: that of a first start only ends the warm-up."""
        return 0 if self.standing.start is Start.FIRST else len(self.candles)


def compared(standing: Standing, before: StrategyState, shown: Shown) -> tuple[Sequence[int], bool]:
    """Return ``known_before`` and ``revised`` of new candles; worked out once, since it is needed twice."""
    tally = standing.loaded.tally if standing.start is Start.STORED else Counts()
    known, larger = known_before(standing.strategy, before, tally), standing.larger
    return known, is_revised(before, known, shown) or (larger is not None and larger.revised)


@dataclass(frozen=True, slots=True)
class After:
    """What some candles have made of a strategy."""

    state: StrategyState
    crosses: Sequence[Cross]
    signals: Sequence[Signal]
    followed: Followed


def judged(new: NewCandles, found_at: float) -> After:
    """Take the candles in: the state after them, and what they signal."""
    state, crosses = advance_all(new.rules, new.before, new.candles)
    signals = [signal_of(new.rules, cross, found_at) for cross in crosses if cross.rejected_by is None]
    if new.standing.start is Start.FIRST and any(signal.late for signal in signals):  # there is one candle
        signals, state = [], state._replace(signal_at=new.before.signal_at)
    return After(state, crosses, signals, followed(new, signals))


def change_of(new: NewCandles, after: After) -> Change | None:
    """Return what is to be written; None when nothing has changed."""
    standing, loaded = new.standing, new.standing.loaded
    is_stored = standing.start is Start.STORED
    is_elsewhere = loaded.cursor != standing.cursor or loaded.book != standing.book
    if after.state.last is None or (not new.taken_in and is_stored and not is_elsewhere):
        return None
    # Rebuilt averages do not grow out of the stored ones, however alike their counts are.
    return Change(
        new.rules,
        loaded if is_stored else replace(loaded, state=None),
        after.state,
        _tally(new, after),
        after.signals,
        new.taken_in,
        book=None if standing.book is None else after.followed.book,
        outcomes=after.followed.outcomes,
        trend=None if standing.larger is None else standing.larger.state_after(after.state.last),
    )


def followed(new: NewCandles, signals: Sequence[Signal]) -> Followed:
    """Take the open signals over the candles; where they are not known they stay so."""
    standing, instrument = new.standing, new.rules.instrument
    if standing.book is None:
        return Followed(Book(), ())
    listed = [opened(signal, terms_of(standing.strategy, instrument, signal)) for signal in signals]
    after = follow(standing.strategy, instrument, standing.book, new.candles, listed)
    return Followed(after.book, [*standing.closed, *after.outcomes])


def _tally(new: NewCandles, after: After) -> Counts:
    """Add candles, and what was noticed about those before them."""
    tally = _counted(new.standing.loaded.tally, after.crosses, after.signals)
    if not new.taken_in:
        return tally
    return replace(
        tally,
        evaluated=tally.evaluated + new.taken_in,
        revisions=tally.revisions + new.revised,
        gaps=tally.gaps + len(new.missing.gaps),
        shown_before=shown_before(new.before, new.known_before, new.shown, new.candles),
    )


def _counted(tally: Counts, crosses: Sequence[Cross], signals: Sequence[Signal]) -> Counts:
    """Add crosses and the signals among them."""
    if not crosses:
        return tally
    rejected = dict(tally.rejected)
    for cross in crosses:
        if cross.rejected_by is not None:
            rejected[cross.rejected_by.name] = rejected.get(cross.rejected_by.name, 0) + 1
    tally = replace(
        tally, crosses=tally.crosses + len(crosses), signals=tally.signals + len(signals), rejected=rejected
    )
    if signals:
        tally = replace(tally, last_signal_id=signals[-1].id, last_signal_time=signals[-1].time)
    return tally
