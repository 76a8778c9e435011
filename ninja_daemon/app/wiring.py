"""The composition root of the daemon: where ports meet adapters. Plain constructor calls, top to bottom.

Modules that only one way of running needs are imported where they are used: redis-py not without Redis, the scheduler
not in a single pass, the metrics only when they are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.stored.alert import encode_alert
from ninja_daemon.app.daemon.evaluation_notes import EvaluationNotes
from ninja_daemon.app.daemon.stores import daemon_store
from ninja_daemon.app.queues.opening import evaluations_file, journal_file, local_queue_file, record_file
from ninja_daemon.app.record.recording import Recorder
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.servers.proxies import proxy_of_file
from ninja_daemon.app.settings.servers.tables import ONE_SERVER, ServerSettings
from ninja_daemon.core.errors import ConfigError, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import DaemonPorts
from ninja_daemon.usecases.wake_result import WakeResult

if TYPE_CHECKING:
    from ninja_daemon.app.daemon.process import Daemon
    from ninja_daemon.app.process.service import Service


@dataclass(frozen=True, slots=True)
class Parts(DaemonPorts):
    """The daemon's ports made real.

    Attributes:
        recorder: keeps the record of signals and outcomes.
        notes: keeps when each candle was taken in, or why not.
        mirror_to: names the list that gets a second copy of every signal from now on, none where it is empty.
        closers: what lets connections, threads and files go, in order.
    """

    recorder: Recorder
    notes: EvaluationNotes
    mirror_to: Callable[[str], None]
    closers: tuple[Callable[[], None], ...]

    def after(self, wake: WakeResult) -> None:
        """Keep what a look listed and took in."""
        self.recorder.after(wake)
        self.notes.after(wake)

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
    queue = LocalQueueStore(alerts)

    def push_alert(kind: str, severity: str, text: str, at: float) -> None:
        queue.push_alert(encode_alert(kind, severity, text, at))

    store, close_store, histories, mirror_to, published = daemon_store(environment, servers, memory, clock, push_alert)
    record = record_file(environment)

    def tell_of_break(text: str) -> None:
        with suppress(StoreUnavailable):
            store.alert("record_broken", "error", text, clock.now())

    notes = EvaluationNotes(evaluations_file(environment), clock)
    closers = (source.close, close_store, alerts.close, memory.close, record.close, notes.close)
    recorder = Recorder(record, histories, published, tell_of_break)
    return Parts(clock, source, store, memory, recorder, notes, mirror_to, closers)


def make_daemon(parts: Parts, strategies: Sequence[Strategy], service: Service) -> Daemon:
    """Return the daemon, ready to start."""
    from ninja_daemon.app.daemon.process import Daemon  # noqa: PLC0415 - brings the scheduler along

    daemon = Daemon(
        strategies,
        source=parts.source,
        store=parts.store,
        journal=parts.journal,
        clock=parts.clock,
        on_crash=service.crash,
        pulse=service.pulse,
    )
    daemon.record_by(parts.after)
    daemon.note_by(parts.notes)
    return daemon


def watch(environment: Environment, daemon: Daemon, parts: Parts, service: Service) -> list[Callable[[], None]]:
    """Start those who look at the daemon from outside, if they are wanted; return what stops them."""
    stops: list[Callable[[], None]] = []
    if environment.metrics is not None:
        from ninja_daemon.app.monitoring import DaemonFigures, monitored  # noqa: PLC0415 - only when wanted

        figures = DaemonFigures(daemon, clock=parts.clock, pulse=service.pulse)
        if (monitor := monitored(environment.metrics, figures)) is not None:
            stops.append(monitor.stop)
    if environment.ping_url is not None:
        from ninja_daemon.adapters.network.ping import Ping  # noqa: PLC0415 - only when wanted
        from ninja_daemon.app.monitoring import DeadMansSwitch, all_is_well  # noqa: PLC0415 - only when wanted

        ping = Ping(environment.ping_url, insecure=environment.ping_insecure)
        switch = DeadMansSwitch(ping.send, lambda: all_is_well(daemon, service.pulse))
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
