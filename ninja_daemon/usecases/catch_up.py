"""Bring strategies up to date: the one path for first start, candle close, outage, restart and ``run --once``.

Nothing here depends on why it was called. The store says where each strategy stands, the broker says which candles are
newer, the core evaluates them, and the store takes all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ninja_daemon.core.errors import HistoryGap, JournalUnavailable, NinjaError, StateError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.following import Book, Followed, follow
from ninja_daemon.core.outcomes.outcome import opened, terms_of
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import Cross, Rules, Strategy, StrategyState, rules_of
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched
from ninja_daemon.usecases.gaps import Missing, missing_candles
from ninja_daemon.usecases.open_signals import LostBook, find_books
from ninja_daemon.usecases.ports import Change, Clock, CommitResult, Committed, Journal, StateStore, Tally
from ninja_daemon.usecases.revisions import Shown, is_revised, known_before, scaled, shown_before
from ninja_daemon.usecases.standing import Standing, Standings
from ninja_daemon.usecases.wake_result import Start, StrategyResult, WakeResult, joined

_STALE_TRIES: Final = 3
"""Times that a strategy is tried again in one wake because another daemon was faster."""


def catch_up(
    strategies: Sequence[Strategy],
    *,
    source: CandleSource,
    store: StateStore,
    journal: Journal,
    clock: Clock,
    hold_gaps: bool = False,
) -> WakeResult:
    """Bring the strategies up to date with the newest complete candles.

    Args:
        strategies: which ones.
        source: the broker.
        store: cursors, averages and the signals list.
        journal: this machine's own memory of the cursors.
        clock: when signals are found.
        hold_gaps: leave candles behind a fresh gap for the next call, because the missing one may yet come.

    Raises:
        StoreUnavailable: the store could not be read, or broke off while writing; nothing is known of the wake, and
            the next one begins with what is stored.
    """
    wake = _Wake(source, store, journal, clock, hold_gaps=hold_gaps)
    outcomes = wake.run(strategies)
    return WakeResult([outcomes[strategy.name] for strategy in strategies], wake.journal_error, wake.fenced)


class _Wake:
    """The steps of one wake, in the order in which they are written here."""

    def __init__(
        self, source: CandleSource, store: StateStore, journal: Journal, clock: Clock, *, hold_gaps: bool
    ) -> None:
        self.source = source
        self.store = store
        self.journal = journal
        self.clock = clock
        self.hold_gaps = hold_gaps
        self.fenced = False
        self._standings = Standings(source, journal, clock)

    @property
    def journal_error(self) -> JournalUnavailable | None:
        """Why the local journal was of no use, None when it was."""
        return self._standings.journal_error

    def run(self, strategies: Sequence[Strategy]) -> dict[str, StrategyResult]:
        """Work until nothing more is to be had, and no strategy was overtaken by another daemon meanwhile."""
        outcomes: dict[str, StrategyResult] = {}
        rebuild: frozenset[str] = frozenset()
        again: Sequence[Strategy] = strategies
        tries = 0
        while again:
            latest = self._once(again, rebuild)
            for name, outcome in latest.items():
                outcomes[name] = joined(outcomes.get(name), outcome)
            rebuild = frozenset(name for name, outcome in latest.items() if isinstance(outcome.error, _OtherPrices))
            overtaken = [
                outcome.strategy for outcome in latest.values() if isinstance(outcome.error, _Overtaken | _OtherPrices)
            ]
            tries += bool(overtaken)
            again = [outcome.strategy for outcome in latest.values() if outcome.more and outcome.error is None]
            if tries < _STALE_TRIES:
                again += overtaken
        return outcomes

    def _once(self, strategies: Sequence[Strategy], rebuild: frozenset[str]) -> dict[str, StrategyResult]:
        standings: list[Standing] = []
        unknown: dict[str, StrategyResult] = {}
        stored, where = self.store.load(strategies), self._standings
        for strategy in strategies:
            loaded = stored[strategy.name]
            if isinstance(loaded, NinjaError):
                unknown[strategy.name] = StrategyResult(strategy, Start.STORED, error=loaded)
            else:
                standings.append(where.of(strategy, loaded, must_rebuild=strategy.name in rebuild))
        where.mend_future_cursors(standings)
        where.read_histories(standings)
        where.read_newer(standings)
        self._find_open_signals(standings)
        works = [self._evaluate(standing) for standing in standings]
        return unknown | self._commit(works)

    def _find_open_signals(self, standings: Sequence[Standing]) -> None:
        """Take what is open from the store; where it is not that of the last candle, find it out."""
        lost: list[LostBook] = []
        for one in standings:
            book, last = one.loaded.book, one.state.last if one.state is not None else None
            if one.instrument is None or last is None:
                one.book = Book()
            elif book is not None and book.followed is not None and book.followed >= last.time:
                one.book = book
            else:
                lost.append(LostBook(one.strategy, one.instrument, last.time, book))
        found = find_books(lost, self.source, self.store, self.journal)
        for one in standings:
            if one.book is None and one.strategy.name in found:
                one.book, one.closed = found[one.strategy.name]

    # --- what it means -----------------------------------------------------------------------------------------------

    def _evaluate(self, standing: Standing) -> _Work:
        if standing.state is None or standing.instrument is None:
            return _Work(standing, _outcome(standing, standing.error or StateError("nothing is known of it")))
        if standing.error is not None and standing.start is not Start.REBUILT:
            return _Work(standing, _outcome(standing, standing.error))
        fetched = standing.newer or Fetched(standing.instrument)
        if fetched.instrument.decimals > standing.instrument.decimals:
            return _Work(standing, _outcome(standing, _OtherPrices("the broker's prices have more digits than before")))
        # Few prices may show fewer digits than the instrument has; a pip guessed from these would be wrong.
        fewer = fetched.instrument.decimals < standing.instrument.decimals
        instrument = standing.instrument if fewer else fetched.instrument
        factor = 10 ** (standing.instrument.decimals - fetched.instrument.decimals)
        candles = [scaled(candle, factor) for candle in fetched.candles]
        missing = missing_candles(standing.strategy, standing.state.last, candles, partial(self._had_prices, standing))
        is_held = self.hold_gaps and missing.held_from is not None
        work = self._advance(
            standing,
            rules_of(standing.strategy, instrument),
            candles[: missing.held_from] if is_held else candles,
            Shown(fetched, factor),
            missing,
        )
        return replace(work, outcome=replace(work.outcome, held=is_held, more=work.outcome.more and not is_held))

    def _had_prices(self, standing: Standing, start: Instant, end: Instant) -> bool:
        try:
            return self.source.had_prices(standing.strategy.series, start, end)
        except NinjaError as error:
            standing.notes.append(f"whether a missing candle was quiet could not be found out: {error}")
            return False

    def _advance(
        self, standing: Standing, rules: Rules, candles: Sequence[Candle], shown: Shown, missing: Missing
    ) -> _Work:
        """Take candles in: the new state, its signals, and how both are to be stored."""
        before, loaded = standing.state, standing.loaded
        assert before is not None  # noqa: S101 - looked at by the caller
        is_first, is_stored = standing.start is Start.FIRST, standing.start is Start.STORED
        found_at = self.clock.now()
        state, crosses = advance_all(rules, before, candles)
        signals = [signal_of(rules, cross, found_at) for cross in crosses if cross.rejected_by is None]
        signals = [signal for signal in signals if not (is_first and signal.late)]
        known = known_before(before, loaded.tally if is_stored else Tally())
        revised = is_revised(before, known, shown)
        taken_in = 0 if is_first else len(candles)
        after = _followed(standing, rules, candles, signals)
        change = None
        is_elsewhere = loaded.cursor != standing.cursor or loaded.book != standing.book
        if state.last is not None and (taken_in or not is_stored or is_elsewhere):
            tally = _counted(loaded.tally, crosses, signals)
            if taken_in:
                seen = shown_before(before, known, shown, candles)
                tally = _taken_in(tally, taken_in, gaps=len(missing.gaps), revised=revised, seen=seen)
            # Rebuilt averages do not grow out of the stored ones, however alike their counts are.
            grown_from = loaded if is_stored else replace(loaded, state=None)
            book = None if standing.book is None else after.book
            change = Change(rules, grown_from, state, tally, signals, taken_in, book, after.outcomes)
        outcome = replace(
            _outcome(standing, standing.error or shown.fetched.rejected or _nothing_there(state)),
            cursor=state.last.time if state.last is not None else None,
            taken_in=taken_in,
            opens=[candle.time for candle in candles] if change is not None else (),
            sides=(before.side, state.side),
            signals=signals if change is not None else (),
            closed=after.outcomes if change is not None else (),
            crosses=crosses,
            forming=shown.fetched.forming,
            revised=revised,
            quiet=missing.quiet,
            gaps=missing.gaps,
            more=shown.fetched.more and taken_in > 0,
        )
        return _Work(standing, outcome, change)

    # --- writing it down ---------------------------------------------------------------------------------------------

    def _commit(self, works: Sequence[_Work]) -> dict[str, StrategyResult]:
        changes = [work.change for work in works if work.change is not None]
        results = self.store.commit(changes) if changes else {}
        outcomes = {work.standing.strategy.name: _settled(work, results) for work in works}
        self.fenced |= any(
            isinstance(result, Committed) and result.result == CommitResult.FENCED for result in results.values()
        )
        marks = {
            change.rules.strategy.name: change.state.last.time
            for change in changes
            if change.state.last is not None and _is_in_store(results[change.rules.strategy.name])
        }
        if marks:
            try:
                self.journal.remember(marks, _changed_books(changes, marks))
            except JournalUnavailable as error:
                self._standings.journal_error = error
        return outcomes


@dataclass(frozen=True, slots=True)
class _Work:
    """A strategy's evaluation: what to write, and what to say when it is written."""

    standing: Standing
    outcome: StrategyResult
    change: Change | None = None


class _Overtaken(TransientError):
    """Another daemon has moved the cursor since it was read."""


class _OtherPrices(TransientError):
    """The broker's prices have more digits than the stored averages; they are rebuilt."""


def _followed(standing: Standing, rules: Rules, candles: Sequence[Candle], signals: Sequence[Signal]) -> Followed:
    """Take the open signals over the candles; where they are not known they stay so."""
    if standing.book is None:
        return Followed(Book(), ())
    terms = terms_of(standing.strategy, rules.instrument)
    listed = [opened(signal, terms) for signal in signals]
    after = follow(standing.strategy, rules.instrument, standing.book, candles, listed)
    return Followed(after.book, [*standing.closed, *after.outcomes])


def _changed_books(changes: Sequence[Change], marks: Mapping[str, Instant]) -> dict[Strategy, Book]:
    """Return the books in which other signals are open than before; all else of them the candles tell again."""
    return {
        one.rules.strategy: one.book
        for one in changes
        if one.book is not None
        and one.rules.strategy.name in marks
        and (one.signals or one.outcomes or one.loaded.book is None)
    }


def _nothing_there(state: StrategyState) -> NinjaError | None:
    return None if state.last is not None else HistoryGap("the broker has no complete candle of it yet")


def _counted(tally: Tally, crosses: Sequence[Cross], signals: Sequence[Signal]) -> Tally:
    """Add crosses and the signals among them."""
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


def _taken_in(tally: Tally, candles: int, *, gaps: int, revised: bool, seen: tuple[int, ...]) -> Tally:
    """Add candles, and what was noticed about those before them."""
    return replace(
        tally,
        evaluated=tally.evaluated + candles,
        revisions=tally.revisions + revised,
        gaps=tally.gaps + gaps,
        shown_before=seen,
    )


def _outcome(standing: Standing, error: NinjaError | None) -> StrategyResult:
    return StrategyResult(
        standing.strategy,
        standing.start,
        cursor=standing.cursor,
        fetched=standing.fetched,
        error=error,
        notes=standing.notes,
    )


def _is_in_store(result: Committed | NinjaError) -> bool:
    return isinstance(result, Committed) and result.result in {CommitResult.OK, CommitResult.ALREADY}


def _is_done(result: Committed | NinjaError) -> bool:
    """Tell whether the candles need not be taken in again; what is kept for the store is no mark yet."""
    return _is_in_store(result) or (isinstance(result, Committed) and result.result == CommitResult.KEPT)


def _settled(work: _Work, results: Mapping[str, Committed | NinjaError]) -> StrategyResult:
    """Say what became of a strategy, now that the store has answered."""
    outcome, change = work.outcome, work.change
    if change is None:
        return outcome
    result = results[work.standing.strategy.name]
    if isinstance(result, Committed) and _is_done(result):
        listed = change.signals
        closed = change.outcomes[len(change.outcomes) - result.closed :] if result.closed else ()
        outcome = replace(outcome, closed=closed)
        if result.listed == len(listed) and not result.repeated:
            return outcome
        listed = listed[len(listed) - result.listed :] if result.listed else ()
        return replace(outcome, signals=listed, repeated=result.repeated)
    undone = replace(
        outcome, cursor=work.standing.loaded.cursor, taken_in=0, opens=(), signals=(), crosses=(), closed=()
    )
    return replace(undone, error=result if isinstance(result, NinjaError) else _refusal(result))


def _refusal(result: Committed) -> NinjaError:
    match result.result:
        case CommitResult.STALE:
            return _Overtaken("another daemon has taken these candles in")
        case CommitResult.FENCED:
            return TransientError("another daemon has taken over the lease")
        case CommitResult.QFULL:
            return TransientError(f"the signals list is full ({result.detail}); is the notifier running?")
        case _:
            return StateError(
                f"a key is of the wrong type ({result.detail}); nothing was committed, rename or delete it"
            )


def lateness(granularity: Granularity, cursor: Instant | None, now: float) -> float | None:
    """Return how many seconds ago the candle after the cursor's closed; None without a cursor, negative before."""
    if cursor is None:
        return None
    return now - granularity.next_close(granularity.close_of(cursor))
