"""The composition root: where ports meet adapters. Plain constructor calls, top to bottom."""

from __future__ import annotations

from dataclasses import dataclass

from ninja_daemon.adapters.clock import SystemClock
from ninja_daemon.adapters.journal import SqliteJournal, journal_path
from ninja_daemon.adapters.oanda import OandaSource
from ninja_daemon.adapters.redis_client import connect
from ninja_daemon.adapters.redis_store import Keys, RedisStateStore
from ninja_daemon.app.environment import Environment
from ninja_daemon.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the daemon is made of."""

    clock: SystemClock
    source: OandaSource
    store: RedisStateStore
    journal: SqliteJournal

    def close(self) -> None:
        """Let connections, threads and files go."""
        self.source.close()
        self.store.client.close()
        self.journal.close()


def daemon_parts(environment: Environment) -> Parts:
    """Make the daemon's ports real.

    Raises:
        ConfigError: something is missing without which the daemon cannot work.
    """
    clock = SystemClock()
    source = candle_source(environment, clock)
    return Parts(clock, source, state_store(environment), journal(environment))


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
    return SqliteJournal(journal_path(environment.state_dir, environment.redis_label, environment.namespace))
