"""What the candles of a wake have made of one strategy, and the commit that writes it down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.following import Book, Followed, follow
from ninja_daemon.core.outcomes.open_signal import opened, terms_of
from ninja_daemon.core.signals.rules import Rules, rules_of
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.usecases.candle_ports import Fetched
from ninja_daemon.usecases.missing_candles import MissingCandles
from ninja_daemon.usecases.ports import Change, Counts
from ninja_daemon.usecases.revisions import ShownCandles, is_revised, known_before, shown_before
from ninja_daemon.usecases.standing import Standing
from ninja_daemon.usecases.wake_result import JudgedCandles, Run, Start, StrategyResult


class NewCandles(NamedTuple):
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
        taken_in: number of candles that count as taken in.
    """

    standing: Standing
    before: StrategyState
    rules: Rules
    candles: Sequence[Candle]
    shown: ShownCandles
    missing: MissingCandles
    held: bool
    awaited: str
    known_before: Sequence[int]
    revised: bool
    taken_in: int


def compared(standing: Standing, before: StrategyState, shown: ShownCandles) -> tuple[Sequence[int], bool]:
    """Return ``known_before`` and ``revised`` of new candles; worked out once, since it is needed twice."""
    counts = standing.loaded.counts if standing.start is Start.STORED else Counts()
    known, larger = known_before(standing.strategy, before, counts), standing.larger
    return known, is_revised(before, known, shown) or (larger is not None and larger.revised)


class After(NamedTuple):
    """What some candles have made of a strategy."""

    state: StrategyState
    crosses: Sequence[Cross]
    signals: Sequence[Signal]
    followed: Followed


def judged(new: NewCandles, found_at: float) -> After:
    """Take the candles in: the state after them, and what they signal."""
    state, crosses = advance_all(new.rules, new.before, new.candles)
    signals = [signal_of(new.rules, one, found_at) for one in crosses if one.rejected_by is None] if crosses else []
    if new.standing.start is Start.FIRST and any(signal.late for signal in signals):  # there is one candle
        signals, state = [], state._replace(signal_at=new.before.signal_at)
    return After(state, crosses, signals, followed(new, signals))


def change_of(new: NewCandles, after: After) -> Change | None:
    """Return what is to be written; None when nothing has changed."""
    standing, loaded = new.standing, new.standing.loaded
    is_stored, last = standing.start is Start.STORED, after.state.last
    if last is None:
        return None
    if not new.taken_in and is_stored and loaded.cursor == standing.cursor and loaded.book == standing.book:
        return None
    # Rebuilt averages do not grow out of the stored ones, however alike their counts are.
    return Change(
        new.rules,
        loaded if is_stored else loaded._replace(state=None),
        after.state,
        _tally(new, after),
        after.signals,
        new.taken_in,
        None if standing.book is None else after.followed.book,
        after.followed.outcomes,
        None if standing.larger is None else standing.larger.state_after(last),
    )


def followed(new: NewCandles, signals: Sequence[Signal]) -> Followed:
    """Take the open signals over the candles; where they are not known they stay so."""
    standing, instrument = new.standing, new.rules.instrument
    if standing.book is None:
        return Followed(Book(), ())
    listed = [opened(signal, terms_of(standing.strategy, instrument, signal)) for signal in signals] if signals else ()
    after = follow(standing.strategy, instrument, standing.book, new.candles, listed)
    return Followed(after.book, [*standing.closed, *after.outcomes]) if standing.closed else after


def _tally(new: NewCandles, after: After) -> Counts:
    """Add candles, and what was noticed about those before them."""
    counts = _counted(new.standing.loaded.counts, after.crosses, after.signals)
    if not new.taken_in:
        return counts
    evaluated, crosses, signals, rejected, revisions, gaps, last_id, last_time, _ = counts
    return Counts(
        evaluated + new.taken_in,
        crosses,
        signals,
        rejected,
        revisions + new.revised,
        gaps + len(new.missing.gaps),
        last_id,
        last_time,
        shown_before(new.before, new.known_before, new.shown, new.candles),
    )


def _counted(counts: Counts, crosses: Sequence[Cross], signals: Sequence[Signal]) -> Counts:
    """Add crosses and the signals among them."""
    if not crosses:
        return counts
    rejected = dict(counts.rejected)
    for cross in crosses:
        if cross.rejected_by is not None:
            rejected[cross.rejected_by.name] = rejected.get(cross.rejected_by.name, 0) + 1
    counts = counts._replace(
        crosses=counts.crosses + len(crosses), signals=counts.signals + len(signals), rejected=rejected
    )
    if signals:
        counts = counts._replace(last_signal_id=signals[-1].id, last_signal_time=signals[-1].time)
    return counts


def quiet_candle(standing: Standing) -> tuple[StrategyResult, Change] | None:
    """Take in the next candle of a strategy where nothing happens at it; None where something may.

    Nearly every candle is one. The result is what ``Evaluation`` makes of it otherwise, by a third of the steps.
    """
    state, instrument, fetched, book = standing.state, standing.instrument, standing.newer, standing.book
    if state is None or state.last is None or instrument is None or fetched is None or book is None:
        return None
    strategy, loaded, last = standing.strategy, standing.loaded, state.last
    known = known_before(strategy, state, loaded.counts)
    if not _is_only_the_next(standing, last, instrument, fetched, known):
        return None
    rules, (candle,) = rules_of(strategy, instrument), fetched.candles
    after, cross = rules.advance(state, candle)
    followed = follow(strategy, instrument, book, fetched.candles, ())
    if cross is not None or followed.outcomes:
        return None
    before = loaded.counts
    counts = before._replace(evaluated=before.evaluated + 1, shown_before=(last.close, *known[:1]))
    change = Change(rules, loaded, after, counts, signals=(), taken_in=1, book=followed.book)
    return _quiet_result(standing, fetched, state, change), change


def _quiet_result(standing: Standing, fetched: Fetched, before: StrategyState, change: Change) -> StrategyResult:
    (candle,), instrument, after = fetched.candles, change.rules.instrument, change.state
    return StrategyResult(
        standing.strategy,
        Start.STORED,
        cursor=candle.time,
        taken_in=1,
        judged=JudgedCandles(fetched.candles, instrument, after),
        sides=(before.side, after.side),
        fetched=standing.fetched,
        forming=fetched.forming,
        newest=candle.time,
        notes=standing.notes,
        counts=change.counts,
        run=Run(instrument, None if before.last is None else before.last.time, fetched.candles),
    )


def _is_only_the_next(
    standing: Standing, last: Candle, instrument: Instrument, fetched: Fetched, known: Sequence[int]
) -> bool:
    """Tell whether the next candle is all that is new, and nothing but the averages and open signals depends on it."""
    shown_in, candles, at_cursor, before, _, rejected, more, _ = fetched
    if len(candles) != 1 or rejected is not None or more or standing.error is not None or standing.closed:
        return False
    if standing.start is not Start.STORED or standing.larger is not None:
        return False
    if (shown_in is not instrument and shown_in != instrument) or (at_cursor is not None and at_cursor != last):
        return False
    if before and [one.close for one in before] != list(known[: len(before)]):
        return False
    return standing.strategy.granularity.close_of(last.time) == candles[0].time
