"""The composition root: where ports meet adapters. Plain constructor calls, top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.failover_store import SpoolingStore
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.lanes import LocalQueue
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect, is_on_this_machine
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.alert import encode_alert
from ninja_daemon.app.queues.opening import journal_file, local_queue_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import ConfigError

if TYPE_CHECKING:
    # The daemon brings the scheduler along, which a single pass has no use for.
    from ninja_daemon.usecases.ports import DaemonStore


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the daemon is made of.

    Attributes:
        clock: time.
        source: the broker.
        store: state, list and lease.
        journal: this machine's own memory.
        closers: what lets connections, threads and files go, in order.
    """

    clock: SystemClock
    source: OandaSource
    store: DaemonStore
    journal: SqliteJournal
    closers: tuple[Callable[[], None], ...]

    def close(self) -> None:
        """Let connections, threads and files go."""
        for closer in self.closers:
            closer()


def daemon_parts(environment: Environment) -> Parts:
    """Make the daemon's ports real.

    Raises:
        ConfigError: something is missing without which the daemon cannot work.
    """
    clock = SystemClock()
    source = candle_source(environment, clock)
    memory = journal(environment)
    alerts = local_queue_file(environment)
    queue = LocalQueue(alerts)

    def push_alert(kind: str, severity: str, text: str, at: float) -> None:
        queue.push_alert(encode_alert(kind, severity, text, at))

    store: SpoolingStore | LocalStateStore
    if environment.cache_enabled:
        in_redis, is_shared = state_store(environment), not is_on_this_machine(environment.redis_url.reveal())
        store = SpoolingStore(in_redis, memory, clock=clock, is_shared=is_shared, push_alert=push_alert)
    else:
        store = LocalStateStore(memory, push_alert)
    return Parts(clock, source, store, memory, (source.close, store.close, alerts.close, memory.close))


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
    )


def state_store(environment: Environment, *, name: str = "daemon") -> RedisStateStore:
    """Return cursors, averages and the signals list in Redis."""
    client = connect(environment.redis_url.reveal(), name=name)
    return RedisStateStore(client, Keys(environment.namespace), environment.cache_ttl_ma_state)


def journal(environment: Environment) -> SqliteJournal:
    """Return this machine's own memory."""
    return SqliteJournal(journal_file(environment))
