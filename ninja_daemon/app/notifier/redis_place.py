"""The notifier's queue in Redis. Imported only where Redis is used: without it the process needs no client."""

from __future__ import annotations

from typing import NamedTuple

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.queue.inbox import Doorbell, RedisInbox
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.picture_packs import RedisPicturePacks
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.notifier.daily_report import Load
from ninja_daemon.app.notifier.queue_place import LONGEST_RING, QueuePlace
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.usecases.delivery.drain import DRAIN_MOST
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.queue_ports import PausesByLane
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue


class RedisPlace(NamedTuple):
    """The queue in Redis, and what else the notifier reads there.

    Attributes:
        load: reads what is stored of strategies, for the daily report.
        pauses: of the lanes there.
    """

    place: QueuePlace
    load: Load
    pauses: PausesByLane


def redis_place(environment: Environment, destinations: int) -> RedisPlace:
    """Return the queue in Redis, for a number of destinations."""
    keys = QueueKeys(environment.namespace)
    url = environment.redis_url.reveal()
    # Every thread may be in a call of its own at the same time; a pool that is too small would be an error.
    client = connect(url, name="notifier", max_connections=destinations + 8)
    bell = connect(url, name="doorbell", socket_timeout=LONGEST_RING + 2.0, max_connections=2)
    store = RedisQueueStore(client, keys)
    signals = RedisInbox(client, keys)
    place = QueuePlace(
        inboxes=(signals, RedisInbox(client, keys, Kind.ALERT)),
        outcomes=RedisInbox(client, keys, Kind.OUTCOME),
        lanes=StoredLanes(store),
        rings=Doorbell(bell, signals, DRAIN_MOST).rang,
        queue=StoredQueue(store),
        packs=RedisPicturePacks(client, keys),
        closers=(client.close, bell.close),
    )
    return RedisPlace(place, RedisStateStore(client, Keys(environment.namespace)).load, store.pauses)
