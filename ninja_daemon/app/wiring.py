"""The composition root of the daemon: where ports meet adapters. Plain constructor calls, top to bottom.

Modules that only one way of running needs are imported where they are used: redis-py not without Redis, the scheduler
not in a single pass, the metrics only when they are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.queue.picture_packs import LocalPicturePacks
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.stored.alert import encode_alert
from ninja_daemon.app.configuration import ONE_SERVER, ServerSettings
from ninja_daemon.app.daemon.notes.evaluation_notes import EvaluationNotes
from ninja_daemon.app.daemon.stores import daemon_store
from ninja_daemon.app.news.keeper import CalendarKeeper
from ninja_daemon.app.news.known import news_file
from ninja_daemon.app.pictures.keeping import CandleKeeper
from ninja_daemon.app.pictures.packing import PicturePacker
from ninja_daemon.app.queues.opening import candles_file, evaluations_file, journal_file, local_queue_file, record_file
from ninja_daemon.app.record.recording import Recorder
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.servers.proxies import proxy_of_file
from ninja_daemon.core.errors import ConfigError, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Clock, DaemonPorts, DaemonStore
from ninja_daemon.usecases.wake_result import WakeResult

if TYPE_CHECKING:
    from ninja_daemon.adapters.journal.failover_store import FailoverStore
    from ninja_daemon.adapters.journal.kept_commits import JournalPart
    from ninja_daemon.adapters.redis.state_store import RedisStateStore
    from ninja_daemon.app.audits.results import AuditSummary
    from ninja_daemon.app.daemon.part import Part
    from ninja_daemon.app.daemon.process import Daemon
    from ninja_daemon.app.monitoring import Watched
    from ninja_daemon.app.process.service import Service


@dataclass(frozen=True, slots=True)
class Parts(DaemonPorts):
    """The daemon's ports made real.

    Attributes:
        recorder: keeps the record of signals and outcomes.
        notes: keeps when each candle was taken in, or why not.
        packer: leaves the candles of signals for their pictures.
        keeper: keeps the newest candles of each series for the pictures of the page.
        news: keeps the calendar of scheduled news.
        divide: keeps to one of that many parts of the broker's limits.
        stores: those in Redis: the whole, and its shards where there are some; none without Redis.
        failover: puts the journal behind a store in Redis, or behind that of a shard.
        closers: what lets connections, threads and files go, in order.
    """

    recorder: Recorder
    notes: EvaluationNotes
    packer: PicturePacker
    keeper: CandleKeeper
    news: CalendarKeeper
    divide: Callable[[int, int], None]
    stores: list[RedisStateStore]
    failover: Callable[[RedisStateStore, JournalPart | None], FailoverStore] | None
    closers: tuple[Callable[[], None], ...]

    def mirror_to(self, name: str) -> None:
        """Copy every signal to a second list from now on; to none when the name is empty."""
        for store in self.stores:
            store.mirror_to(name)

    def after(self, wake: WakeResult) -> None:
        """Keep what a look listed and took in."""
        self.recorder.after(wake)
        self.notes.after(wake)
        self.packer.after(wake)
        self.keeper.after(wake)

    def close(self) -> None:
        """Let connections, threads and files go."""
        for closer in self.closers:
            closer()


def daemon_parts(environment: Environment, servers: ServerSettings = ONE_SERVER) -> Parts:
    """Make the daemon's ports real.

    Raises:
        ConfigError: something is missing without which the daemon cannot work.
    """
    clock = SystemClock()
    source = candle_source(environment, clock)
    memory = journal(environment)
    alerts = local_queue_file(environment)

    def push_alert(kind: str, severity: str, text: str, at: float) -> None:
        from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore  # noqa: PLC0415 - few alerts go this way

        LocalQueueStore(alerts).push_alert(encode_alert(kind, severity, text, at))

    made = daemon_store(environment, servers, memory, clock, push_alert)
    store = made.store
    record = record_file(environment)

    notes = EvaluationNotes(evaluations_file(environment), clock)
    packer = PicturePacker(source, (*made.packs, LocalPicturePacks(alerts)))
    keeper = CandleKeeper(candles_file(environment))
    news = CalendarKeeper(news_file(environment), clock, partial(_tell, store, clock))
    behind = (news.close, packer.close, keeper.close)
    closers = (*behind, source.close, made.close, alerts.close, memory.close, record.close, notes.close)
    recorder = Recorder(record, made.histories, made.published, partial(_tell, store, clock, "record_broken", "error"))
    stores, failover = made.stores, made.failover
    threads = packer, keeper, news
    return Parts(clock, source, store, memory, recorder, notes, *threads, source.divide, stores, failover, closers)


def _tell(store: DaemonStore, clock: Clock, kind: str, severity: str, text: str) -> None:
    """Alert the operator, if the store takes alerts."""
    with suppress(StoreUnavailable):
        store.alert(kind, severity, text, clock.now())


def make_daemon(parts: Parts, strategies: Sequence[Strategy], service: Service, part: Part | None = None) -> Daemon:
    """Return the daemon, ready to start."""
    from ninja_daemon.app.daemon.part import WHOLE  # noqa: PLC0415 - as above
    from ninja_daemon.app.daemon.process import Daemon  # noqa: PLC0415 - brings the scheduler along

    daemon = Daemon(
        strategies,
        source=parts.source,
        store=parts.store,
        journal=parts.journal,
        clock=parts.clock,
        on_crash=service.crash,
        liveness=service.liveness,
        part=part or WHOLE,
    )
    daemon.record_by(parts.after)
    daemon.note_by(parts.notes)
    daemon.quiet_by(parts.news)
    return daemon


def watch(
    environment: Environment,
    daemon: Watched,
    parts: Parts,
    service: Service,
    audits: Callable[[], AuditSummary | None] = lambda: None,
) -> list[Callable[[], None]]:
    """Start the metrics and the dead man's switch, if they are wanted; return what stops them."""
    stops: list[Callable[[], None]] = []
    if environment.metrics is not None:
        from ninja_daemon.app.monitoring import DaemonFigures, monitored  # noqa: PLC0415 - only when wanted

        state_dir, alive = environment.state_dir, service.liveness
        figures = DaemonFigures(daemon, clock=parts.clock, liveness=alive, state_dir=state_dir, audits=audits)
        if (monitor := monitored(environment.metrics, figures)) is not None:
            stops.append(monitor.stop)
    if environment.ping_url is not None:
        from ninja_daemon.adapters.network.ping import Ping  # noqa: PLC0415 - only when wanted
        from ninja_daemon.app.dead_mans_switch import DeadMansSwitch  # noqa: PLC0415 - only when wanted
        from ninja_daemon.app.monitoring import all_is_well  # noqa: PLC0415 - only when wanted

        ping = Ping(environment.ping_url, insecure=environment.ping_insecure)
        switch = DeadMansSwitch(ping.send, lambda: all_is_well(daemon, service.liveness))
        switch.start()
        stops += [switch.stop, ping.close]
    return stops


def candle_source(environment: Environment, clock: SystemClock | None = None) -> OandaSource:
    """Return the broker.

    Raises:
        ConfigError: there is no token.
    """
    if environment.access_token is None:
        message = (
            "OANDA_ACCESS_TOKEN must be set, was not; make one on OANDA's site (practice accounts are free), "
            "or try the product without one: ninja-daemon demo"
        )
        raise ConfigError(message)
    return OandaSource(
        environment.access_token,
        environment.api_url,
        account_id=environment.account_id,
        clock=clock or SystemClock(),
        proxy=proxy_of_file(environment),
    )


def journal(environment: Environment) -> SqliteJournal:
    """Return this machine's own memory."""
    return SqliteJournal(journal_file(environment))
