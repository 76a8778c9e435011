"""The signal daemon: its schedule, its polling, what an error means, and the life of its process.

Every job here only says "bring these strategies up to date". Which candles that takes is found out each time from what
is stored, so a job too many, too few, too late or at a wrong hour of a stepped clock changes nothing.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

import structlog

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.adapters.host.scheduler import Scheduler
from ninja_daemon.adapters.telemetry.recurring import Recurring, duration
from ninja_daemon.app.daemon.outcome_log import say_news
from ninja_daemon.app.daemon.same_settings import declare, difference
from ninja_daemon.app.process.liveness import Pulse
from ninja_daemon.core.errors import BrokerDenied, BrokerUnavailable, ConfigError, StoreUnavailable, TransientError
from ninja_daemon.core.histogram import LATENCY_BOUNDS, Spread
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, format_moment
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.polling import CompletionDelay, Looks, Watch
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import CandleSource, Clock, DaemonStore, Journal
from ninja_daemon.usecases.wake_result import Start, StrategyResult, WakeResult

PATIENCE: Final = 90.0
"""Seconds after a close for which the broker is asked again and again (the longest wait seen was 45 s)."""
_SHARE_OF_CANDLE: Final = 0.8
LEASE_SECONDS: Final = 15.0
"""A daemon that does not renew for so long is taken over; three renewals may fail."""
_TICK: Final = 5.0
_TOLERANCE: Final = 60.0
"""Seconds for which a daemon that stands by bears an active one with other settings."""
_TELL_AFTER: Final = 60.0
"""Seconds for which Redis may be away before the operator hears of it; a restart of Redis is shorter."""
_QUIET_FEED, _QUIET_SERIES = 2, 24
"""Hours of an open market without any candle, and without one of a series, that no ordinary pause explains."""
_RETRY_FIRST: Final = 10.0
_RETRY_LONGEST: Final = 60.0
_GIVE_UP: Final = 3_600.0
"""Seconds after which a candle that never came, without any error, is left to the next close."""
_STOP_GRACE: Final = 2.0
"""Seconds; with a Redis that hangs while the lease is given back it makes less than five."""
_HEARTBEAT_LIFE: Final = 60
_DOUBTS_EVERY: Final = 3_600.0
"""Seconds between two reminders of what is wrong with the account while candles come."""
_NAMED: Final = 4
"""Strategies that a line names; the others are in ``status``."""


class Missing(NamedTuple):
    """A candle that has not come.

    Attributes:
        border: when it closed.
        since: when the first one closed that has not come since.
    """

    border: Instant
    since: Instant


@dataclass(slots=True)
class Figures:
    """What the process has counted since it started; shown by the heartbeat and ``status``."""

    wakes: int = 0
    polls: int = 0
    evaluated: int = 0
    fetched: int = 0
    hits: int = 0
    rebuilds: int = 0
    firsts: int = 0
    signals: int = 0
    last_wake: float = 0.0
    last_good_wake: float = 0.0
    waiting: dict[str, str] = field(default_factory=dict)
    """By strategy: what stands in its way."""
    missing: dict[str, Missing] = field(default_factory=dict)
    """By strategy: the candle for which nothing came although nothing failed; a period without prices has none."""
    completion_delay: Mapping[str, CompletionDelay] = field(default_factory=dict)
    """By timeframe: when the broker called candles complete, and what it took to see it."""

    def reasons(self) -> dict[str, str]:
        """Return why strategies are not up to date, by name."""
        missing = {
            name: f"the candle that closed at {format_instant(one.border)} has not come"
            for name, one in dict(self.missing).items()
        }
        return missing | dict(self.waiting)

    @property
    def hit_ratio(self) -> float | None:
        """Share of evaluations that found their averages stored."""
        total = self.hits + self.rebuilds + self.firsts
        return self.hits / total if total else None


class Daemon:
    """One process's work; ``start`` and ``stop`` once."""

    def __init__(
        self,
        strategies: Sequence[Strategy],
        *,
        source: CandleSource,
        store: DaemonStore,
        journal: Journal,
        clock: Clock,
        on_crash: Callable[[BaseException], None],
        pulse: Pulse | None = None,
    ) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            strategies: what to keep up to date.
            source: the broker.
            store: state, list, lease.
            journal: this machine's memory.
            clock: time.
            on_crash: called with an error that nobody expected; the process ends with it.
            pulse: where the jobs leave marks of progress.
        """
        self._pulse = Pulse(clock) if pulse is None else pulse
        self.strategies = tuple(strategies)
        self._looks = Looks()
        self.figures = Figures(completion_delay=self._looks.delays)
        self._source = source
        self._store = store
        self._journal = journal
        self._clock = clock
        self._log = structlog.get_logger("ninja.daemon")
        self._token = holder_token("run")
        self._started = clock.now()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._active: bool | None = None
        self._compared_with = ""
        self._differs_since: float | None = None
        self._declared = False
        self._busy: set[str] = set()
        self._idle = threading.Event()
        self._idle.set()
        self._retries: dict[str, tuple[float, float]] = {}
        self._news_at: Instant = 0
        self._troubles = Recurring(clock, self._log)
        self._doubts = Recurring(clock, self._log, every=_DOUBTS_EVERY)
        self._lost_at: float | None = None
        self._lost_is_told = False
        self.cursors: dict[str, Instant] = {}
        """Open of the last candle taken in, by strategy name, as far as this process knows."""
        self.surroundings: Callable[[], Mapping[str, object]] = dict
        """What the heartbeat says beside our own figures, by field."""
        self.doubt: Callable[[], str] = str
        """What is wrong with the broker's account although candles come; empty when nothing is."""
        self.signal_latency = Spread(LATENCY_BOUNDS)
        """Seconds from a candle's close to the commit of its signal, late ones left out."""
        self._by_timeframe: dict[tuple[Granularity, MarketHours], list[Strategy]] = defaultdict(list)
        for strategy in self.strategies:
            self._by_timeframe[strategy.granularity, strategy.market_hours].append(strategy)
        self._scheduler = Scheduler(threads=len(self._by_timeframe) + 2, on_error=on_crash)

    def start(self) -> None:
        """Begin to wake at closes, to renew the lease, and to try again what failed."""
        for granularity, hours in self._by_timeframe:
            # At the close itself: the job knows when a look is worth its request, and waits until then.
            self._scheduler.at_candle_close(granularity, hours, 0.0, self.on_close)
        self._scheduler.every(_TICK, self.renew_lease)
        self._scheduler.every(_TICK, self.retry)
        self._scheduler.start()

    def stop(self) -> bool:
        """End: no new work, running work is given a moment, the lease is given back.

        Returns:
            Whether all running work has ended.
        """
        self._stop.set()
        self._scheduler.stop()
        ended = self._idle.wait(_STOP_GRACE)
        if self._active:
            try:
                self._store.release(self._token)
            except StoreUnavailable as error:
                self._log.info("the lease could not be given back and will run out by itself", reason=str(error))
        return ended

    # --- jobs --------------------------------------------------------------------------------------------------------

    def on_close(self, granularity: Granularity, hours: MarketHours) -> None:
        """Bring the strategies of a timeframe up to date; called at each close of its candles."""
        if not self._active or self._stop.is_set():
            return
        with self._claimed(self._by_timeframe[granularity, hours]) as due:
            border = None
            # Again when the next candle has closed while we were still waiting for this one.
            while due and not self._stop.is_set() and border != (newest := self._border(due[0])):
                border = newest
                patience = min(PATIENCE, _SHARE_OF_CANDLE * granularity.seconds)
                watch = self._looks.watch(
                    granularity.name, len({strategy.series for strategy in due}), border, patience
                )
                self._settle(due, watch)
                self._looks.learn(granularity.name, watch)

    def retry(self) -> None:
        """Try again what did not work at its close, at growing distances, whatever the reason was."""
        if not self._active:
            return
        now = self._clock.monotonic()
        names = {name for name, (due, _) in list(self._retries.items()) if due <= now}
        with self._claimed(strategy for strategy in self.strategies if strategy.name in names) as due:
            if due:
                self._settle(due, None)

    def renew_lease(self) -> None:
        """Take or keep the lease, tell ``status`` that we live, and begin to work when the lease is new."""
        if self._stop.is_set():
            return
        # Every few seconds, so that a scheduler that has died is noticed by the age of this mark.
        self._pulse.beat("lease")
        try:
            lease = self._store.lease(self._token, LEASE_SECONDS)
            # The one who works tells how it goes; a standby's figures in their place would read as a daemon that idles.
            if lease.held:
                self._store.report(self._heartbeat(is_active=True), _HEARTBEAT_LIFE)
        except StoreUnavailable as error:
            self._redis_failed(error)
            self._declared = False
            if self._active is None and self._store.led_here():
                self._log.info(
                    "this machine's daemon was the active one when Redis was lost; it goes on alone",
                    event_id="leader.alone",
                )
                self._active = True
                self._retry_all_now()
            if self._store.away is not None:
                with suppress(StoreUnavailable):
                    self._store.report(self._heartbeat(is_active=self.is_active), _HEARTBEAT_LIFE)
            return
        finally:
            self._note_replayed()
        self._redis_answered()
        if lease.held and (lease.is_new or not self._declared):
            self._declared = declare(self._store, self._token, self.strategies)
        if lease.held and not self._active:
            self._log.info("this daemon is the active one", event_id="leader.active", fence=lease.fence)
            self._active = True
            self._retry_all_now()
        elif not lease.held:
            self._compare(lease.holder)
        if not lease.held:
            self._stand_by(lease.holder)

    def _stand_by(self, holder: str) -> None:
        if self._active is not False:
            sentence = "another daemon is the active one; this one stands by"
            self._log.info(sentence, event_id="leader.standby", holder=holder or "unknown")
        self._active = False
        with self._lock:
            # What waits, waits for the other one now.
            self.figures.waiting.clear()
            self.figures.missing.clear()

    def _compare(self, holder: str) -> None:
        """Find out whether the active daemon watches what we do.

        Raises:
            ConfigError: it does not. A daemon that has run before waits a little: settings of a pair are changed one
                after the other.
        """
        if holder == self._compared_with or holder.startswith("once|"):
            return
        problem = difference(self._store, holder, self.strategies)
        if problem is None:
            return  # It has not said so yet; the next tick asks again.
        now = self._clock.monotonic()
        if not problem:
            self._compared_with, self._differs_since = holder, None
            self._troubles.recovered("settings", "the active daemon watches the same", event_id="settings.same")
            return
        self._differs_since = now if self._differs_since is None else self._differs_since
        if self._active is not None and now - self._differs_since < _TOLERANCE:
            self._troubles.failed("settings", problem, level="error", event_id="settings.differ")
            return
        raise ConfigError(problem)

    # --- one wake ----------------------------------------------------------------------------------------------------

    def _settle(self, due: Sequence[Strategy], watch: Watch | None) -> None:
        """Bring strategies up to date, leaving marks of progress meanwhile."""
        worker = f"retry of {due[0].name}" if watch is None else f"close of {due[0].granularity.name}"
        with self._pulse.working(worker):
            self._settle_at_work(due, watch, worker)

    def _settle_at_work(self, due: Sequence[Strategy], watch: Watch | None, worker: str) -> None:
        """Ask until every strategy has the candle that closed last, or patience ends; only once without a watch."""
        report = _WakeReport(len(due))
        borders = {strategy.name: self._border(strategy) for strategy in due}
        looking, failed = list(due), list[Strategy]()
        while looking and not self._stop.is_set():
            if watch is not None and self._clock.wait(self._stop, watch.pause(self._clock.now())):
                break
            self._pulse.beat(worker)
            began, asked_at = self._clock.monotonic(), self._clock.now()
            is_last = watch is None or watch.is_over(asked_at)
            try:
                wake = catch_up(
                    looking,
                    source=self._source,
                    store=self._store,
                    journal=self._journal,
                    clock=self._clock,
                    hold_gaps=not is_last,
                )
            except StoreUnavailable as error:
                self._redis_failed(error)
                with self._lock:
                    self.figures.waiting.update({strategy.name: str(error)[:200] for strategy in looking})
                break
            report.add(wake, self._clock.monotonic() - began)
            if (away := self._store.away) is not None:
                self._redis_failed(away)
            self._note(wake)
            looking, hopeless = self._sorted(wake, borders)
            failed += hopeless
            if watch is not None:
                is_certain = all(outcome.error is None for outcome in wake.outcomes)
                found = _series_found(wake, borders)
                watch.looked(asked_at, found=found, left=len(looking), is_certain=is_certain)
            if wake.fenced:
                self._stand_by("")
                looking, failed = [], []
                break
            if is_last:
                break
        if not self._stop.is_set():
            self._note_missing([strategy for strategy in looking if strategy.name not in self.figures.waiting], borders)
        self._retry_later([*looking, *failed], borders)
        self._conclude(report, len(looking) + len(failed), once=watch is None)

    def _sorted(self, wake: WakeResult, borders: Mapping[str, Instant]) -> tuple[list[Strategy], list[Strategy]]:
        """Return the strategies for which looking again soon can help, and those for which it cannot."""
        looking, failed = list[Strategy](), list[Strategy]()
        for outcome in wake.outcomes:
            strategy = outcome.strategy
            match _verdict(outcome, borders[strategy.name]):
                case _Verdict.DONE:
                    self._retries.pop(strategy.name, None)
                    self.figures.missing.pop(strategy.name, None)
                case _Verdict.FAILED:
                    failed.append(strategy)
                case _Verdict.LOOK_AGAIN:
                    looking.append(strategy)
        return looking, failed

    def _border(self, strategy: Strategy) -> Instant:
        """Return when the newest candle that is to be expected has closed."""
        return strategy.market_hours.last_close(strategy.granularity, int(self._clock.now()))

    def _note(self, wake: WakeResult) -> None:
        """Log what one look found, and remember who has to be tried again."""
        if wake.journal_error is not None:
            self._troubles.failed("journal.down", f"signals go on without the local journal: {wake.journal_error}")
        else:
            self._troubles.recovered("journal.down", "the local journal works again")
        for outcome in wake.outcomes:
            self._note_outcome(outcome)
        self._note_errors(wake.outcomes)
        self._note_doubt()

    def _note_doubt(self) -> None:
        """Say what is wrong with the account, once an hour: it may stay so, and nothing waits for it."""
        doubt = self.doubt()
        if not doubt:
            self._doubts.recovered("account", "the broker's account answers as it should", event_id="broker.up")
            return
        is_news = not self._doubts.is_failing("account")
        self._doubts.failed("account", doubt, event_id="broker.doubt")
        if is_news:
            self._alert("broker_account", "warning", f"The broker's account: {doubt}")

    def _note_outcome(self, outcome: StrategyResult) -> None:
        strategy = outcome.strategy
        for note in outcome.notes:
            self._troubles.failed(f"state.{strategy.name}.{note[:20]}", f"{strategy.name}: {note}")
        if outcome.error is None:
            with self._lock:
                self.figures.waiting.pop(strategy.name, None)
        if outcome.cursor is not None:
            self.cursors[strategy.name] = outcome.cursor
        now = self._clock.now()
        if outcome.taken_in:
            self._news_at = int(now)
        for signal in outcome.signals:
            if not signal.late:
                self.signal_latency.add(now - signal.close_time)
        say_news(self._log, outcome)

    def _note_errors(self, outcomes: Sequence[StrategyResult]) -> None:
        """Say each trouble once for all the strategies that it stops."""
        stopped: dict[str, list[StrategyResult]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.error is not None:
                stopped[_trouble(outcome)].append(outcome)
                with self._lock:
                    self.figures.waiting[outcome.strategy.name] = str(outcome.error)[:200]
        for trouble, those in stopped.items():
            error = those[0].error
            names = ", ".join(outcome.strategy.name for outcome in those[:_NAMED]) + " …" * (len(those) > _NAMED)
            is_news = not self._troubles.is_failing(trouble)
            self._troubles.failed(
                trouble, f"waiting: {error}", event_id=trouble.split(".")[0] + ".trouble", strategies=names
            )
            if is_news and isinstance(error, BrokerDenied):
                self._alert("broker_denied", "critical", f"The broker refuses the token or the account: {error}")
        if any(outcome.error is None for outcome in outcomes):
            for trouble in ("broker.down", "broker.denied"):
                if trouble not in stopped:
                    self._troubles.recovered(trouble, "the broker answers again", event_id="broker.up")
        for outcome in outcomes:
            if outcome.error is None:
                self._troubles.recovered(f"strategy.{outcome.strategy.name}", f"{outcome.strategy.name} goes on")

    def _note_missing(self, strategies: Sequence[Strategy], borders: Mapping[str, Instant]) -> None:
        """Say which candles did not come although nothing failed, so that the silence is explained."""
        known = self.figures.missing
        for strategy in strategies:
            border = borders[strategy.name]
            since = known[strategy.name].since if strategy.name in known else border
            known[strategy.name] = Missing(border, since)
        if strategies:
            names = ", ".join(strategy.name for strategy in strategies[:_NAMED]) + " …" * (len(strategies) > _NAMED)
            self._log.info(
                f"no news of {counted(len(strategies), 'strategy')} after the close; "
                "a period without prices has no candle",
                event_id="candle.missing",
                strategies=names,
            )

    def _retry_later(self, strategies: Iterable[Strategy], borders: Mapping[str, Instant]) -> None:
        now = self._clock.monotonic()
        with self._lock:
            for strategy in strategies:
                _, distance = self._retries.get(strategy.name, (0.0, _RETRY_FIRST))
                is_missing = strategy.name in self.figures.missing and strategy.name not in self.figures.waiting
                if is_missing and self._clock.now() - borders[strategy.name] > _GIVE_UP:
                    self._retries.pop(strategy.name, None)
                else:
                    self._retries[strategy.name] = (now + distance, min(2 * distance, _RETRY_LONGEST))

    def _retry_all_now(self) -> None:
        with self._lock:
            self._retries = {strategy.name: (0.0, _RETRY_FIRST) for strategy in self.strategies}
        # Not within the caller's job: a long catch-up must not keep the lease from being renewed.
        self._scheduler.soon(self.retry)

    def _conclude(self, report: _WakeReport, left: int, *, once: bool) -> None:
        """Count the wake, and write its one summary line unless it was a try again that found nothing."""
        figures = self.figures
        with self._lock:
            figures.wakes += 1
            figures.polls += report.polls
            figures.evaluated += report.new
            figures.fetched += report.fetched
            figures.hits += report.starts[Start.STORED]
            figures.rebuilds += report.starts[Start.REBUILT]
            figures.firsts += report.starts[Start.FIRST]
            figures.signals += report.signals
            figures.last_wake = self._clock.now()
            if not left:
                figures.last_good_wake = figures.last_wake
        if not report.polls or (once and not report.starts.total()):
            return
        ratio = figures.hit_ratio
        self._log.info(
            f"incremental fetch: {counted(report.new, 'new candle')} for {counted(report.strategies, 'strategy')} "
            f"in {report.seconds:.3f} s",
            event_id="wake",
            signals=report.signals,
            waiting=left,
            looks=report.polls,
            rebuilt=report.starts[Start.REBUILT],
            hit_ratio="none yet" if ratio is None else f"{ratio:.1%}",
            incremental_ratio=f"{report.incremental_ratio:.1%}",
        )

    def _redis_failed(self, error: StoreUnavailable) -> None:
        goes_on = self._store.away is not None and self._active
        what_now = (
            "nothing is lost, signals wait in the local journal and are delivered from there"
            if goes_on
            else "nothing is lost, the daemon catches up later"
        )
        self._troubles.failed("redis.down", f"{error}; {what_now}", event_id="redis.down")
        now = self._clock.monotonic()
        with self._lock:
            self._lost_at = now if self._lost_at is None else self._lost_at
            is_news = not self._lost_is_told and now - self._lost_at > _TELL_AFTER
            self._lost_is_told |= is_news
        if is_news:
            self._alert("redis_away", "warning", f"Redis has been away for a minute: {error}; {what_now}")

    def _redis_answered(self) -> None:
        if self._troubles.recovered("redis.down", "Redis is back", event_id="redis.up"):
            self._retry_all_now()
        with self._lock:
            is_news, self._lost_at, self._lost_is_told = self._lost_is_told, None, False
        if is_news:
            self._alert("redis_back", "info", "Redis is back, and what waited for it is listed.")

    def _note_replayed(self) -> None:
        for replayed in self._store.replayed():
            self._log.info(
                f"made for Redis what waited for it: {counted(replayed.commits, 'commit')}; "
                f"{counted(replayed.signals, 'signal')} listed now",
                event_id="journal.replayed",
            )
            for name in replayed.derived_again:
                self._log.warning(
                    f"{name}: Redis came back with another candle than it was left with; "
                    "what waited is derived again from the broker",
                    event_id="journal.derived_again",
                    strategy=name,
                )

    def _alert(self, kind: str, severity: str, text: str) -> None:
        try:
            self._store.alert(kind, severity, text, self._clock.now())
        except StoreUnavailable as error:
            self._log.warning("an alert could not be handed to the notifier", reason=str(error), alert=text)

    @contextmanager
    def _claimed(self, strategies: Iterable[Strategy]) -> Iterator[list[Strategy]]:
        """Work on those that no other job works on; what that one finds is found for us, too."""
        with self._lock:
            mine = [strategy for strategy in strategies if strategy.name not in self._busy]
            self._busy.update(strategy.name for strategy in mine)
            if self._busy:
                self._idle.clear()
        try:
            yield mine
        finally:
            with self._lock:
                self._busy.difference_update(strategy.name for strategy in mine)
                if not self._busy:
                    self._idle.set()

    @property
    def is_active(self) -> bool:
        """Whether this daemon holds the lease."""
        return self._active is True

    @property
    def is_store_up(self) -> bool:
        """Whether Redis answers and takes writes, as far as is known."""
        with self._lock:
            return self._lost_at is None

    @property
    def can_work(self) -> bool:
        """Whether a cross that comes now would be found and kept: with Redis, or as the active daemon without it."""
        return self.is_store_up or self.is_active

    def troubles(self) -> dict[str, str]:
        """Return what somebody should see to, by strategy: what failed, and a silence that the market does not explain.

        A candle that has not come is no trouble by itself, since a period without prices has none.
        """
        now = int(self._clock.now())
        reasons, failed = self.figures.reasons(), set(self.figures.waiting)
        is_overdue = {one.name for one in self.strategies if self._is_overdue(one, now)}
        return {name: reason for name, reason in reasons.items() if name in failed or name in is_overdue}

    def _is_overdue(self, strategy: Strategy, now: Instant) -> bool:
        missing = self.figures.missing.get(strategy.name)
        if missing is None:
            return False
        any_series, this_series = (
            strategy.market_hours.missing_between(Granularity.H1, since, now, _QUIET_SERIES)
            for since in (max(missing.since, self._news_at), missing.since)
        )
        return any_series >= _QUIET_FEED or this_series >= _QUIET_SERIES

    def sentence(self) -> str:
        """Return in a line how it goes, for ``systemctl status``."""
        figures, now = self.figures, self._clock.monotonic()
        state = {True: "active", False: "standing by", None: "starting"}[self._active]
        with self._lock:
            waiting, lost_at = len(figures.reasons()), self._lost_at
        parts = [f"{counted(len(self.strategies), 'strategy')}, {state}"]
        if figures.last_wake:
            parts.append(
                f"last wake {format_moment(figures.last_wake)[11:19]}Z, {counted(figures.signals, 'signal')} so far"
            )
        if waiting:
            parts.append(f"{waiting} waiting")
        parts.append("Redis ok" if lost_at is None else f"Redis away for {duration(now - lost_at)}")
        return "; ".join(parts)

    def _heartbeat(self, *, is_active: bool) -> str:
        figures = self.figures
        with self._lock:
            waiting = figures.reasons()
        return json.dumps(
            {
                "schema": 1,
                "pid": os.getpid(),
                "host": os.uname().nodename,
                "state": "active" if is_active else "standby",
                "started": format_moment(self._started),
                "at": format_moment(self._clock.now()),
                "last_wake": format_moment(figures.last_wake) if figures.last_wake else None,
                "last_good_wake": format_moment(figures.last_good_wake) if figures.last_good_wake else None,
                "wakes": figures.wakes,
                "looks": figures.polls,
                "evaluated": figures.evaluated,
                "fetched": figures.fetched,
                "hits": figures.hits,
                "rebuilds": figures.rebuilds,
                "firsts": figures.firsts,
                "hit_ratio": figures.hit_ratio,
                "signals": figures.signals,
                "strategies": len(self.strategies),
                "completion_delay": {
                    timeframe: {
                        "closes": delay.closes,
                        "looks": delay.looks,
                        "last": round(delay.last, 3),
                        "average": round(delay.average, 3),
                        "unseen": round(delay.unseen, 3),
                    }
                    for timeframe, delay in sorted(figures.completion_delay.items())
                },
                "waiting": waiting,
                **self.surroundings(),
            }
        )


@dataclass(slots=True)
class _WakeReport:
    """What the looks of one wake add up to."""

    strategies: int
    polls: int = 0
    new: int = 0
    fetched: int = 0
    signals: int = 0
    seconds: float = 0.0
    starts: Counter[Start] = field(default_factory=Counter)
    incremental: int = 0

    def add(self, wake: WakeResult, seconds: float) -> None:
        """Count one look."""
        self.polls += 1
        self.seconds += seconds
        for outcome in wake.outcomes:
            self.new += outcome.taken_in
            self.fetched += outcome.fetched
            self.signals += len(outcome.signals)
            if outcome.error is None and (outcome.taken_in or outcome.start is not Start.STORED):
                self.starts[outcome.start] += 1

    @property
    def incremental_ratio(self) -> float:
        """Share of evaluations that needed only the new candles."""
        total = self.starts.total()
        return self.starts[Start.STORED] / total if total else 1.0


class _Verdict(Enum):
    """What is to be done about a strategy after a look."""

    DONE = "done"
    LOOK_AGAIN = "look again"
    FAILED = "failed"


def _verdict(outcome: StrategyResult, border: Instant) -> _Verdict:
    """Decide whether a strategy has what closed at ``border``, and if not, whether looking again soon can help."""
    if outcome.held:
        return _Verdict.LOOK_AGAIN
    if outcome.error is not None:
        return _Verdict.LOOK_AGAIN if isinstance(outcome.error, TransientError) else _Verdict.FAILED
    if outcome.cursor is None:
        return _Verdict.FAILED
    has_candle = outcome.strategy.granularity.close_of(outcome.cursor) >= border
    # A candle that forms after the border proves that none is to come for a period without prices.
    is_quiet = outcome.forming is not None and outcome.forming >= border
    return _Verdict.DONE if has_candle or is_quiet else _Verdict.LOOK_AGAIN


def _series_found(wake: WakeResult, borders: Mapping[str, Instant]) -> int:
    """Count the series whose candle that closed last was complete at this look, and had not been known before."""
    return len(
        {
            outcome.strategy.series
            for outcome in wake.outcomes
            if outcome.taken_in
            and outcome.cursor is not None
            and outcome.strategy.granularity.close_of(outcome.cursor) == borders[outcome.strategy.name]
        }
    )


def _trouble(outcome: StrategyResult) -> str:
    match outcome.error:
        case BrokerDenied():
            return "broker.denied"
        case BrokerUnavailable():
            return "broker.down"
        case _:
            return f"strategy.{outcome.strategy.name}"
