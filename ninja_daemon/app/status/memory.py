"""What a process that looks at the status again and again keeps between two looks."""

from __future__ import annotations

from contextlib import suppress

from ninja_daemon.adapters.journal.history.record import RecordHead, SqliteRecord
from ninja_daemon.adapters.redis.client import connect, translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.redis.topology.servers import Servers, servers
from ninja_daemon.adapters.stored.record import Findings, check
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.shared.averages import Averages, averages_of
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy


class StatusMemory:
    """The store, which reads an unchanged state by its digest only; figures of states; the last check of the record."""

    def __init__(self, environment: Environment) -> None:
        """Connect to nothing yet."""
        self.store: RedisStateStore | None = None
        if environment.cache_enabled:
            client = connect(environment.redis_url.reveal(), name="status")
            self.store = RedisStateStore(client, Keys(environment.namespace))
        self._record: tuple[RecordHead, Findings] | None = None
        self._made: dict[str, tuple[StrategyState, Instrument, Averages]] = {}

    def record(self, record: SqliteRecord) -> Findings:
        """Check a record; one that ends as it did at the last look is not checked again.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        head = record.head()
        if self._record is None or self._record[0] != head:
            self._record = (head, check(record.lines()))
        return self._record[1]

    def servers(self, now: float) -> Servers | None:
        """Return the servers behind an address with several hosts; None for one server, or when they do not answer."""
        if self.store is None:
            return None
        with suppress(StoreUnavailable), translated_errors():
            return servers(self.store.client, now)
        return None

    def close(self) -> None:
        """Let the connection go."""
        if self.store is not None:
            self.store.client.close()

    def averages(self, strategy: Strategy, state: StrategyState, instrument: Instrument) -> Averages:
        """Return the averages of a state, worked out once for each state."""
        made = self._made.get(strategy.name)
        if made is not None and made[0] is state and made[1] == instrument:
            return made[2]
        averages = averages_of(strategy, state, instrument)
        self._made[strategy.name] = (state, instrument, averages)
        return averages
