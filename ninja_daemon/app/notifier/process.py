"""The notify process: a thread that drains, a thread a destination, a heartbeat; how they begin, go on and end."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.lanes import LocalDoorbell, LocalInbox, LocalLanes, LocalQueue
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger, ledger_path
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.lanes import Doorbell, QueueKeys, RedisInbox, RedisLanes, RedisQueue
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.app.notifier.daily_report import DailyReporter, Load
from ninja_daemon.app.process.liveness import Pulse
from ninja_daemon.app.queues.opening import Queue, journal_file, local_queue_file, store_label
from ninja_daemon.app.queues.pauses_and_silences import agree
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.histogram import LATENCY_BOUNDS, Spread
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.deliver import LEASE, Event, LaneWorker, Step, drain
from ninja_daemon.usecases.delivery_ports import Inbox, Lanes
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.two_lanes import NO_JOURNAL, TwoLanes

GRACE: Final = 4.0
"""Seconds at the end for posts in flight; what is not done by then is left to its lease."""
_BLOCK: Final = 1
_BEAT_EVERY: Final = 5.0
_BEAT_LIFE: Final = 30
_SILENCES_EVERY: Final = 2.0
_BACK_OFF_FIRST: Final = 0.1
_BACK_OFF_LONGEST: Final = 2.0
_LOOK_ASIDE: Final = 0.25
"""Seconds between two looks into the journal, which is empty while Redis is there: a notifier must idle at no cost."""
_ASIDE: Final = 0.25
"""Seconds between two looks whether Redis can be asked again."""
_NO_JOURNAL: Final = "the journal of this machine cannot be used; while Redis is away nothing is delivered"
_SHORT: Final = frozenset({Reason.RATE, Reason.GROUP})
"""Waits that ``--drain`` sits out: nothing is wrong, the destination only wants it so."""


@dataclass(frozen=True, slots=True)
class NotifierParts:
    """Everything that the notifier is made of.

    Attributes:
        inboxes: where messages come from, drained in this order.
        workers: one a destination.
        spool: where signals are found while Redis is away; None where the queue needs no Redis.
        rings: waits until there may be something in an inbox; raises StoreUnavailable.
        silences: those set while running.
        queue: heartbeat, depths.
        store: what the queue lies in, for the log.
        daily: sends the daily report; None when nobody asked for it.
        closers: what lets connections and files go.
    """

    clock: Clock
    delivery: Delivery
    inboxes: tuple[Inbox, ...]
    workers: tuple[TwoLanes, ...]
    spool: _Spool | None
    rings: Callable[[], bool]
    silences: Callable[[], Sequence[Silence]]
    queue: Queue
    store: str
    daily: DailyReporter | None
    closers: tuple[Callable[[], None], ...]

    def agreed_silences(self) -> tuple[Silence, ...]:
        """Return the silences that hold, after the journal has told of its own; see ``orders.agree``.

        Raises:
            StoreUnavailable: the queue is away.
        """
        if self.spool is None or not isinstance(self.queue, RedisQueue):
            return tuple(self.silences())
        names = [worker.destination.name for worker in self.workers]
        return agree(self.queue, self.spool.queue, self.silences, names)

    def close(self) -> None:
        """Let connections and files go."""
        for closer in self.closers:
            closer()


def notifier_parts(
    environment: Environment, delivery: Delivery, strategies: Sequence[Strategy] = (), *, lease: float = LEASE
) -> NotifierParts:
    """Make the notifier's ports real; plain constructor calls, top to bottom.

    Args:
        environment: where Redis and the state directory are.
        delivery: destinations and routes.
        strategies: whom the daily report is about.
        lease: seconds for which a lane is kept.
    """
    clock = SystemClock()
    base = _redis_base(environment, delivery) if environment.cache_enabled else _local_base(environment)
    daily = None
    if delivery.daily is not None:
        counted = environment.cache_enabled
        daily = DailyReporter(delivery.daily, strategies, base.load, base.queue, counted=counted)
    ledger = SqliteSentLedger(ledger_path(environment.state_dir, store_label(environment), environment.namespace))
    spool = _spool(environment) if environment.cache_enabled else None

    def lanes_of(destination: Destination) -> TwoLanes:
        channel = open_channel(destination)

        def on(lanes: Lanes) -> LaneWorker:
            return LaneWorker(destination, channel=channel, lanes=lanes, ledger=ledger, clock=clock, lease=lease)

        return TwoLanes(on(base.lanes), None if spool is None else on(spool.lanes))

    workers = tuple(lanes_of(destination) for destination in delivery.destinations)
    return NotifierParts(
        clock=clock,
        delivery=delivery,
        inboxes=base.inboxes,
        workers=workers,
        spool=spool,
        rings=base.rings,
        silences=base.lanes.silences,
        queue=base.queue,
        store="Redis" if environment.cache_enabled else "the journal",
        daily=daily,
        closers=(
            *(worker.close for worker in workers),
            ledger.close,
            *base.closers,
            *(() if spool is None else (spool.close,)),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Spool:
    """The journal's part in delivery while Redis is away.

    Attributes:
        inboxes: signals that the daemon could not commit to Redis, and its alerts.
        lanes: the journal's.
        rings: waits until there may be something in an inbox.
        queue: depths, for people.
        close: lets the file go.
    """

    inboxes: tuple[Inbox, ...]
    lanes: Lanes
    rings: Callable[[], bool]
    queue: LocalQueue
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Base:
    """What differs between a notifier with Redis and one without."""

    inboxes: tuple[Inbox, ...]
    lanes: Lanes
    rings: Callable[[], bool]
    queue: Queue
    load: Load
    closers: tuple[Callable[[], None], ...]


def _redis_base(environment: Environment, delivery: Delivery) -> _Base:
    keys = QueueKeys(environment.namespace)
    url = environment.redis_url.reveal()
    # Every thread may be in a call of its own at the same time; a pool that is too small would be an error.
    client = connect(url, name="notifier", max_connections=len(delivery.destinations) + 8)
    bell = connect(url, name="doorbell", socket_timeout=_BLOCK + 2.0, max_connections=2)
    return _Base(
        inboxes=(RedisInbox(client, keys), RedisInbox(client, keys, alerts=True)),
        lanes=RedisLanes(client, keys),
        rings=Doorbell(bell, keys.signals, _BLOCK).rang,
        queue=RedisQueue(client, keys),
        load=RedisStateStore(client, Keys(environment.namespace)).load,
        closers=(client.close, bell.close),
    )


def _spool(environment: Environment) -> _Spool:
    file = local_queue_file(environment)
    return _Spool(
        inboxes=(LocalInbox(file), LocalInbox(file, alerts=True)),
        lanes=LocalLanes(file),
        rings=LocalDoorbell(file, _BLOCK, _LOOK_ASIDE).rang,
        queue=LocalQueue(file),
        close=file.close,
    )


def _local_base(environment: Environment) -> _Base:
    file, journal = local_queue_file(environment), SqliteJournal(journal_file(environment))
    return _Base(
        inboxes=(LocalInbox(file), LocalInbox(file, alerts=True)),
        lanes=LocalLanes(file),
        rings=LocalDoorbell(file, _BLOCK, _LOOK_ASIDE).rang,
        queue=LocalQueue(file),
        load=LocalStateStore(journal).load,
        closers=(file.close, journal.close),
    )


class Reporter:
    """Logs what happens and counts it; says a trouble that lasts once, then once a minute, then how long it lasted."""

    def __init__(self, clock: Clock, store: str = "Redis") -> None:
        """Begin with nothing counted.

        Args:
            clock: tells how long a trouble lasts.
            store: what the queue lies in.
        """
        self._store = store[:1].upper() + store[1:]
        self._log = structlog.get_logger("ninja.notifier")
        self._recurring = Recurring(clock, self._log)
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.by_destination: Counter[tuple[str, str]] = Counter()
        self.seconds = Spread(LATENCY_BOUNDS)

    def tell(self, events: Sequence[Event]) -> None:
        """Log and count events."""
        for event in events:
            with self._lock:
                self.counts[event.name] += 1
                self.by_destination[event.name, str(event.fields.get("destination", ""))] += 1
            if event.name == "signal.delivered":
                self.seconds.add(float(event.fields.get("ms", 0.0)) / 1000)
            if event.name == "ledger.unavailable":
                reason = str(event.fields.get("reason", ""))
                self._recurring.failed("ledger", event.sentence, event_id=event.name, reason=reason)
                continue
            if event.name == NO_JOURNAL:
                self.journal_failed(event.sentence, str(event.fields.get("reason", "")))
                continue
            getattr(self._log, event.level)(event.sentence, event_id=event.name, **event.fields)

    def store_failed(self, error: StoreUnavailable) -> None:
        """Say that the queue is away."""
        sentence = f"{self._store} is away; what is queued there is delivered as soon as it is back"
        self._recurring.failed("redis", sentence, event_id="redis.down", reason=str(error))

    def journal_failed(self, sentence: str, reason: str) -> None:
        """Say that the journal is of no use."""
        self._recurring.failed("journal", sentence, event_id=NO_JOURNAL, reason=reason)

    def journal_answered(self) -> None:
        """Say that the journal is of use again, if it was not."""
        self._recurring.recovered("journal", "the journal of this machine can be used again", event_id="journal.up")

    def store_answered(self) -> None:
        """Say that the queue is back, if it was away."""
        self._recurring.recovered("redis", f"{self._store} is back", event_id="redis.up")


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
        self, parts: NotifierParts, on_crash: Callable[[BaseException], None], pulse: Pulse | None = None
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            parts: what it is made of.
            on_crash: told of an error that nobody expected; the process must end then.
            pulse: where the threads leave marks of progress.
        """
        self._pulse = Pulse(parts.clock) if pulse is None else pulse
        self._parts = parts
        self._on_crash = on_crash
        self._stop = threading.Event()
        self._reporter = Reporter(parts.clock, parts.store)
        self._bells = {worker.destination.name: threading.Event() for worker in parts.workers}
        self._threads: list[threading.Thread] = []
        self._silences: tuple[Silence, ...] = ()
        self._silences_read = float("-inf")
        self._silences_aside: tuple[Silence, ...] = ()
        self._silences_aside_read = float("-inf")
        self._started = parts.clock.now()
        self._store_is_up = True

    def start(self) -> None:
        """Start the threads."""
        self._spawn("drain", self._drain_for_ever)
        if self._parts.spool is not None:
            self._spawn("journal", partial(self._drain_journal_for_ever, self._parts.spool))
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

    @property
    def counts(self) -> Counter[str]:
        """How often each event happened."""
        return self._reporter.counts

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
        back_off = _BackOff()
        while not self._stop.is_set():
            self._pulse.beat("drain")
            try:
                moved = self._drain_once()
                back_off.reset()
                if not moved and self._parts.rings():
                    # Somebody else is about to take it, or it cannot be moved: no reason to spin.
                    moved = self._drain_once()
                    if not moved:
                        self._stop.wait(0.05)
            except StoreUnavailable as error:
                self._store_is_up = False
                self._reporter.store_failed(error)
                self._stop.wait(back_off.grown())

    def _drain_journal_for_ever(self, spool: _Spool) -> None:
        """Look for what the daemon could not hand over to Redis."""
        while not self._stop.is_set():
            self._pulse.beat("journal")
            try:
                self._read_silences_aside(spool)
                moved = sum(self._moved(inbox, self._silences_aside) for inbox in spool.inboxes)
                self._reporter.journal_answered()
                if not moved:
                    spool.rings()
            except StoreUnavailable as error:
                self._reporter.journal_failed(_NO_JOURNAL, str(error))
                self._stop.wait(_BACK_OFF_LONGEST)

    def _drain_once(self) -> int:
        self._read_silences()
        moved = sum(self._moved(inbox, self._silences) for inbox in self._parts.inboxes)
        self._reporter.store_answered()
        if not self._store_is_up:
            self._store_is_up = True
            for bell in self._bells.values():
                bell.set()
        return moved

    def _moved(self, inbox: Inbox, silences: Sequence[Silence]) -> int:
        result = drain(inbox, self._parts.delivery, silences, self._parts.clock.now())
        for name in result.lanes:
            self._bells[name].set()
        self._reporter.tell(result.events)
        return result.moved

    def _read_silences(self) -> None:
        now = self._parts.clock.monotonic()
        if now - self._silences_read >= _SILENCES_EVERY:
            self._silences = self._parts.agreed_silences()
            self._silences_read = now

    def _read_silences_aside(self, spool: _Spool) -> None:
        now = self._parts.clock.monotonic()
        if now - self._silences_aside_read >= _SILENCES_EVERY:
            self._silences_aside = tuple(spool.lanes.silences())
            lanes = (order for order in spool.queue.orders() if order.kind == "lane")
            resumed = {order.name for order in lanes if spool.queue.what_holds(order) == (None, None)}
            for worker in self._parts.workers:
                if worker.destination.name in resumed:
                    worker.lift()
            self._silences_aside_read = now

    # --- lanes to destinations

    def _serve_for_ever(self, worker: TwoLanes) -> None:
        bell, back_off = self._bells[worker.destination.name], _BackOff()
        not_before = float("-inf")
        while not self._stop.is_set():
            self._pulse.beat(f"lane {worker.destination.name}")
            bell.clear()
            # While Redis hangs every question to it takes seconds; the journal's lane must not wait for these.
            is_aside = not self._store_is_up or self._parts.clock.monotonic() < not_before
            try:
                step = worker.aside() if is_aside else worker.step()
                if not is_aside:
                    back_off.reset()
            except StoreUnavailable as error:
                self._reporter.store_failed(error)
                not_before = self._parts.clock.monotonic() + back_off.grown()
                continue
            self._reporter.tell(step.events)
            if step.worked:
                self._wake_followers(worker)
            else:
                bell.wait(step.wait if not is_aside else min(step.wait, _ASIDE))

    def _wake_followers(self, worker: TwoLanes) -> None:
        for other in self._parts.workers:
            if other.destination.manners.after == worker.destination.name:
                self._bells[other.destination.name].set()

    # --- signs of life

    def _beat_for_ever(self) -> None:
        while not self._stop.is_set():
            self._pulse.beat("heartbeat")
            try:
                self._parts.queue.beat(self.heartbeat(), _BEAT_LIFE)
                if self._parts.daily is not None:
                    self._parts.daily.tick(self._parts.clock.now())
            except StoreUnavailable as error:
                self._reporter.store_failed(error)
            self._stop.wait(_BEAT_EVERY)

    @property
    def counts_by_destination(self) -> Counter[tuple[str, str]]:
        """How often each event happened at each destination."""
        return Counter(self._reporter.by_destination)

    @property
    def delivery_seconds(self) -> Spread:
        """How long posts took that were accepted."""
        return self._reporter.seconds

    @property
    def is_store_up(self) -> bool:
        """Whether Redis (or the journal in its place) answers, as far as is known."""
        return self._store_is_up

    def sentence(self) -> str:
        """Return in a line how it goes, for ``systemctl status``."""
        counts = self._reporter.counts
        return (
            f"{counted(len(self._parts.workers), 'destination')}; "
            f"{counted(counts['signal.delivered'], 'signal')} delivered, "
            f"{counts['delivery.retry']} retries, {counted(counts['delivery.dead'], 'dead letter')}; "
            f"{self._parts.store} {'ok' if self._store_is_up else 'away'}"
        )

    def heartbeat(self) -> str:
        """Return the heartbeat as JSON."""
        counts = self._reporter.counts
        return json.dumps(
            {
                "schema": 1,
                "pid": os.getpid(),
                "started": format_moment(self._started),
                "delivered": counts["signal.delivered"],
                "retries": counts["delivery.retry"],
                "dead": counts["delivery.dead"],
                "destinations": len(self._parts.workers),
            }
        )


# --- one pass --------------------------------------------------------------------------------------------------------


class OnePass:
    """Deliver until nothing is due."""

    def __init__(self, parts: NotifierParts) -> None:
        """Prepare."""
        self._parts = parts
        self._reporter = Reporter(parts.clock, parts.store)

    def run(self, stop: threading.Event) -> bool:
        """Drain the inboxes and empty the lanes; return whether nothing is left over.

        Waits for rates and groups are sat out; a message in retry, throttled, behind a pause or a suspension is left
        over, and so is every dead letter. Quiet hours and delays leave nothing over: that is how it is wanted.

        Raises:
            StoreUnavailable: Redis is away.
        """
        spool = self._parts.spool
        try:
            silences = self._parts.agreed_silences()
        except StoreUnavailable:
            self._deliver_aside(stop)
            raise
        left_over = True
        while not stop.is_set():
            moved = self._moved(self._parts.inboxes, silences)
            if spool is not None:
                moved += self._moved_from_journal(spool)
            ends, worked = self._all_lanes(stop)
            # A lane that is emptied may have brought an alert, or let another lane follow.
            if not moved and not worked:
                left_over = any(_is_left_over(step) for step in ends)
                break
        dead = self._parts.queue.depths().dead
        if spool is not None:
            with contextlib.suppress(StoreUnavailable):
                dead += spool.queue.depths().dead
        return not left_over and not dead

    def _moved(self, inboxes: Sequence[Inbox], silences: Sequence[Silence]) -> int:
        moved = 0
        for inbox in inboxes:
            result = drain(inbox, self._parts.delivery, silences, self._parts.clock.now())
            self._reporter.tell(result.events)
            moved += result.moved
        return moved

    def _moved_from_journal(self, spool: _Spool) -> int:
        try:
            return self._moved(spool.inboxes, spool.lanes.silences())
        except StoreUnavailable as error:
            self._reporter.journal_failed(_NO_JOURNAL, str(error))
            return 0

    def _deliver_aside(self, stop: threading.Event) -> None:
        """Deliver what the journal has, since Redis is away."""
        spool = self._parts.spool
        while spool is not None and not stop.is_set():
            moved = self._moved_from_journal(spool)
            _, worked = self._all_lanes(stop, aside=True)
            if not moved and not worked:
                return

    def _all_lanes(self, stop: threading.Event, *, aside: bool = False) -> tuple[list[Step], bool]:
        ends: list[Step] = []
        worked: list[bool] = []
        failures: list[BaseException] = []

        def serve(worker: TwoLanes) -> None:
            try:
                step, busy = self._one_lane(worker.aside if aside else worker.step, stop)
                ends.append(step)
                worked.append(busy)
            except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that counts
                failures.append(error)

        threads = [
            threading.Thread(target=serve, args=(worker,), name=f"lane {worker.destination.name}", daemon=True)
            for worker in self._parts.workers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in failures:
            raise failure
        return ends, any(worked)

    def _one_lane(self, look: Callable[[], Step], stop: threading.Event) -> tuple[Step, bool]:
        worked = False
        while True:
            step = look()
            self._reporter.tell(step.events)
            worked = worked or any(event.level != "debug" for event in step.events if event.name != NO_JOURNAL)
            patient = step.state == "leased" or (step.state == "waiting" and step.reason in _SHORT)
            if (not step.worked and not patient) or stop.is_set():
                return step, worked
            if patient:
                stop.wait(min(step.wait, 0.1) if step.state == "leased" else step.wait)


def _is_left_over(step: Step) -> bool:
    if step.state == "waiting":
        return step.reason not in {Reason.QUIET, Reason.DELAY}
    return step.state in {"paused", "suspended"}
