"""One wake: look at the broker until every strategy has the candle that closed last, or patience ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Final

from ninja_daemon.adapters.host.garbage import no_collection
from ninja_daemon.app.daemon.counters import Counters
from ninja_daemon.app.daemon.figures import WakeFigures
from ninja_daemon.app.daemon.leadership import Leadership
from ninja_daemon.app.daemon.outcome_log import WakeLog
from ninja_daemon.app.daemon.troubles.denial import Denial
from ninja_daemon.app.daemon.troubles.outage import Outage
from ninja_daemon.app.daemon.troubles.retries import Retries
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.core.errors import StoreUnavailable, TransientError
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Series
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.polling import Watch
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import DaemonPorts
from ninja_daemon.usecases.wake_result import Start, StrategyResult, WakeResult

_GIVE_UP: Final = 3_600.0
"""Seconds after which a candle that never came, without any error, is left to the next close."""


class Wakes:
    """Brings strategies up to date, and knows which of them are being worked on."""

    def __init__(
        self,
        ports: DaemonPorts,
        *,
        liveness: Liveness,
        say: WakeLog,
        figures: WakeFigures,
        retries: Retries,
        leadership: Leadership,
        outage: Outage,
    ) -> None:
        """Put the parts together."""
        self._ports = ports
        self._clock = ports.clock
        self._liveness = liveness
        self._figures = figures
        self._retries = retries
        self._leadership = leadership
        self._outage = outage
        self._say = say
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self.stop = threading.Event()
        """Set when the process ends or settings are taken over: running work ends soon, and no new work begins."""
        self.has_ended = False
        self.denial = Denial(ports.clock)
        self.recorded: Callable[[WakeResult], None] = lambda _: None
        """Keeps the record of what a look listed."""
        self.behind: Callable[[Mapping[str, tuple[Instant, str]]], None] = lambda _: None
        """Notes why strategies are not up to date: by name the close that was not evaluated, and the reason."""
        self.calendar: Callable[[], Calendar] = lambda: NO_CALENDAR
        """Returns the scheduled news that are known."""
        self.named: Callable[[str], str] = str
        """Makes a worker's name one that no other part of the process has."""
        self._then: Callable[[], None] | None = None
        self.idle = threading.Event()
        """Set while no strategy is being worked on."""
        self.idle.set()

    def end(self) -> None:
        """Begin no more work, ever."""
        self.has_ended = True
        self.stop.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep all work from going on for the length of a block, which begins when running work has ended."""
        with self._lock:
            self.stop.set()
        self.idle.wait()
        try:
            yield
        finally:
            self.stop.clear()
            if self.has_ended:
                self.stop.set()

    def when_idle(self, act: Callable[[], None]) -> None:
        """Do something that no work may begin during: now, or as soon as what is under way has ended."""
        with self._lock:
            self._then = act
            self._act_if_idle()

    def _act_if_idle(self) -> None:
        if not self._busy and self._then is not None:
            then, self._then = self._then, None
            then()

    @contextmanager
    def claimed(self, strategies: Iterable[Strategy]) -> Iterator[list[Strategy]]:
        """Work on those that no other job works on; what that job finds serves us, too."""
        with self._lock:
            free = () if self.stop.is_set() else strategies
            mine = [strategy for strategy in free if strategy.name not in self._busy]
            self._busy.update(strategy.name for strategy in mine)
            if self._busy:
                self.idle.clear()
        try:
            yield mine
        finally:
            with self._lock:
                self._busy.difference_update(strategy.name for strategy in mine)
                if not self._busy:
                    self.idle.set()
                self._act_if_idle()

    def border(self, strategy: Strategy) -> Instant:
        """Return when the newest candle that is to be expected has closed."""
        return strategy.market_hours.last_close(strategy.granularity, int(self._clock.now()))

    def settle(self, due: Sequence[Strategy], watch: Watch | None) -> None:
        """Bring strategies up to date, leaving marks of progress meanwhile; look only once without a watch."""
        worker = f"retry of {due[0].name}" if watch is None else f"close of {due[0].granularity.name}"
        worker = self.named(worker)
        with self._liveness.working(worker):
            wake = _Wake(due, {strategy.name: self.border(strategy) for strategy in due})
            while wake.looking and not self.stop.is_set():
                if watch is not None and self._clock.wait(self.stop, watch.pause(self._clock.now())):
                    break
                self._liveness.beat(worker)
                with no_collection():
                    looks_again = self._look(wake, watch)
                if not looks_again:
                    break
            self._conclude(wake, once=watch is None)

    def _look(self, wake: _Wake, watch: Watch | None) -> bool:
        """Ask the broker once; return whether to look again for those that are left."""
        began, asked_at = self._clock.monotonic(), self._clock.now()
        is_last = watch is None or watch.is_over(asked_at)
        try:
            result = catch_up(
                wake.looking,
                source=self._ports.source,
                store=self._ports.store,
                journal=self._ports.journal,
                clock=self._clock,
                hold_gaps=not is_last,
                calendar=self.calendar(),
            )
        except StoreUnavailable as error:
            self._outage.failed(error, is_active=self._leadership.is_active)
            self._figures.wait([strategy.name for strategy in wake.looking], str(error))
            return False
        wake.count(result, self._clock.monotonic() - began)
        if (away := self._ports.store.away) is not None:
            self._outage.failed(away, is_active=self._leadership.is_active)
        self.denial.heard(result.results)
        self._say.changes(self._ports.source.changes())
        self._say.result(result, self._ports.source.doubt)
        self.recorded(result)
        for strategy in wake.sort(result):
            self._retries.drop(strategy.name)
            self._figures.missing.pop(strategy.name, None)
            self._figures.closes.done([strategy], wake.borders[strategy.name])
        if watch is not None:
            _tell(watch, asked_at, result, wake)
        if result.fenced:
            self._leadership.stand_by()
            wake.looking, wake.failed = [], []
        return not (is_last or result.fenced)

    def _conclude(self, wake: _Wake, *, once: bool) -> None:
        """Plan tries for those that are left, count the wake, and write its summary line."""
        if not self.stop.is_set():
            missing = [strategy for strategy in wake.looking if strategy.name not in self._figures.waiting]
            self._figures.lacks(missing, wake.borders)
            self._say.missing(missing)
        left = [*wake.looking, *wake.failed]
        reasons = self._figures.reasons()
        self.behind({one.name: (wake.borders[one.name], reasons[one.name]) for one in left if one.name in reasons})
        for strategy in left:
            self.try_later(strategy, wake.borders[strategy.name])
        self._figures.add(wake.counters, self._clock.now(), is_good=not left)
        # A single try that found nothing is not worth a line.
        if wake.counters.looks and (wake.counters.starts or not once):
            self._say.summary(wake.counters, strategies=wake.size, waiting=len(left), seconds=wake.seconds)

    def try_later(self, strategy: Strategy, border: Instant) -> None:
        """Plan another try, unless the candle has only not come for an hour."""
        is_missing = strategy.name in self._figures.missing and strategy.name not in self._figures.waiting
        if is_missing and self._clock.now() - border > _GIVE_UP:
            self._retries.drop(strategy.name)
        else:
            self._retries.later(strategy.name)


class _Wake:
    """What the looks of one wake add up to.

    Attributes:
        borders: by strategy name, when the candle that is waited for closed.
        looking: strategies for which looking again soon can help.
        failed: strategies for which it cannot.
        found: series whose candle that closed last has been seen complete.
    """

    def __init__(self, due: Sequence[Strategy], borders: Mapping[str, Instant]) -> None:
        self.size = len(due)
        self.borders = borders
        self.looking = list(due)
        self.failed: list[Strategy] = []
        self.found: set[Series] = set()
        self.counters = Counters(wakes=1)
        self.seconds = 0.0

    def count(self, result: WakeResult, seconds: float) -> None:
        """Count one look."""
        self.seconds += seconds
        self.counters.looks += 1
        for one in result.results:
            self.counters.evaluated += one.taken_in
            self.counters.fetched += one.fetched
            self.counters.signals += len(one.signals)
            if one.error is None and (one.taken_in or one.start is not Start.STORED):
                self.counters.hits += one.start is Start.STORED
                self.counters.rebuilds += one.start is Start.REBUILT
                self.counters.firsts += one.start is Start.FIRST

    def sort(self, result: WakeResult) -> list[Strategy]:
        """Sort the strategies of a look; return those that are up to date."""
        by_verdict: dict[_Verdict, list[Strategy]] = {verdict: [] for verdict in _Verdict}
        for one in result.results:
            by_verdict[_verdict(one, self.borders[one.strategy.name])].append(one.strategy)
        self.looking = by_verdict[_Verdict.LOOK_AGAIN]
        self.failed += by_verdict[_Verdict.FAILED]
        return by_verdict[_Verdict.DONE]


def _tell(watch: Watch, asked_at: float, result: WakeResult, wake: _Wake) -> None:
    """Let the watch learn from a look."""
    is_certain = all(one.error is None for one in result.results)
    found = _series_found(result, wake.borders) - wake.found
    wake.found |= found
    watch.looked(asked_at, found=len(found), left=len(wake.looking), is_certain=is_certain)


class _Verdict(Enum):
    """What is to be done about a strategy after a look."""

    DONE = "done"
    LOOK_AGAIN = "look again"
    FAILED = "failed"


def _verdict(one: StrategyResult, border: Instant) -> _Verdict:
    """Decide whether a strategy has what closed at ``border``, and if not, whether looking again soon can help."""
    if one.held:
        return _Verdict.LOOK_AGAIN
    if one.error is not None:
        return _Verdict.LOOK_AGAIN if isinstance(one.error, TransientError) else _Verdict.FAILED
    if one.cursor is None:
        return _Verdict.FAILED
    has_candle = one.strategy.granularity.close_of(one.cursor) >= border
    # A candle that forms after the border proves that none is to come for a period without prices.
    is_quiet = one.forming is not None and one.forming >= border
    return _Verdict.DONE if has_candle or is_quiet else _Verdict.LOOK_AGAIN


def _series_found(result: WakeResult, borders: Mapping[str, Instant]) -> set[Series]:
    """Return the series whose candle that closed last was complete at this look, whatever it waits for."""
    return {
        one.strategy.series
        for one in result.results
        if one.newest is not None and one.strategy.granularity.close_of(one.newest) == borders[one.strategy.name]
    }
