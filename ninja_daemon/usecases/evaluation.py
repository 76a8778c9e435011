"""What the candles of a wake mean for one strategy: its new state, its signals, and how both are to be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ninja_daemon.core.errors import HistoryGap, NinjaError, PlugInFailed, StateError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.following import Book, Followed, follow
from ninja_daemon.core.outcomes.open_signal import opened, terms_of
from ninja_daemon.core.signals.rules import Rules, rules_of
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched
from ninja_daemon.usecases.gaps import Missing, missing_candles
from ninja_daemon.usecases.larger_candles import Judgeable
from ninja_daemon.usecases.ports import Change, Clock, Counts
from ninja_daemon.usecases.revisions import Shown, is_revised, known_before, scaled, shown_before
from ninja_daemon.usecases.standing import Standing
from ninja_daemon.usecases.wake_result import Start, StrategyResult


@dataclass(frozen=True, slots=True)
class Work:
    """A strategy's evaluation: what to write, and what to say when it is written."""

    standing: Standing
    outcome: StrategyResult
    change: Change | None = None


class OtherPrices(TransientError):
    """The broker's prices have more digits than the stored averages; they are rebuilt."""


@dataclass(frozen=True, slots=True)
class _New:
    """The candles of a wake that can be judged now.

    Attributes:
        rules: the strategy bound to its instrument and its larger timeframe.
        candles: oldest first, in the digits of the state.
        shown: the candles at and before the cursor, as the broker shows them now.
        missing: candles that never came.
        held: newer candles wait for one that may yet come.
        awaited: what they wait for, when it is a larger candle.
    """

    rules: Rules
    candles: Sequence[Candle]
    shown: Shown
    missing: Missing
    held: bool
    awaited: str = ""


class Evaluation:
    """Evaluates strategies, for one wake."""

    def __init__(self, source: CandleSource, clock: Clock, *, hold_gaps: bool) -> None:
        """Choose whom to ask about gaps, and whether to wait for what is missing."""
        self._source = source
        self._clock = clock
        self._hold_gaps = hold_gaps

    def of(self, standing: Standing) -> Work:
        """Evaluate what the broker sent for a strategy."""
        if standing.state is None or standing.instrument is None:
            return Work(standing, result_of(standing, standing.error or StateError("nothing is known of it")))
        if standing.error is not None and standing.start is not Start.REBUILT:
            return Work(standing, result_of(standing, standing.error))
        fetched, larger = standing.newer or Fetched(standing.instrument), standing.larger
        has_more_digits = fetched.instrument.decimals > standing.instrument.decimals
        if has_more_digits or (larger is not None and larger.has_more_digits):
            return Work(standing, result_of(standing, OtherPrices("the broker's prices have more digits than before")))
        new = self._new(standing, standing.state, standing.instrument.decimals, fetched)
        try:
            return new if isinstance(new, Work) else self._advance(standing, standing.state, new)
        except PlugInFailed as error:
            return Work(standing, result_of(standing, error))

    def _new(self, standing: Standing, state: StrategyState, decimals: int, fetched: Fetched) -> _New | Work:
        """Find out which candles can be judged; where not even the state before them is known, say what is lacking."""
        # Few prices may show fewer digits than the instrument has; a pip guessed from these would be wrong.
        fewer = fetched.instrument.decimals < decimals
        instrument = standing.instrument if fewer and standing.instrument is not None else fetched.instrument
        factor = 10 ** (decimals - fetched.instrument.decimals)
        candles: Sequence[Candle] = [scaled(candle, factor) for candle in fetched.candles]
        missing = missing_candles(standing.strategy, state.last, candles, partial(self._had_prices, standing))
        is_held = self._hold_gaps and missing.held_from is not None
        candles = candles[: missing.held_from] if is_held else candles
        rules, awaited = rules_of(standing.strategy, instrument), ""
        if standing.larger is not None:
            judgeable = standing.larger.judgeable(state.last, candles, hold_gaps=self._hold_gaps)
            if judgeable.awaited is not None:
                awaited = standing.larger.waiting_for(judgeable.awaited)
                if not judgeable.knows_start or standing.start is Start.FIRST:
                    return self._waiting(standing, awaited)
            rules = rules.seeing(standing.larger.trend(instrument.decimals))
            candles, missing = candles[: judgeable.count], _with_gaps(missing, judgeable)
        return _New(rules, candles, Shown(fetched, factor), missing, is_held, awaited)

    def _waiting(self, standing: Standing, awaited: str) -> Work:
        error = standing.error or self._lacking(standing, awaited)
        outcome = replace(result_of(standing, error), awaited=awaited, held=error is None, newest=_newest(standing))
        return Work(standing, outcome)

    def _lacking(self, standing: Standing, awaited: str) -> NinjaError | None:
        """Return why a larger candle is not there; None while it may come any moment."""
        if standing.larger is not None and standing.larger.error is not None:
            return standing.larger.error
        return None if self._hold_gaps else TransientError(awaited)

    def _had_prices(self, standing: Standing, start: Instant, end: Instant) -> bool:
        try:
            return self._source.had_prices(standing.strategy.series, start, end)
        except NinjaError as error:
            standing.notes.append(f"whether a missing candle was quiet could not be found out: {error}")
            return False

    def _advance(self, standing: Standing, before: StrategyState, new: _New) -> Work:
        """Take candles in: the new state, its signals, and how both are to be stored."""
        after = _judged(standing, before, new, self._clock.now())
        known = known_before(standing.strategy, before, _tally_before(standing))
        revised = _is_revised(standing, before, known, new)
        state, signals, change = (
            after.state,
            after.signals,
            _change(standing, before, known, new, after, revised=revised),
        )
        fetched, taken_in = new.shown.fetched, _taken_in(standing, new)
        error = standing.error or fetched.rejected or _nothing_there(state)
        if new.awaited and error is None:
            error = self._lacking(standing, new.awaited)
        # Made at once: this is done for each strategy at each close, and to copy a result costs as much as to make one.
        outcome = StrategyResult(
            standing.strategy,
            standing.start,
            fetched=standing.fetched,
            error=error,
            notes=standing.notes,
            cursor=state.last.time if state.last is not None else None,
            taken_in=taken_in,
            opens=[candle.time for candle in new.candles] if change is not None else (),
            sides=(before.side, state.side),
            signals=signals if change is not None else (),
            closed=after.followed.outcomes if change is not None else (),
            crosses=after.crosses,
            forming=fetched.forming,
            revised=revised,
            quiet=new.missing.quiet,
            gaps=new.missing.gaps,
            held=new.held or (bool(new.awaited) and error is None),
            awaited=new.awaited,
            newest=_newest(standing),
            more=fetched.more and taken_in > 0 and not new.held and not new.awaited,
        )
        return Work(standing, outcome, change)


@dataclass(frozen=True, slots=True)
class _After:
    """What some candles have made of a strategy."""

    state: StrategyState
    crosses: Sequence[Cross]
    signals: Sequence[Signal]
    followed: Followed


def _judged(standing: Standing, before: StrategyState, new: _New, found_at: float) -> _After:
    state, crosses = advance_all(new.rules, before, new.candles)
    signals = [signal_of(new.rules, cross, found_at) for cross in crosses if cross.rejected_by is None]
    if standing.start is Start.FIRST and any(signal.late for signal in signals):  # there is one candle
        signals, state = [], state._replace(signal_at=before.signal_at)
    return _After(state, crosses, signals, _followed(standing, new, signals))


def _newest(standing: Standing) -> Instant | None:
    """Return the open of the newest candle that the broker had not shown before."""
    shown = () if standing.newer is None or standing.start is Start.FIRST else standing.newer.candles
    return shown[-1].time if shown else None


def _taken_in(standing: Standing, new: _New) -> int:
    """Return how many candles count as taken in: those of a first start only begin the averages."""
    return 0 if standing.start is Start.FIRST else len(new.candles)


def _tally_before(standing: Standing) -> Counts:
    """Return the counts that belong to the state; a rebuilt one has seen the candles before it otherwise."""
    return standing.loaded.tally if standing.start is Start.STORED else Counts()


def _is_revised(standing: Standing, before: StrategyState, known: Sequence[int], new: _New) -> bool:
    return is_revised(before, known, new.shown) or (standing.larger is not None and standing.larger.revised)


def _change(
    standing: Standing, before: StrategyState, known: Sequence[int], new: _New, after: _After, *, revised: bool
) -> Change | None:
    """Return what is to be written; None when nothing has changed."""
    loaded, taken_in, is_stored = standing.loaded, _taken_in(standing, new), standing.start is Start.STORED
    is_elsewhere = loaded.cursor != standing.cursor or loaded.book != standing.book
    if after.state.last is None or (not taken_in and is_stored and not is_elsewhere):
        return None
    tally = _counted(loaded.tally, after.crosses, after.signals)
    if taken_in:
        seen = shown_before(before, known, new.shown, new.candles)
        tally = replace(
            tally,
            evaluated=tally.evaluated + taken_in,
            revisions=tally.revisions + revised,
            gaps=tally.gaps + len(new.missing.gaps),
            shown_before=seen,
        )
    # Rebuilt averages do not grow out of the stored ones, however alike their counts are.
    grown_from = loaded if is_stored else replace(loaded, state=None)
    book = None if standing.book is None else after.followed.book
    trend = None if standing.larger is None else standing.larger.state_after(after.state.last)
    return Change(
        new.rules, grown_from, after.state, tally, after.signals, taken_in, book, after.followed.outcomes, trend
    )


def _followed(standing: Standing, new: _New, signals: Sequence[Signal]) -> Followed:
    """Take the open signals over the candles; where they are not known they stay so."""
    if standing.book is None:
        return Followed(Book(), ())
    instrument = new.rules.instrument
    terms = terms_of(standing.strategy, instrument) if signals else None
    listed = [opened(signal, terms) for signal in signals] if terms is not None else []
    after = follow(standing.strategy, instrument, standing.book, new.candles, listed)
    return Followed(after.book, [*standing.closed, *after.outcomes])


def _with_gaps(missing: Missing, judgeable: Judgeable) -> Missing:
    """Add larger candles that never came."""
    return missing._replace(gaps=[*missing.gaps, *judgeable.gaps])


def _nothing_there(state: StrategyState) -> NinjaError | None:
    return None if state.last is not None else HistoryGap("the broker has no complete candle of it yet")


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


def result_of(standing: Standing, error: NinjaError | None) -> StrategyResult:
    """Return the result of a strategy of which nothing is written."""
    return StrategyResult(
        standing.strategy,
        standing.start,
        cursor=standing.cursor,
        fetched=standing.fetched,
        error=error,
        notes=standing.notes,
    )
