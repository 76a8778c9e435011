"""Bring strategies up to date: the one path for first start, candle close, outage, restart and ``run --once``.

Nothing here depends on why it was called. What is stored says where each strategy stands, the broker says what is
newer, the core evaluates it, and the store takes all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from ninja_daemon.core.errors import HistoryGap, JournalUnavailable, NinjaError, StateError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import MAX_LOOK_BACK, Cross, Strategy, StrategyState, rules_of
from ninja_daemon.usecases.ports import (
    CandleSource,
    Change,
    Clock,
    CommitResult,
    Committed,
    Fetched,
    Journal,
    Loaded,
    StateStore,
    Tally,
    Wanted,
    WantedHistory,
)

_STALE_TRIES: Final = 3
_GAP_PROBES: Final = 3
_LIVE_EDGE: Final = 5
_LOOKED_BACK: Final = 2
"""Candles before the cursor's that are looked at again; the source shows as many."""


class Start(Enum):
    """Where a strategy's averages came from in this wake."""

    STORED = "stored"
    REBUILT = "rebuilt"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one strategy in one wake.

    Attributes:
        strategy: its settings.
        start: where its averages came from.
        cursor: open of the last candle taken in, now stored; None when there is none.
        taken_in: candles taken in.
        fetched: complete candles that the broker sent for it, history included.
        signals: signals that were put on the list in this wake.
        repeated: signals that had been listed before.
        crosses: turns of the side, with what became of each.
        forming: open of the candle that is forming, as far as the broker said.
        revised: the broker shows the cursor's candle differently now.
        quiet: candles that are missing because there was no price.
        gaps: opens of candles that are missing although there were prices.
        held: a gap keeps newer candles waiting for now.
        more: the broker has more candles than were handed over at once.
        error: why the strategy is not up to date; None when it is.
        notes: stored parts that could not be used, one sentence each.
    """

    strategy: Strategy
    start: Start
    cursor: Instant | None = None
    taken_in: int = 0
    fetched: int = 0
    signals: Sequence[Signal] = ()
    repeated: int = 0
    crosses: Sequence[Cross] = ()
    forming: Instant | None = None
    revised: bool = False
    quiet: int = 0
    gaps: Sequence[Instant] = ()
    held: bool = False
    more: bool = False
    error: NinjaError | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wake:
    """What one call of ``catch_up`` did.

    Attributes:
        outcomes: one for each strategy, in the order given.
        journal_error: why the local journal was of no use, None when it was.
        fenced: another daemon has taken over; nothing of this wake was written.
    """

    outcomes: Sequence[Outcome]
    journal_error: JournalUnavailable | None = None
    fenced: bool = False


@dataclass(slots=True)
class _Plan:
    """One strategy on its way through a wake."""

    strategy: Strategy
    loaded: Loaded
    start: Start
    cursor: Instant | None
    state: StrategyState | None = None
    instrument: Instrument | None = None
    error: NinjaError | None = None
    fetched: int = 0
    newer: Fetched | None = None
    newest_history: Fetched | None = None
    notes: list[str] = field(default_factory=list)


def catch_up(
    strategies: Sequence[Strategy],
    *,
    source: CandleSource,
    store: StateStore,
    journal: Journal,
    clock: Clock,
    hold_gaps: bool = False,
) -> Wake:
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
    return Wake([outcomes[strategy.name] for strategy in strategies], wake.journal_error, wake.fenced)


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
        self.journal_error: JournalUnavailable | None = None
        self.fenced = False
        self._marks: Mapping[str, Instant] | None = None

    def run(self, strategies: Sequence[Strategy]) -> dict[str, Outcome]:
        """Work until nothing more is to be had, and no strategy was overtaken by another daemon meanwhile."""
        outcomes: dict[str, Outcome] = {}
        rebuild: frozenset[str] = frozenset()
        again: Sequence[Strategy] = strategies
        tries = 0
        while again:
            latest = self._once(again, rebuild)
            for name, outcome in latest.items():
                outcomes[name] = _joined(outcomes.get(name), outcome)
            rebuild = frozenset(name for name, outcome in latest.items() if isinstance(outcome.error, _OtherPrices))
            overtaken = [
                outcome.strategy for outcome in latest.values() if isinstance(outcome.error, _Overtaken | _OtherPrices)
            ]
            tries += bool(overtaken)
            again = [outcome.strategy for outcome in latest.values() if outcome.more and outcome.error is None]
            if tries < _STALE_TRIES:
                again += overtaken
        return outcomes

    def _once(self, strategies: Sequence[Strategy], rebuild: frozenset[str]) -> dict[str, Outcome]:
        plans: list[_Plan] = []
        unknown: dict[str, Outcome] = {}
        stored = self.store.load(strategies)
        for strategy in strategies:
            loaded = stored[strategy.name]
            if isinstance(loaded, NinjaError):
                unknown[strategy.name] = Outcome(strategy, Start.STORED, error=loaded)
            else:
                plans.append(self._plan(strategy, loaded, strategy.name in rebuild))
        self._unmask_future_cursors(plans)
        self._read_histories(plans)
        self._read_newer(plans)
        works = [self._evaluate(plan) for plan in plans]
        return unknown | self._commit(works)

    # --- where each strategy stands ----------------------------------------------------------------------------------

    def _plan(self, strategy: Strategy, loaded: Loaded, must_rebuild: bool) -> _Plan:  # noqa: FBT001 - private
        cursor = loaded.cursor
        if cursor is None:
            cursor = self._named_elsewhere(strategy, loaded)
        plan = _Plan(strategy, loaded, Start.FIRST, cursor, notes=list(loaded.notes))
        if cursor is not None:
            self._start_from(plan, cursor, must_rebuild=must_rebuild)
        return plan

    def _start_from(self, plan: _Plan, cursor: Instant, *, must_rebuild: bool = False) -> None:
        state = plan.loaded.state
        plan.cursor = cursor
        if not must_rebuild and state is not None and state.last is not None and state.last.time == cursor:
            plan.start, plan.state, plan.instrument = Start.STORED, state, plan.loaded.instrument
        else:
            plan.start = Start.REBUILT

    def _named_elsewhere(self, strategy: Strategy, loaded: Loaded, newest: Instant | None = None) -> Instant | None:
        """Return the candle that averages, side or journal name in place of a lost cursor (contract 4.8)."""
        from_state = loaded.state.last.time if loaded.state is not None and loaded.state.last is not None else None
        candidates = (from_state, loaded.named, self._mark(strategy.name))
        for candidate in candidates:
            if candidate is None or not strategy.granularity.is_border(candidate):
                continue
            if newest is None or candidate <= newest:
                return candidate
        return None

    def _mark(self, name: str) -> Instant | None:
        if self._marks is None:
            try:
                self._marks = self.journal.marks()
            except JournalUnavailable as error:
                self.journal_error = error
                self._marks = {}
        return self._marks.get(name)

    def _unmask_future_cursors(self, plans: Sequence[_Plan]) -> None:
        """Find out which cursors are wrong that our clock, or what is stored beside them, calls future."""
        now = self.clock.now()
        doubtful = [
            plan
            for plan in plans
            if plan.cursor is not None
            and (_closes_after(plan.strategy, plan.cursor, now) or _is_ahead_of_the_rest(plan, plan.cursor))
        ]
        if not doubtful:
            return
        requests = {plan.strategy.name: WantedHistory(plan.strategy.series, None, 2) for plan in doubtful}
        answers = self.source.history(set(requests.values()))
        for plan in doubtful:
            answer = answers[requests[plan.strategy.name]]
            if isinstance(answer, NinjaError):
                plan.error = answer
                continue
            newest = answer.candles[-1].time if answer.candles else None
            if newest is None or plan.cursor is None or plan.cursor <= newest:
                continue
            plan.notes.append(
                f"last_processed must not be in the future, was {format_instant(plan.cursor)} "
                f"while the broker's newest complete candle is {format_instant(newest)}"
            )
            elsewhere = self._named_elsewhere(plan.strategy, plan.loaded, newest)
            if elsewhere is None:
                plan.start, plan.cursor, plan.state = Start.FIRST, None, None
            else:
                self._start_from(plan, elsewhere)

    # --- what the broker holds ---------------------------------------------------------------------------------------

    def _read_histories(self, plans: Sequence[_Plan]) -> None:
        """Build the averages of those that have none: rebuilds up to their cursor, first starts up to the newest."""
        building = [plan for plan in plans if plan.start is not Start.STORED and plan.error is None]
        counts = {plan.strategy.name: plan.strategy.warm_up + 2 for plan in building}
        while building:
            requests = {
                plan.strategy.name: WantedHistory(plan.strategy.series, plan.cursor, counts[plan.strategy.name])
                for plan in building
            }
            answers = self.source.history(set(requests.values()))
            unsettled = []
            for plan in building:
                request = requests[plan.strategy.name]
                if not self._build(plan, answers[request], request.count):
                    counts[plan.strategy.name] = MAX_LOOK_BACK + plan.strategy.warm_up
                    unsettled.append(plan)
            building = unsettled

    def _build(self, plan: _Plan, answer: Fetched | NinjaError, asked: int) -> bool:
        """Take a history in; return False when the side lies further back than it reaches."""
        if isinstance(answer, NinjaError):
            plan.error = answer
            return True
        plan.fetched += len(answer.candles)
        candles = list(answer.candles)
        problem = _history_problem(plan, answer, candles)
        if problem is not None:
            plan.error = problem
            return True
        rules = rules_of(plan.strategy, answer.instrument)
        # A first start evaluates the newest candle like any other, behind a state that ends just before it.
        known = candles if plan.start is Start.REBUILT else candles[:-1]
        state, _ = advance_all(rules, rules.empty_state(), known)
        can_reach_further = len(candles) >= asked and asked < MAX_LOOK_BACK + plan.strategy.warm_up
        if state.side is None and state.seen >= plan.strategy.warm_up and can_reach_further:
            return False
        plan.state, plan.instrument = state, answer.instrument
        if plan.start is Start.FIRST:
            plan.newer = replace(answer, candles=candles[-1:], at_cursor=None)
        return True

    def _read_newer(self, plans: Sequence[_Plan]) -> None:
        requests = {
            plan.strategy.name: Wanted(plan.strategy.series, plan.cursor)
            for plan in plans
            if plan.error is None and plan.start is not Start.FIRST and plan.cursor is not None
        }
        if not requests:
            return
        answers = self.source.newer(set(requests.values()))
        for plan in plans:
            if plan.strategy.name not in requests:
                continue
            answer = answers[requests[plan.strategy.name]]
            if isinstance(answer, NinjaError):
                plan.error = answer
            else:
                plan.newer = answer
                plan.fetched += len(answer.candles)

    # --- what it means -----------------------------------------------------------------------------------------------

    def _evaluate(self, plan: _Plan) -> _Work:
        if plan.state is None or plan.instrument is None:
            return _Work(plan, _outcome(plan, plan.error or StateError("nothing is known of it")))
        if plan.error is not None and plan.start is not Start.REBUILT:
            return _Work(plan, _outcome(plan, plan.error))
        fetched = plan.newer or Fetched(plan.instrument)
        if fetched.instrument.decimals > plan.instrument.decimals:
            return _Work(plan, _outcome(plan, _OtherPrices("the broker's prices have more digits than before")))
        # Few prices may show fewer digits than the instrument has; a pip guessed from these would be wrong.
        fewer = fetched.instrument.decimals < plan.instrument.decimals
        instrument = plan.instrument if fewer else fetched.instrument
        factor = 10 ** (plan.instrument.decimals - fetched.instrument.decimals)
        candles = [_scaled(candle, factor) for candle in fetched.candles]
        quiet, gaps, held_from = self._missing(plan, candles)
        if held_from is not None:
            candles = candles[:held_from]
        return self._advance(plan, instrument, candles, _Feed(fetched, factor, quiet, gaps, held_from is not None))

    def _advance(self, plan: _Plan, instrument: Instrument, candles: Sequence[Candle], feed: _Feed) -> _Work:
        strategy, found_at = plan.strategy, self.clock.now()
        rules = rules_of(strategy, instrument)
        before = plan.state
        assert before is not None  # noqa: S101 - looked at by the caller
        state, crosses = advance_all(rules, before, candles)
        signals = [signal_of(rules, cross, found_at) for cross in crosses if cross.rejected_by is None]
        if plan.start is Start.FIRST:
            signals = [signal for signal in signals if not signal.late]
        known = _known_before(before, plan.loaded.tally if plan.start is Start.STORED else Tally())
        revised = _is_revised(before, known, feed)
        taken_in = 0 if plan.start is Start.FIRST else len(candles)
        shown = _shown_before(before, known, feed, candles) if taken_in else plan.loaded.tally.shown_before
        told = feed if taken_in else None
        tally = _tallied(plan.loaded.tally, crosses, signals, told, taken_in, shown, revised=revised)
        change = None
        must_store = taken_in or plan.start is not Start.STORED or plan.loaded.cursor != plan.cursor
        if state.last is not None and must_store:
            # Rebuilt averages do not grow out of the stored ones, however alike their counts are.
            grown_from = plan.loaded if plan.start is Start.STORED else replace(plan.loaded, state=None)
            change = Change(rules, grown_from, state, tally, signals, taken_in)
        outcome = Outcome(
            strategy,
            plan.start,
            cursor=state.last.time if state.last is not None else None,
            taken_in=taken_in,
            fetched=plan.fetched,
            signals=signals if change is not None else (),
            crosses=crosses,
            forming=feed.fetched.forming,
            revised=revised,
            quiet=feed.quiet,
            gaps=feed.gaps,
            held=feed.held,
            more=feed.fetched.more and taken_in > 0 and not feed.held,
            error=plan.error or feed.fetched.rejected or _nothing_there(state),
            notes=plan.notes,
        )
        return _Work(plan, outcome, change)

    def _missing(self, plan: _Plan, candles: Sequence[Candle]) -> tuple[int, Sequence[Instant], int | None]:
        """Count the candles that never came, and tell gaps from quiet periods near the live edge.

        Returns:
            Quiet candles, opens of the first missing candle of each gap, and from which candle on they are held back.
        """
        strategy, granularity = plan.strategy, plan.strategy.granularity
        previous = plan.state.last if plan.state is not None else None
        quiet, probes, held_from = 0, 0, None
        gaps: list[Instant] = []
        for index, candle in enumerate(candles):
            if previous is not None and granularity.close_of(previous.time) != candle.time:
                missing = strategy.market_hours.missing_between(granularity, previous.time, candle.time)
                probe = missing and len(candles) <= _LIVE_EDGE and probes < _GAP_PROBES
                if probe and self._had_prices(plan, granularity.close_of(previous.time), candle.time):
                    gaps.append(granularity.close_of(previous.time))
                    if self.hold_gaps and held_from is None:
                        held_from = index
                else:
                    quiet += missing
                probes += bool(probe)
            previous = candle
        return quiet, gaps, held_from

    def _had_prices(self, plan: _Plan, start: Instant, end: Instant) -> bool:
        try:
            return self.source.had_prices(plan.strategy.series, start, end)
        except NinjaError as error:
            plan.notes.append(f"whether a missing candle was quiet could not be found out: {error}")
            return False

    # --- writing it down ---------------------------------------------------------------------------------------------

    def _commit(self, works: Sequence[_Work]) -> dict[str, Outcome]:
        changes = [work.change for work in works if work.change is not None]
        results = self.store.commit(changes) if changes else {}
        outcomes = {work.plan.strategy.name: _settled(work, results) for work in works}
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
                self.journal.remember(marks)
            except JournalUnavailable as error:
                self.journal_error = error
        return outcomes


@dataclass(frozen=True, slots=True)
class _Feed:
    """What the broker sent for one strategy, as far as the evaluation needs it."""

    fetched: Fetched
    factor: int
    quiet: int
    gaps: Sequence[Instant]
    held: bool


@dataclass(frozen=True, slots=True)
class _Work:
    """A strategy's evaluation: what to write, and what to say when it is written."""

    plan: _Plan
    outcome: Outcome
    change: Change | None = None


class _Overtaken(TransientError):
    """Another daemon has moved the cursor since it was read."""


class _OtherPrices(TransientError):
    """The broker's prices have more digits than the stored averages; they are rebuilt."""


def _closes_after(strategy: Strategy, cursor: Instant, now: float) -> bool:
    return strategy.granularity.close_of(cursor) > now


def _is_ahead_of_the_rest(plan: _Plan, cursor: Instant) -> bool:
    """Tell whether averages or side, which are written together with the cursor, name an earlier candle than it."""
    state, named = plan.loaded.state, plan.loaded.named
    is_stored = state is not None and state.last is not None and state.last.time < cursor
    return plan.start is not Start.STORED and (is_stored or (named is not None and named < cursor))


def _history_problem(plan: _Plan, answer: Fetched, candles: Sequence[Candle]) -> NinjaError | None:
    if answer.rejected is not None:
        return answer.rejected
    if plan.cursor is None:
        return None if candles else HistoryGap("the broker has no complete candle of it yet")
    if candles and candles[-1].time == plan.cursor:
        return None
    end = f"ends at {format_instant(candles[-1].time)}" if candles else "is empty"
    message = (
        f"the broker's history must end at the last candle taken in, {format_instant(plan.cursor)}, but {end}; "
        "the strategy waits (delete its last_processed key to begin anew)"
    )
    return HistoryGap(message)


def _nothing_there(state: StrategyState) -> NinjaError | None:
    return None if state.last is not None else HistoryGap("the broker has no complete candle of it yet")


def _scaled(candle: Candle, factor: int) -> Candle:
    if factor == 1:
        return candle
    return Candle(candle.time, *(price * factor for price in candle[1:]))


def _is_revised(before: StrategyState, known: Sequence[int], feed: _Feed) -> bool:
    """Tell whether the broker shows candles at or just behind the cursor otherwise than it did.

    The cursor's candle is compared with the one that was taken in; those before it with what the broker showed when
    they were last looked at, so that a candle that appears late is noticed, and a changed one is counted once.
    """
    at_cursor = feed.fetched.at_cursor
    if at_cursor is None or before.last is None or before.last.time != at_cursor.time:
        return False
    if _scaled(at_cursor, feed.factor) != before.last:
        return True
    return any(shown != then for shown, then in zip(_closes_before(feed), known, strict=False))


def _closes_before(feed: _Feed) -> list[int]:
    return [candle.close * feed.factor for candle in feed.fetched.before_cursor]


def _known_before(state: StrategyState, tally: Tally) -> Sequence[int]:
    """Return the closes before the cursor's as they were last shown, else as they were taken in; newest first."""
    shown = tally.shown_before
    if len(shown) == _LOOKED_BACK:
        return shown
    taken_in = [state.closes.back(steps) for steps in range(1, min(_LOOKED_BACK + 1, len(state.closes)))]
    return (*shown, *taken_in[len(shown) :])


def _shown_before(
    before: StrategyState, known: Sequence[int], feed: _Feed, candles: Sequence[Candle]
) -> tuple[int, ...]:
    """Return the closes before the newest of the candles taken in, as far as they are known; newest first."""
    shown, at_cursor = _closes_before(feed), feed.fetched.at_cursor
    closes = [candle.close for candle in candles[-2 : -2 - _LOOKED_BACK : -1]]
    if at_cursor is not None:
        closes.append(at_cursor.close * feed.factor)
    elif before.last is not None:
        closes.append(before.last.close)
    return (*closes, *shown, *known[len(shown) :])[:_LOOKED_BACK]


def _tallied(
    tally: Tally,
    crosses: Sequence[Cross],
    signals: Sequence[Signal],
    feed: _Feed | None,
    taken_in: int,
    shown_before: tuple[int, ...],
    *,
    revised: bool,
) -> Tally:
    """Count what some candles came to; without a feed none was taken in, and nothing was compared."""
    rejected = dict(tally.rejected)
    for cross in crosses:
        if cross.rejected_by is not None:
            rejected[cross.rejected_by.value] = rejected.get(cross.rejected_by.value, 0) + 1
    newest = signals[-1] if signals else None
    return Tally(
        evaluated=tally.evaluated + taken_in,
        crosses=tally.crosses + len(crosses),
        signals=tally.signals + len(signals),
        rejected=rejected,
        revisions=tally.revisions + (revised and feed is not None),
        gaps=tally.gaps + (0 if feed is None else len(feed.gaps)),
        last_signal_id=newest.id if newest else tally.last_signal_id,
        last_signal_time=newest.time if newest else tally.last_signal_time,
        shown_before=shown_before,
    )


def _joined(earlier: Outcome | None, later: Outcome) -> Outcome:
    """Add what a strategy did earlier in the same wake to what it did last."""
    if earlier is None:
        return later
    return replace(
        later,
        start=later.start if earlier.error is not None else earlier.start,
        taken_in=earlier.taken_in + later.taken_in,
        fetched=earlier.fetched + later.fetched,
        signals=[*earlier.signals, *later.signals],
        repeated=earlier.repeated + later.repeated,
        crosses=[*earlier.crosses, *later.crosses],
        revised=earlier.revised or later.revised,
        quiet=earlier.quiet + later.quiet,
        gaps=[*earlier.gaps, *later.gaps],
        notes=list(dict.fromkeys([*earlier.notes, *later.notes])),
    )


def _outcome(plan: _Plan, error: NinjaError) -> Outcome:
    return Outcome(plan.strategy, plan.start, cursor=plan.cursor, fetched=plan.fetched, error=error, notes=plan.notes)


def _is_in_store(result: Committed | NinjaError) -> bool:
    return isinstance(result, Committed) and result.result in {CommitResult.OK, CommitResult.ALREADY}


def _is_done(result: Committed | NinjaError) -> bool:
    """Tell whether the candles need not be taken in again; what is kept for the store is no mark yet."""
    return _is_in_store(result) or (isinstance(result, Committed) and result.result == CommitResult.KEPT)


def _settled(work: _Work, results: Mapping[str, Committed | NinjaError]) -> Outcome:
    """Say what became of a strategy, now that the store has answered."""
    outcome, change = work.outcome, work.change
    if change is None:
        return outcome
    result = results[work.plan.strategy.name]
    if isinstance(result, Committed) and _is_done(result):
        listed = change.signals
        if result.listed == len(listed) and not result.repeated:
            return outcome
        listed = listed[len(listed) - result.listed :] if result.listed else ()
        return replace(outcome, signals=listed, repeated=result.repeated)
    undone = replace(outcome, cursor=work.plan.loaded.cursor, taken_in=0, signals=(), crosses=())
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
