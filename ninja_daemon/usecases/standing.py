"""Where each strategy stands when a wake begins: its cursor, and the averages behind it.

Averages that are missing are built from the broker's history. A cursor that is missing or wrong is taken from what is
stored beside it, or from the journal (contract 4.7 and 4.8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ninja_daemon.core.errors import HistoryGap, JournalUnavailable, NinjaError, PlugInFailed
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.stepper import advance_all, state_after
from ninja_daemon.core.signals.strategy import MAX_LOOK_BACK, Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched, Wanted, WantedHistory
from ninja_daemon.usecases.ports import Clock, Journal, Loaded
from ninja_daemon.usecases.trend.candles import LargerCandles, histories, newer, seeing
from ninja_daemon.usecases.wake_result import Start


class LastSignal(NamedTuple):
    """The last listed signal of a strategy.

    Attributes:
        time: open of its candle; None when none was ever listed.
    """

    time: Instant | None

    def placed(self, state: StrategyState, candles: Sequence[Candle]) -> StrategyState:
        """Return a state built of candles, its first one included, that knows when the last signal was."""
        number = sum(candle.time <= (self.time or 0) for candle in candles)
        return state._replace(signal_at=number or None)


@dataclass(slots=True)
class Standing:
    """Where one strategy stands, and what the broker has sent for it in this wake.

    Attributes:
        strategy: its settings.
        loaded: what is stored of it.
        start: where its averages come from.
        cursor: open of the last candle taken in; None at a first start.
        state: averages and side after the cursor's candle; None while they are not known.
        instrument: decimals and pip of ``state``.
        error: why the strategy cannot be brought up to date.
        fetched: complete candles that the broker sent, history included.
        history: the candles that missing averages were built of, without those of ``newer``.
        newer: the candles after the cursor.
        book: the open signals after the cursor's candle; None while they are not known.
        closed: outcomes found on the way to them.
        larger: the larger timeframe of its trend; None for a strategy without one.
        last_signal: the last listed one; None while that is not known, or of no interest.
        notes: stored parts that could not be used, one sentence each.
    """

    strategy: Strategy
    loaded: Loaded
    start: Start
    cursor: Instant | None
    state: StrategyState | None = None
    instrument: Instrument | None = None
    error: NinjaError | None = None
    fetched: int = 0
    history: Sequence[Candle] = ()
    newer: Fetched | None = None
    book: Book | None = None
    closed: Sequence[Outcome] = ()
    larger: LargerCandles | None = None
    last_signal: LastSignal | None = None
    notes: list[str] = field(default_factory=list)


class Standings:
    """Finds out where strategies stand, for one wake.

    Attributes:
        journal_error: why the local journal could not be used, None when it could.
    """

    def __init__(self, source: CandleSource, journal: Journal, clock: Clock, calendar: Calendar = NO_CALENDAR) -> None:
        """Choose whom to ask, and by which news earlier crosses are judged again."""
        self.source = source
        self.journal = journal
        self.clock = clock
        self.calendar = calendar
        self.journal_error: JournalUnavailable | None = None
        self._marks: Mapping[str, Instant] | None = None

    def of(self, strategy: Strategy, loaded: Loaded, *, must_rebuild: bool) -> Standing:
        """Return where a strategy stands by what is stored of it."""
        cursor = loaded.cursor
        if cursor is None:
            cursor = self._named_elsewhere(strategy, loaded)
        standing = Standing(strategy, loaded, Start.FIRST, cursor, notes=list(loaded.notes))
        if cursor is None:
            standing.larger = LargerCandles.of(strategy, None, None)
        else:
            self._start_from(standing, cursor, must_rebuild=must_rebuild)
        return standing

    def _start_from(self, standing: Standing, cursor: Instant, *, must_rebuild: bool = False) -> None:
        loaded, strategy = standing.loaded, standing.strategy
        state = loaded.state
        standing.cursor = cursor
        is_at_cursor = state is not None and state.last is not None and state.last.time == cursor
        if is_at_cursor and not must_rebuild and (strategy.trend is None or loaded.trend is not None):
            standing.start, standing.state, standing.instrument = Start.STORED, state, loaded.instrument
            standing.larger = LargerCandles.of(strategy, loaded.trend, cursor)
        else:
            standing.start, standing.larger = Start.REBUILT, LargerCandles.of(strategy, None, cursor)

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

    def mend_future_cursors(self, standings: Sequence[Standing]) -> None:
        """Check with the broker each cursor that lies in the future of our clock, or of the parts stored beside it."""
        now = self.clock.now()
        doubtful = [
            standing
            for standing in standings
            if standing.cursor is not None
            and (
                _closes_after(standing.strategy, standing.cursor, now)
                or _is_ahead_of_the_rest(standing, standing.cursor)
            )
        ]
        if not doubtful:
            return
        requests = {standing.strategy.name: WantedHistory(standing.strategy.series, None, 2) for standing in doubtful}
        answers = self.source.history(set(requests.values()))
        for standing in doubtful:
            answer = answers[requests[standing.strategy.name]]
            if isinstance(answer, NinjaError):
                standing.error = answer
            elif answer.candles:
                self._mend_future_cursor(standing, answer.candles[-1].time)

    def _mend_future_cursor(self, standing: Standing, newest: Instant) -> None:
        """Replace a cursor that lies behind the broker's newest complete candle."""
        if standing.cursor is None or standing.cursor <= newest:
            return
        standing.notes.append(
            f"last_processed must not be in the future, was {format_instant(standing.cursor)} "
            f"while the broker's newest complete candle is {format_instant(newest)}"
        )
        elsewhere = self._named_elsewhere(standing.strategy, standing.loaded, newest)
        if elsewhere is None:
            standing.start, standing.cursor, standing.state = Start.FIRST, None, None
            standing.larger = LargerCandles.of(standing.strategy, None, None)
        else:
            self._start_from(standing, elsewhere)

    def read_histories(self, standings: Sequence[Standing]) -> None:
        """Build missing averages from history: up to the cursor, or up to the newest candle at a first start."""
        building = [standing for standing in standings if standing.start is not Start.STORED and standing.error is None]
        counts = {standing.strategy.name: _needed(standing) for standing in building}
        larger = histories((one.larger for one in standings if one.larger and one.error is None), self.clock.now())
        while building or larger:
            requests = _widest(building, counts)
            answers = self.source.history({*requests.values(), *(request for _, request in larger)})
            for one, request in larger:
                one.take(answers[request])
            unsettled, larger = [], ()
            for standing in building:
                count = counts[standing.strategy.name]
                if not self._build(standing, _newest(answers[requests[standing.strategy.name]], count), count):
                    counts[standing.strategy.name] = MAX_LOOK_BACK + standing.strategy.warm_up
                    unsettled.append(standing)
            building = unsettled

    def _build(self, standing: Standing, answer: Fetched | NinjaError, asked: int) -> bool:
        """Take a history in; return False when the side lies further back than it reaches."""
        if isinstance(answer, NinjaError):
            standing.error = answer
            return True
        standing.fetched += len(answer.candles)
        candles = list(answer.candles)
        problem = _history_problem(standing, answer, candles)
        if problem is not None:
            standing.error = problem
            return True
        rules = seeing(rules_of(standing.strategy, answer.instrument), standing.larger, answer, self.calendar)
        # A first start evaluates the newest candle like any other, behind a state that ends just before it.
        known = candles if standing.start is Start.REBUILT else candles[:-1]
        try:
            state = state_after(rules, known) or advance_all(rules, rules.empty_state(), known)[0]
        except PlugInFailed as error:
            standing.error = error
            return True
        if standing.last_signal is not None:
            state = standing.last_signal.placed(state, known)
        can_reach_further = len(candles) >= asked and asked < MAX_LOOK_BACK + standing.strategy.warm_up
        if state.side is None and state.seen >= standing.strategy.warm_up and can_reach_further:
            return False
        standing.state, standing.instrument, standing.history = state, answer.instrument, known
        if standing.start is Start.FIRST:
            standing.newer = answer._replace(candles=candles[-1:], at_cursor=None)
        return True

    def read_newer(self, standings: Sequence[Standing]) -> None:
        """Ask for the candles after each cursor."""
        quoted = _quoted(standings)
        requests = {
            one.strategy.name: Wanted(one.strategy.series, one.cursor, bool(quoted) and one.strategy.series in quoted)
            for one in standings
            if one.error is None and one.start is not Start.FIRST and one.cursor is not None
        }
        if not requests:
            return
        larger = newer(
            (one.larger for one in standings if one.larger and one.strategy.name in requests), self.clock.now()
        )
        answers = self.source.newer({*requests.values(), *(request for _, request in larger)})
        for one, request in larger:
            one.take(answers[request])
        for standing in standings:
            if standing.strategy.name not in requests:
                continue
            answer = answers[requests[standing.strategy.name]]
            if isinstance(answer, NinjaError):
                standing.error = answer
            else:
                standing.newer = answer
                standing.fetched += len(answer.candles)


def _quoted(standings: Sequence[Standing]) -> set[Series]:
    """Return the series of which bid and ask are wanted, so that one request serves all strategies of it."""
    return {one.strategy.series for one in standings if one.strategy.needs_spread}


def _needed(standing: Standing) -> int:
    """Return how many candles of history to ask for first."""
    warm_up = standing.strategy.warm_up
    if standing.strategy.spacing and standing.last_signal is None:  # which the candles shall tell
        return warm_up + MAX_LOOK_BACK
    return warm_up + 2


def _closes_after(strategy: Strategy, cursor: Instant, now: float) -> bool:
    return strategy.granularity.close_of(cursor) > now


def _is_ahead_of_the_rest(standing: Standing, cursor: Instant) -> bool:
    """Tell whether averages or side, which are written together with the cursor, name an earlier candle than it."""
    state, named = standing.loaded.state, standing.loaded.named
    is_stored = state is not None and state.last is not None and state.last.time < cursor
    return standing.start is not Start.STORED and (is_stored or (named is not None and named < cursor))


def _widest(building: Sequence[Standing], counts: Mapping[str, int]) -> dict[str, WantedHistory]:
    """Return the histories to ask for, by strategy name: one a series and end, as long as any strategy needs it."""
    longest = dict[tuple[Series, Instant | None], int]()
    for one in building:
        key = one.strategy.series, one.cursor
        longest[key] = max(counts[one.strategy.name], longest.get(key, 0))
    quoted = _quoted(building)
    wanted = {key: WantedHistory(*key, count, key[0] in quoted) for key, count in longest.items()}
    return {one.strategy.name: wanted[one.strategy.series, one.cursor] for one in building}


def _newest(answer: Fetched | NinjaError, count: int) -> Fetched | NinjaError:
    """Return the answer to a shorter request: averages that forget slowly begin where they would have begun alone."""
    if isinstance(answer, NinjaError) or len(answer.candles) <= count:
        return answer
    return answer._replace(candles=answer.candles[-count:])


def _history_problem(standing: Standing, answer: Fetched, candles: Sequence[Candle]) -> NinjaError | None:
    if answer.rejected is not None:
        return answer.rejected
    if standing.cursor is None:
        return None if candles else HistoryGap("the broker has no complete candle of it yet")
    if candles and candles[-1].time == standing.cursor:
        return None
    end = f"ends at {format_instant(candles[-1].time)}" if candles else "is empty"
    message = (
        f"the broker's history must end at the last candle taken in, {format_instant(standing.cursor)}, but {end}; "
        "the strategy waits (delete its last_processed key to begin anew)"
    )
    return HistoryGap(message)
