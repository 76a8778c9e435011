"""Bring strategies up to date: the one path for first start, candle close, outage, restart and ``run --once``.

Nothing here depends on why it was called. The store says where each strategy stands, the broker says which candles are
newer, the core evaluates them, and the store takes all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable, NinjaError, StateError, TransientError
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource
from ninja_daemon.usecases.evaluation import Evaluator, OtherPrices, Work
from ninja_daemon.usecases.open_signals import LostBook, find_books, find_last_signals
from ninja_daemon.usecases.ports import Change, Clock, CommitResult, Committed, Journal, Loaded, StateStore
from ninja_daemon.usecases.standing import Standing, Standings
from ninja_daemon.usecases.wake_result import Start, StrategyResult, WakeResult, joined

_STALE_TRIES: Final = 3
"""Times that a strategy is tried again in one wake because another daemon was faster."""

_TOUCHED: Final = "somebody else has changed what is stored of it"
_TOGETHER: Final = 512
"""Strategies that are evaluated and written before the next are: the first signals of thousands wait for no others."""


def catch_up(
    strategies: Sequence[Strategy],
    *,
    source: CandleSource,
    store: StateStore,
    journal: Journal,
    clock: Clock,
    hold_gaps: bool = False,
    calendar: Calendar = NO_CALENDAR,
) -> WakeResult:
    """Bring the strategies up to date with the newest complete candles.

    Args:
        strategies: which ones.
        source: the broker.
        store: cursors, averages and the signals list.
        journal: this machine's own memory of the cursors.
        clock: when signals are found.
        hold_gaps: leave candles behind a fresh missing one for the next call, because that may yet come.
        calendar: scheduled news, as far as they are known.

    Raises:
        StoreUnavailable: the store could not be read, or broke off while writing; nothing is known of the wake, and
            the next one begins with what is stored.
    """
    standings = Standings(source, journal, clock, calendar)
    wake = _Wake(store, standings, Evaluator(source, clock, calendar, hold_gaps=hold_gaps))
    outcomes = wake.run(strategies)
    return WakeResult([outcomes[strategy.name] for strategy in strategies], wake.journal_error, wake.fenced)


class _Wake:
    """The steps of one wake, in the order in which they are written here."""

    def __init__(self, store: StateStore, standings: Standings, evaluation: Evaluator) -> None:
        self.store = store
        self.fenced = False
        self._standings, self._evaluation = standings, evaluation
        self._marks: dict[str, Instant] = {}
        self._books: dict[Strategy, Book] = {}

    @property
    def journal_error(self) -> JournalUnavailable | None:
        """Why the local journal could not be used, None when it could."""
        return self._standings.journal_error

    def run(self, strategies: Sequence[Strategy]) -> dict[str, StrategyResult]:
        """Work until the broker has nothing more and no strategy was overtaken by another daemon meanwhile."""
        outcomes: dict[str, StrategyResult] = {}
        rebuild: frozenset[str] = frozenset()
        again: Sequence[Strategy] = strategies
        tries = 0
        while again:
            latest = self._once(again, rebuild)
            for name, outcome in latest.items():
                outcomes[name] = joined(outcomes.get(name), outcome)
            rebuild = frozenset(name for name, outcome in latest.items() if isinstance(outcome.error, OtherPrices))
            overtaken = [
                outcome.strategy for outcome in latest.values() if isinstance(outcome.error, _Overtaken | OtherPrices)
            ]
            tries += bool(overtaken)
            again = [outcome.strategy for outcome in latest.values() if outcome.more and outcome.error is None]
            if tries < _STALE_TRIES:
                again += overtaken
        return outcomes

    def _once(self, strategies: Sequence[Strategy], rebuild: frozenset[str]) -> dict[str, StrategyResult]:
        standings: list[Standing] = []
        unknown: dict[str, StrategyResult] = {}
        supposed, where = self.store.supposed(strategies), self._standings
        stored = {**supposed, **self._loaded([one for one in strategies if one.name not in supposed])}
        for strategy in strategies:
            loaded = stored[strategy.name]
            if isinstance(loaded, NinjaError):
                unknown[strategy.name] = StrategyResult(strategy, Start.STORED, error=loaded)
            else:
                standings.append(where.of(strategy, loaded, must_rebuild=strategy.name in rebuild))
        where.mend_future_cursors(standings)
        find_last_signals(standings, self.store)
        where.read_histories(standings)
        where.read_newer(standings)
        self._find_open_signals(standings)
        try:
            for first in range(0, len(standings), _TOGETHER):
                works = [self._evaluation.of(one) for one in standings[first : first + _TOGETHER]]
                unknown |= self._commit(works)
                unknown |= self._otherwise([one for one in works if one.change is None], supposed)
        finally:
            self._remember()
        return unknown

    def _loaded(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded | NinjaError]:
        return self.store.load(strategies) if strategies else {}

    def _otherwise(self, works: Sequence[Work], supposed: Mapping[str, Loaded]) -> dict[str, StrategyResult]:
        """Return the results of those that no commit has proven, and that are not as supposed."""
        unproven = [one.standing.strategy for one in works if one.standing.strategy.name in supposed]
        found = self._loaded(unproven)
        touched = {name: loaded for name, loaded in found.items() if loaded != supposed[name]}
        results = {}
        for one in works:
            name = one.standing.strategy.name
            if (loaded := touched.get(name)) is not None:
                error = loaded if isinstance(loaded, NinjaError) else _Overtaken(_TOUCHED)
                results[name] = _undone(one, error)
        return results

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
        found = find_books(lost, self._standings.source, self.store, self._standings.journal)
        for one in standings:
            if one.book is None and one.strategy.name in found:
                one.book, one.closed = found[one.strategy.name]

    # --- writing it down ---------------------------------------------------------------------------------------------

    def _commit(self, works: Sequence[Work]) -> dict[str, StrategyResult]:
        changes = [work.change for work in works if work.change is not None]
        results = self.store.commit(changes) if changes else {}
        outcomes: dict[str, StrategyResult] = {}
        for work in works:
            name = work.standing.strategy.name
            outcomes[name] = _settled(work, results)
            result = results.get(name)
            if work.change is not None and isinstance(result, Committed):
                self.fenced |= result.result == CommitResult.FENCED
                if result.is_in_store:
                    self._note(work.change)
        return outcomes

    def _note(self, change: Change) -> None:
        """Note the mark, and the book when other signals are open than before: all else of it candles tell again."""
        rules, loaded, state, _, signals, _, book, outcomes, _ = change
        if state.last is not None:
            self._marks[rules.strategy.name] = state.last.time
            if book is not None and (signals or outcomes or loaded.book is None):
                self._books[rules.strategy] = book

    def _remember(self) -> None:
        """Note on this machine what the store has taken."""
        marks, books = self._marks, self._books
        self._marks, self._books = {}, {}
        if marks:
            try:
                self._standings.journal.remember(marks, books)
            except JournalUnavailable as error:
                self._standings.journal_error = error


class _Overtaken(TransientError):
    """Another daemon has moved the cursor since it was read."""


def _settled(work: Work, results: Mapping[str, Committed | NinjaError]) -> StrategyResult:
    """Say what became of a strategy, now that the store has answered."""
    outcome, change = work.outcome, work.change
    if change is None:
        return outcome
    result = results[work.standing.strategy.name]
    if isinstance(result, Committed) and result.is_done:
        listed = change.signals
        if not listed and not change.outcomes and not outcome.closed and not result.repeated:
            return outcome
        closed = change.outcomes[len(change.outcomes) - result.closed :] if result.closed else ()
        outcome = outcome if len(closed) == len(outcome.closed) else outcome._replace(closed=closed)
        if result.listed == len(listed) and not result.repeated:
            return outcome
        listed = listed[len(listed) - result.listed :] if result.listed else ()
        return outcome._replace(signals=listed, repeated=result.repeated)
    return _undone(work, result if isinstance(result, NinjaError) else _refusal(result))


def _undone(work: Work, error: NinjaError) -> StrategyResult:
    """Return the result of a strategy of which nothing was written: what was found is told when it is."""
    outcome, cursor = work.outcome, work.standing.loaded.cursor
    outcome = outcome._replace(cursor=cursor, taken_in=0, judged=None, signals=(), crosses=(), closed=(), counts=None)
    return outcome._replace(revised=False, quiet=0, gaps=(), run=None, error=error)


def _refusal(result: Committed) -> NinjaError:
    match result.result:
        case CommitResult.STALE:
            return _Overtaken("another daemon has taken these candles in")
        case CommitResult.FENCED:
            return TransientError("another daemon has taken over the lease")
        case CommitResult.QFULL:
            message = f"the signals list is full ({result.detail}); this goes on when the notifier has taken some"
            return TransientError(message)
        case _:
            return StateError(
                f"a key is of the wrong type ({result.detail}); nothing was committed, rename or delete it"
            )
