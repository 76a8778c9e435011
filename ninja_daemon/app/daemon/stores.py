"""The store that the daemon works with: Redis with the journal behind it, or the journal alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.app.configuration import ServerSettings
from ninja_daemon.app.pictures.packing import PicturePacks
from ninja_daemon.app.record.heads import NoPublishedHead, PublishedHead
from ninja_daemon.app.record.recording import Histories
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.usecases.ports import DaemonStore

if TYPE_CHECKING:
    from ninja_daemon.adapters.journal.failover_store import FailoverStore
    from ninja_daemon.adapters.journal.kept_commits import JournalPart
    from ninja_daemon.adapters.redis.state_store import RedisStateStore


_RECENT: Final = 1_000
"""Signals in which the record looks for what is new, as many as Redis has in its history."""


class StoreOfDaemon(NamedTuple):
    """A store for the daemon.

    Attributes:
        store: the port.
        close: lets its connections go.
        histories: reads the histories of its lists.
        stores: those in Redis: the whole, and its shards where some are made; none without Redis.
        failover: puts the journal behind a store in Redis, or behind that of a shard; None without Redis.
        published: where heads of the record are left.
        packs: where the candles of pictures are left.
    """

    store: DaemonStore
    close: Callable[[], None]
    histories: Callable[[], Histories]
    stores: list[RedisStateStore]
    failover: Callable[[RedisStateStore, JournalPart | None], FailoverStore] | None
    published: PublishedHead
    packs: tuple[PicturePacks, ...] = ()


def daemon_store(
    environment: Environment,
    servers: ServerSettings,
    memory: SqliteJournal,
    clock: SystemClock,
    push_alert: Callable[[str, str, str, float], None],
) -> StoreOfDaemon:
    """Return the store, for the settings in force."""
    if not environment.cache_enabled:
        local = LocalStateStore(memory, push_alert)
        read: Callable[[], Histories] = lambda: (memory.history(_RECENT), memory.outcomes(2 * _RECENT))  # noqa: E731
        return StoreOfDaemon(local, local.close, read, [], None, NoPublishedHead())
    from ninja_daemon.adapters.journal.failover_store import FailoverStore  # noqa: PLC0415 - brings redis-py along
    from ninja_daemon.adapters.redis.client import is_on_this_machine  # noqa: PLC0415 - as above
    from ninja_daemon.adapters.redis.queue.picture_packs import RedisPicturePacks  # noqa: PLC0415 - as above
    from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys  # noqa: PLC0415 - as above

    is_shared = not is_on_this_machine(environment.redis_url.reveal())
    in_redis = state_store(environment, connections=64 + 16 * (servers.shards - 1))
    in_redis.needs_replicas = servers.needs_replicas

    def failover(store: RedisStateStore, part: JournalPart | None) -> FailoverStore:
        return FailoverStore(store, memory, clock=clock, is_shared=is_shared, push_alert=push_alert, part=part)

    whole = failover(in_redis, None)
    published = _published_head(in_redis, environment.namespace, servers.shards)
    packs = RedisPicturePacks(in_redis.client, QueueKeys(environment.namespace))
    return StoreOfDaemon(whole, whole.close, in_redis.histories, [in_redis], failover, published, (packs,))


def _published_head(store: RedisStateStore, namespace: str, shards: int) -> PublishedHead:
    from ninja_daemon.adapters.redis.keys import Keys  # noqa: PLC0415 - brings redis-py along
    from ninja_daemon.adapters.redis.record_head import RedisRecordHead  # noqa: PLC0415 - as above

    # Members on several machines list at the same time; no record has it all in one order.
    return RedisRecordHead(store.client, Keys(namespace)) if shards == 1 else NoPublishedHead()


def state_store(environment: Environment, *, name: str = "daemon", connections: int = 64) -> RedisStateStore:
    """Return cursors, averages and the signals list in Redis."""
    from ninja_daemon.adapters.redis.client import connect  # noqa: PLC0415 - brings redis-py along
    from ninja_daemon.adapters.redis.keys import Keys  # noqa: PLC0415 - as above
    from ninja_daemon.adapters.redis.state_store import RedisStateStore  # noqa: PLC0415 - as above

    client = connect(environment.redis_url.reveal(), name=name, max_connections=connections)
    return RedisStateStore(client, Keys(environment.namespace), environment.cache_ttl_ma_state)
