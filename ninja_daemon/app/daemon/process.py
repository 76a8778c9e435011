"""The signal daemon: its schedule, and the life of its process.

Every job here only says "bring these strategies up to date". Which candles that takes is found out each time from what
is stored, so a job too many, too few, too late or at a wrong hour of a stepped clock changes nothing.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from ninja_daemon.adapters.host.garbage import freeze_garbage
from ninja_daemon.adapters.host.scheduler import Scheduler
from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.app.daemon.figures import WakeFigures
from ninja_daemon.app.daemon.leadership import Leadership
from ninja_daemon.app.daemon.notes.evaluation_notes import EvaluationNotes
from ninja_daemon.app.daemon.outcome_log import WakeLog
from ninja_daemon.app.daemon.part import WHOLE, Part
from ninja_daemon.app.daemon.troubles.outage import Outage
from ninja_daemon.app.daemon.troubles.retries import Retries
from ninja_daemon.app.daemon.wake import Wakes
from ninja_daemon.app.news.keeper import CalendarKeeper
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.core.completion_delays import LONGEST_DELAY
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.polling import CompletionDelay, LookSchedule
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted, duration
from ninja_daemon.usecases.candle_ports import DaemonSource, Traffic
from ninja_daemon.usecases.ports import Clock, DaemonPorts, DaemonStore, Journal
from ninja_daemon.usecases.sharing.sharding import is_calm
from ninja_daemon.usecases.wake_result import WakeResult

_SHARE_OF_CANDLE: Final = 0.8
_TICK: Final = 5.0
"""Seconds between two renewals of the lease, and between two looks at who is to be tried again."""
_LOOK: Final = 0.5
"""Seconds between two tries while Redis is away: a failover shall be over for us when it is for the servers."""
_STOP_GRACE: Final = 2.0
"""Seconds; with a Redis that hangs while the lease is given back it makes less than five."""
_THREADS: Final = 2 * len(Granularity) + 2
"""Jobs that may run at the same time: one for each timeframe in both market hours, and two. Threads begin when used."""


class Daemon:
    """One process's work; ``start`` and ``stop`` once."""

    def __init__(  # noqa: PLR0913 - named ports
        self,
        strategies: Sequence[Strategy],
        *,
        source: DaemonSource,
        store: DaemonStore,
        journal: Journal,
        clock: Clock,
        on_crash: Callable[[BaseException], None],
        liveness: Liveness | None = None,
        part: Part = WHOLE,
    ) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            strategies: what to keep up to date.
            source: the broker.
            store: state, list, lease.
            journal: this machine's memory.
            clock: time.
            on_crash: called with an error that nobody expected; the process ends with it.
            liveness: where the jobs leave marks of progress.
            part: which part of the work this is, where several share it.
        """
        self._configured = strategies
        self.strategies = _enabled(strategies)
        self._notes: EvaluationNotes | None = None
        self._news: CalendarKeeper | None = None
        self._liveness = Liveness(clock) if liveness is None else liveness
        self._clock = clock
        self._source = source
        self._store = store
        self._started = clock.now()
        self._renew_at = float("-inf")
        log = part.log()
        troubles = Recurring(clock, log)
        self._look_schedule = LookSchedule()
        self._part = part
        self.figures = part.figures or WakeFigures(self._look_schedule.delays)
        self.figures.closes.watch(self.strategies, int(self._started))
        self._retries = Retries(clock)
        self._outage = Outage(store, clock, log, troubles)
        self._leadership = Leadership(
            store,
            clock,
            part,
            outage=self._outage,
            troubles=troubles,
            begin=self._retry_all_now,
            end=self._forget_waiting,
        )
        self._wakes = Wakes(
            DaemonPorts(clock, source, store, journal),
            liveness=self._liveness,
            say=WakeLog(clock, log, self.figures, self._outage, troubles),
            figures=self.figures,
            retries=self._retries,
            leadership=self._leadership,
            outage=self._outage,
        )
        self._wakes.named = part.named
        self._by_timeframe = _by_timeframe(self.strategies)
        self._scheduler = Scheduler(threads=_THREADS, on_error=on_crash)

    def record_by(self, keep: Callable[[WakeResult], None]) -> None:
        """Have what each look lists recorded."""
        self._wakes.recorded = keep

    def note_by(self, notes: EvaluationNotes) -> None:
        """Have it noted why strategies are not up to date, and that this process works."""
        self._notes = notes
        self._wakes.behind = notes.behind
        notes.watches(self._configured)

    def quiet_by(self, news: CalendarKeeper) -> None:
        """Keep strategies quiet around the news of a calendar."""
        self._news = news
        self._wakes.calendar = lambda: news.calendar

    def start(self) -> None:
        """Begin to wake at closes, to renew the lease, and to try again what failed."""
        self._plan()
        self._scheduler.every(_LOOK, self._tick)
        self._scheduler.every(_TICK, self.retry)
        freeze_garbage()
        self._scheduler.start()

    def _plan(self) -> None:
        for granularity, hours in self._by_timeframe:
            # At the close itself: the job knows when a look is worth its request, and waits until then.
            self._scheduler.at_candle_close(granularity, hours, 0.0, self.on_close)

    def take_over(self, strategies: Sequence[Strategy]) -> None:
        """Go on with other settings, between two wakes: later candles than the cursors' are judged by the new ones.

        What is running ends at its next look. Then every timeframe is looked at as at its close, so that a candle
        that was being waited for is waited for again.
        """
        with self._wakes.held():
            self._configured = strategies
            self.strategies = _enabled(strategies)
            if self._notes is not None:
                self._notes.watches(strategies)
            self._by_timeframe = _by_timeframe(self.strategies)
            self._scheduler.forget_closes()
            self._plan()
            self._retries.now(())
            if self._part.figures is None:
                self.figures.keep_only(strategy.name for strategy in self.strategies)
            self.figures.closes.watch(self.strategies, int(self._clock.now()))
            self._leadership.settings_changed()
        self._scheduler.soon(self.renew_lease)
        for granularity, hours in self._by_timeframe:
            self._scheduler.soon(partial(self.on_close, granularity, hours))

    def tell_refused(self, text: str) -> None:
        """Alert the operator: a changed configuration was refused."""
        self._outage.alert("settings_refused", "warning", text)

    def stop(self) -> bool:
        """End: no new work, running work is given a moment, the lease is given back.

        Returns:
            Whether all running work has ended.
        """
        self._wakes.end()
        self._scheduler.stop()
        ended = self._wakes.idle.wait(_STOP_GRACE)
        self._leadership.release(self._heartbeat_as("stopped"))
        return ended

    # --- jobs --------------------------------------------------------------------------------------------------------

    def on_close(self, granularity: Granularity, hours: MarketHours) -> None:
        """Bring the strategies of a timeframe up to date; called at each close of its candles."""
        stop = self._wakes.stop
        if not self.is_active or stop.is_set() or self._wakes.denial.holds:
            return  # While the token is refused, `retry` asks for all of them.
        with self._wakes.claimed(self._by_timeframe.get((granularity, hours), ())) as due:
            border = None
            # Again when the next candle has closed while we were still waiting for this one.
            while due and not stop.is_set() and border != (newest := self._wakes.border(due[0])):
                border = newest
                patience = min(LONGEST_DELAY, _SHARE_OF_CANDLE * granularity.seconds)
                series = len({strategy.series for strategy in due})
                watch = self._look_schedule.watch(granularity.name, series, border, patience)
                # What closed long ago (a takeover) shows nothing of how late candles are completed.
                is_fresh = self._clock.now() - border < patience
                self._wakes.settle(due, watch)
                if is_fresh:
                    self._look_schedule.learn(granularity.name, watch)

    def retry(self) -> None:
        """Try again what did not work at its close, at growing distances, whatever the reason was."""
        if not self.is_active:
            return
        if self._wakes.denial.holds:
            self._ask_whether_refused()
            return
        names = self._retries.due()
        with self._wakes.claimed(strategy for strategy in self.strategies if strategy.name in names) as due:
            borders = [self._wakes.border(strategy) for strategy in due]
            if due:
                self._wakes.settle(due, None)
        # The job of a close that came meanwhile found these at work and left them to us; later ones find them free.
        pairs = zip(due, borders, strict=True)
        self._retries.soon(one.name for one, border in pairs if self._wakes.border(one) != border)

    def _ask_whether_refused(self) -> None:
        """Look for one strategy, when it is time; the first good answer lets all go on at once."""
        if not self._wakes.denial.may_ask:
            return
        with self._wakes.claimed(self.strategies[:1]) as due:
            if due:
                self._wakes.settle(due, None)
        if not self._wakes.denial.holds:
            self._retry_all_now()

    def renew_lease(self) -> None:
        """Take or keep the lease, tell ``status`` that we live, and begin to work when the lease is new."""
        if self._wakes.has_ended:
            return
        # Every few seconds, so that a scheduler that has died is noticed by the age of this mark.
        self._liveness.beat(self._part.named("lease"))
        if self._is_owed():
            self._wakes.when_idle(self._hand_over)
        self._leadership.renew(self.strategies, self._heartbeat)
        if self._notes is not None and self.is_active:
            self._notes.present(is_idle=self._wakes.idle.is_set() and is_calm(self._by_timeframe, self._clock.now()))

    def _is_owed(self) -> bool:
        """Whether another member is to have our shard, and no close is near."""
        is_ours = not self.is_active or self._part.seat.is_ours()
        return not is_ours and is_calm(self._by_timeframe, self._clock.now())

    def _hand_over(self) -> None:
        if self._is_owed():  # It may not be any more, by the end of what was under way.
            self._leadership.hand_over()

    def _tick(self) -> None:
        now = self._clock.monotonic()
        if now >= self._renew_at or not self.is_store_up or self._part.seat.must_look():
            self._renew_at = now + _TICK
            self.renew_lease()

    def _forget_waiting(self) -> None:
        self.figures.forget_waiting([strategy.name for strategy in self.strategies])

    def _retry_all_now(self) -> None:
        self._retries.now(strategy.name for strategy in self.strategies)
        # Not within the caller's job: a long catch-up must not keep the lease from being renewed.
        self._scheduler.soon(self.retry)

    # --- how it goes -------------------------------------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        """Whether this daemon holds the lease."""
        return self._leadership.is_active

    @property
    def led_strategies(self) -> Sequence[Strategy]:
        """The strategies that are for this daemon to look after now: all while it holds the lease, else none."""
        return self.strategies if self.is_active else ()

    @property
    def takeover_seconds(self) -> float | None:
        """Seconds from the end of another one's lease to ours, at the last takeover; None before."""
        return self._leadership.takeover_seconds

    @property
    def led(self) -> Mapping[int, bool]:
        """No shards: there is one lease."""
        return {}

    @property
    def delays(self) -> dict[str, CompletionDelay]:
        """When the broker called candles complete, by timeframe."""
        return self._look_schedule.delays

    @property
    def away_seconds(self) -> float | None:
        """How long Redis has been away; None while it is there."""
        return self._outage.seconds

    @property
    def is_store_up(self) -> bool:
        """Whether Redis answers and takes writes, as far as is known."""
        return self._outage.seconds is None

    @property
    def can_work(self) -> bool:
        """Whether a cross that comes now would be found and kept: with Redis, or as the active daemon without it."""
        return self.is_store_up or self.is_active

    def troubles(self) -> dict[str, str]:
        """Return what somebody should see to, by strategy."""
        return self.figures.troubles(self.strategies, int(self._clock.now()))

    def sentence(self) -> str:
        """Return in a line how it goes, for ``systemctl status``."""
        figures, away = self.figures, self._outage.seconds
        parts = [f"{counted(len(self.strategies), 'strategy')}, {self._leadership.word}"]
        if figures.last_wake:
            signals = counted(figures.counters.signals, "signal")
            parts.append(f"last wake {format_moment(figures.last_wake)[11:19]}Z, {signals} so far")
        if waiting := len(figures.reasons()):
            parts.append(f"{waiting} waiting")
        parts.append("Redis ok" if away is None else f"Redis away for {duration(away)}")
        return "; ".join(parts)

    @property
    def traffic(self) -> Traffic:
        """What was exchanged with the broker."""
        return self._source.traffic

    def kept_commits(self) -> int:
        """Return how many commits wait for Redis in the local journal.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        return self._store.kept_commits()

    def _broker_fields(self) -> dict[str, object]:
        traffic = self.traffic
        return {
            "requests": {str(status): count for status, count in sorted(traffic.requests.items())},
            "connections": traffic.connections,
            "bytes": traffic.bytes_received,
            "candles": traffic.candles,
            "doubt": self._source.doubt,
        }

    def _waiting(self) -> dict[str, str]:
        """Return why strategies wait; that a first look has had no answer yet is said before it ends."""
        requests = self.traffic.requests
        silent = self.strategies if set(requests) == {0} else ()
        first = f"the broker has not answered yet ({counted(requests.get(0, 0), 'request')}); the first look goes on"
        names = [strategy.name for strategy in silent if strategy.name not in self.figures.cursors]
        return dict.fromkeys(names, first) | self.figures.reasons()

    def _journal_fields(self) -> dict[str, object]:
        try:
            return {"kept_commits": self.kept_commits()}
        except JournalUnavailable:
            return {}

    def _heartbeat(self, is_active: bool) -> str:  # noqa: FBT001 - a callable has no names
        return self._heartbeat_as("active" if is_active else "standby")

    def _heartbeat_as(self, state: str) -> str:
        return json.dumps(
            {
                "schema": 1,
                "pid": os.getpid(),
                "host": os.uname().nodename,
                **({} if self._part.shard is None else {"shard": self._part.shard}),
                "state": state,
                "started": format_moment(self._started),
                "at": format_moment(self._clock.now()),
                "strategies": len(self.strategies),
                **self.figures.fields(),
                "waiting": self._waiting(),
                "broker": self._broker_fields(),
                **({} if self._news is None else self._news.fields()),
            }
            | self._journal_fields()
        )


def _enabled(strategies: Sequence[Strategy]) -> tuple[Strategy, ...]:
    return tuple(strategy for strategy in strategies if strategy.enabled)


def _by_timeframe(strategies: Sequence[Strategy]) -> dict[tuple[Granularity, MarketHours], list[Strategy]]:
    """Return the strategies that wake together."""
    together: dict[tuple[Granularity, MarketHours], list[Strategy]] = defaultdict(list)
    for strategy in strategies:
        together[strategy.granularity, strategy.market_hours].append(strategy)
    return together
