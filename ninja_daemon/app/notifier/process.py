"""The notify process: a thread that drains, a thread a destination, a heartbeat; how they begin, go on and end."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from ninja_daemon.app.notifier.lane_rests import LaneRests
from ninja_daemon.app.notifier.parts import NotifierParts
from ninja_daemon.app.notifier.queue_place import LONGEST_RING, QueuePlace
from ninja_daemon.app.notifier.reporter import Reporter
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.histogram import Histogram
from ninja_daemon.core.lanes.dead_letters import UNROUTED
from ninja_daemon.core.lanes.intake import InboxView
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.delivery.delivery_ports import Inbox
from ninja_daemon.usecases.delivery.drain import DRAIN_MOST
from ninja_daemon.usecases.delivery.two_lanes import TwoLanes
from ninja_daemon.usecases.lifetimes import NOTIFIER_HEARTBEAT
from ninja_daemon.usecases.ports import Clock

GRACE: Final = 4.0
"""Seconds at the end for posts in flight; what is not done by then is left to its lease."""
_BEAT_EVERY: Final = 5.0
_SILENCES_EVERY: Final = 2.0
_BACK_OFF_FIRST: Final = 0.1
_BACK_OFF_LONGEST: Final = 2.0
_TELL_EVERY: Final = 60.0
_MOMENT: Final = 0.05
"""Seconds without a signal after which alerts and outcomes are looked for."""
_GIVES_WAY: Final = 0.001
"""Seconds that the drain leaves to the lanes that it has rung (decision 46)."""
_ASIDE: Final = 0.25
"""Seconds between two looks whether Redis can be asked again."""


class _Kept:
    """Silences of one place, read again every two seconds."""

    def __init__(self, clock: Clock, read: Callable[[], Sequence[Silence]]) -> None:
        self._clock = clock
        self._read = read
        self._known: Sequence[Silence] = ()
        self._read_at = float("-inf")

    def silences(self) -> Sequence[Silence]:
        now = self._clock.monotonic()
        if now - self._read_at >= _SILENCES_EVERY:
            self._known, self._read_at = self._read(), now
        return self._known


class _BackOff:
    """How long to wait after Redis failed: longer and longer, up to a limit."""

    def __init__(self) -> None:
        self._next = _BACK_OFF_FIRST

    def grown(self) -> float:
        wait, self._next = self._next, min(_BACK_OFF_LONGEST, self._next * 2)
        return wait

    def reset(self) -> None:
        self._next = _BACK_OFF_FIRST


class Notifier:
    """The running process; ``start`` and ``stop`` once."""

    def __init__(
        self,
        parts: NotifierParts,
        on_crash: Callable[[BaseException], None],
        liveness: Liveness | None = None,
        before: Notifier | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            parts: what it is made of.
            on_crash: told of an error that nobody expected; the process must end then.
            liveness: where the threads leave marks of progress.
            before: the one before, whose start and counts go on.
        """
        self._liveness = Liveness(parts.clock) if liveness is None else liveness
        self._parts = parts
        self._on_crash = on_crash
        self._stop = threading.Event()
        self.reporter: Reporter = Reporter(parts.clock, parts.store) if before is None else before.reporter
        self._workers = {worker.destination.name: worker for worker in parts.workers}
        self._queries = {name: worker.query for name, worker in self._workers.items()}
        self._bells = {name: threading.Event() for name in self._workers}
        self._threads: list[threading.Thread] = []
        self._silences = _Kept(parts.clock, parts.agreed_silences)
        self._rests = LaneRests(parts.clock)
        parts.illustrator.begin(self.reporter.tell, self._rests.is_busy)
        self.started: float = parts.clock.now() if before is None else before.started
        self._store_is_up = True
        self._told_at = float("-inf")

    def start(self) -> None:
        """Start the threads."""
        self._spawn("drain", self._drain_for_ever)
        if self._parts.journal is not None:
            self._spawn("journal", partial(self._drain_journal_for_ever, self._parts.journal))
        self._spawn("heartbeat", self._beat_for_ever)
        for worker in self._parts.workers:
            self._spawn(f"lane {worker.destination.name}", partial(self._serve_for_ever, worker))

    def stop(self) -> bool:
        """Stop: posts in flight may end, nothing new begins; return whether everything ended in time."""
        self._stop.set()
        for bell in self._bells.values():
            bell.set()
        deadline = self._parts.clock.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._parts.clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        """Wait until every thread has ended; ``stop`` comes before."""
        for thread in self._threads:
            thread.join()

    @property
    def counts(self) -> Counter[str]:
        """How often each event happened."""
        return self.reporter.counts

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - the end of the process, said once by it
                self._on_crash(error)

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- list to lanes

    def _drain_for_ever(self) -> None:
        back_off, others_at = _BackOff(), float("-inf")
        rang: InboxView | None = None
        while not self._stop.is_set():
            self._liveness.beat("drain")
            try:
                moved = self._drain_signals(rang)
                back_off.reset()
                # While signals come in, the rest waits for a moment, so that it takes no time from their posts.
                now = self._parts.clock.monotonic()
                others = 0
                if rang is None or not moved or now - others_at >= LONGEST_RING:
                    others, others_at = self._drain_others(), now
                if rang is not None and not moved and not others:
                    # Somebody else is about to take it, or it cannot be moved: no reason to spin.
                    self._stop.wait(_MOMENT)
                if rang is not None or others < DRAIN_MOST:  # else more of them wait, and no signal
                    rang = self._parts.main.rings(_MOMENT if moved or others else LONGEST_RING)
            except StoreUnavailable as error:
                self._store_is_up, rang = False, None
                self.reporter.store_failed(error)
                self._stop.wait(back_off.grown())

    def _drain_journal_for_ever(self, journal: QueuePlace) -> None:
        """Look for what the daemon could not hand over to Redis."""
        silences = _Kept(self._parts.clock, partial(self._silences_of_journal, journal))
        while not self._stop.is_set():
            self._liveness.beat("journal")
            try:
                known = silences.silences()
                moved = sum(self._moved(journal, inbox, known) for inbox in (*journal.inboxes, journal.outcomes))
                self.reporter.journal_answered()
                if not moved:
                    journal.rings(LONGEST_RING)
            except StoreUnavailable as error:
                self.reporter.journal_failed(str(error))
                self._stop.wait(_BACK_OFF_LONGEST)

    def _silences_of_journal(self, journal: QueuePlace) -> Sequence[Silence]:
        resumed = self._parts.resumed()
        for worker in self._parts.workers:
            if worker.destination.name in resumed:
                worker.lift()
        return journal.queue.silences()

    def _drain_signals(self, view: InboxView | None) -> int:
        main = self._parts.main
        moved = self._moved(main, main.inboxes[0], self._silences.silences(), self._queries, view)
        self.reporter.store_answered()
        if not self._store_is_up:
            self._store_is_up = True
            for bell in self._bells.values():
                bell.set()
        return moved

    def _drain_others(self) -> int:
        main, silences, moved = self._parts.main, self._silences.silences(), 0
        for what, inboxes in (("alerts", main.inboxes[1:]), ("outcomes", (main.outcomes,))):
            # A list that cannot be read keeps neither signals nor another list waiting.
            with self.reporter.list_apart(what):
                moved += sum(self._moved(main, inbox, silences, self._queries) for inbox in inboxes)
        return moved

    def _moved(
        self,
        place: QueuePlace,
        inbox: Inbox,
        silences: Sequence[Silence],
        queries: Mapping[str, LaneQuery] | None = None,
        view: InboxView | None = None,
    ) -> int:
        result = place.drained(
            inbox, self._parts.delivery, silences, self._parts.clock.now(), queries=queries, view=view
        )
        if result.lanes:
            self._rests.messages_came()
        for name in result.lanes:
            if name in result.views:
                self._workers[name].sees(result.views[name])
            self._bells[name].set()
        if result.lanes:
            # Python runs one thread at a time; those of the lanes would begin later, and be interrupted by this one.
            self._stop.wait(_GIVES_WAY)
        self.reporter.tell(result.events)
        return result.moved

    # --- lanes to destinations

    def _serve_for_ever(self, worker: TwoLanes) -> None:
        bell, back_off = self._bells[worker.destination.name], _BackOff()
        not_before = float("-inf")
        while not self._stop.is_set():
            self._liveness.beat(f"lane {worker.destination.name}", 2 * worker.destination.policy.timeout)
            bell.clear()
            # While Redis hangs every question to it takes seconds; the journal's lane must not wait for these.
            is_aside = not self._store_is_up or self._parts.clock.monotonic() < not_before
            rested_since = self._rests.looks(worker.destination.name)
            try:
                step = worker.aside() if is_aside else worker.step()
                if not is_aside:
                    back_off.reset()
            except StoreUnavailable as error:
                self.reporter.store_failed(error)
                not_before = self._parts.clock.monotonic() + back_off.grown()
                continue
            self.reporter.tell(step.events)
            self._rests.has_looked(worker.destination.name, step.reason or step.state, rested_since, worked=step.worked)
            if step.worked:
                self._wake_followers(worker)
            else:
                bell.wait(step.wait if not is_aside else min(step.wait, _ASIDE))

    def _wake_followers(self, worker: TwoLanes) -> None:
        for other in self._parts.workers:
            if other.destination.policy.after == worker.destination.name:
                self._bells[other.destination.name].set()

    # --- signs of life

    def _beat_for_ever(self) -> None:
        while not self._stop.is_set():
            self._liveness.beat("heartbeat")
            try:
                self._parts.main.queue.beat(self.heartbeat(), NOTIFIER_HEARTBEAT)
                self._tell_of_lost_ones()
                for reporter in self._parts.reporters:
                    with self.reporter.reports_apart():
                        reporter.tick(self._parts.clock.now())
            except StoreUnavailable as error:
                self.reporter.store_failed(error)
            self._stop.wait(_BEAT_EVERY)

    def _tell_of_lost_ones(self) -> None:
        """Tell of dead letters that never had a destination; those of a lane are told of by its worker."""
        now = self._parts.clock.monotonic()
        if now - self._told_at < _TELL_EVERY:
            return
        self._told_at = now
        for place in (self._parts.main, *([] if self._parts.journal is None else [self._parts.journal])):
            place.lanes.tell_dead(UNROUTED)

    @property
    def counts_by_destination(self) -> Counter[tuple[str, str]]:
        """How often each event happened at each destination."""
        return Counter(self.reporter.by_destination)

    @property
    def delivery_seconds(self) -> Histogram:
        """How long posts took that were accepted."""
        return self.reporter.seconds

    @property
    def is_store_up(self) -> bool:
        """Whether Redis (or the journal in its place) answers, as far as is known."""
        return self._store_is_up

    def sentence(self) -> str:
        """Return in a line how it goes, for ``systemctl status``."""
        counts = self.reporter.counts
        return (
            f"{counted(len(self._parts.workers), 'destination')}; "
            f"{counted(counts['signal.delivered'], 'signal')} delivered, "
            f"{counts['delivery.retry']} retries, {counted(counts['delivery.dead'], 'dead letter')}; "
            f"{self._parts.store} {'ok' if self._store_is_up else 'away'}"
        )

    def say_stopped(self) -> None:
        """Leave a last heartbeat, so that nobody takes the ones before for life."""
        with suppress(StoreUnavailable):
            self._parts.main.queue.beat(self.heartbeat("stopped"), NOTIFIER_HEARTBEAT)

    def heartbeat(self, state: str = "alive") -> str:
        """Return the heartbeat as JSON."""
        counts = self.reporter.counts
        return json.dumps(
            {
                "schema": 1,
                "pid": os.getpid(),
                "state": state,
                "started": format_moment(self.started),
                "at": format_moment(self._parts.clock.now()),
                "delivered": counts["signal.delivered"],
                "retries": counts["delivery.retry"],
                "dead": counts["delivery.dead"],
                "destinations": len(self._parts.workers),
            }
        )
