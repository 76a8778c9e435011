"""What people ordered about the queue, kept the same in Redis and in this machine's journal.

While Redis answers its word holds, and the journal has a copy for the time when it does not. What was ordered here
while Redis was away stands in the journal alone, with a note; Redis is told of it first when it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from ninja_daemon.adapters.journal.lanes import LocalQueue, Order
from ninja_daemon.adapters.redis.lanes import RedisQueue
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.messages.routing import Silence


def agree(
    in_redis: RedisQueue, journal: LocalQueue, silences: Callable[[], Sequence[Silence]], destinations: Sequence[str]
) -> tuple[Silence, ...]:
    """Tell Redis what was ordered while it was away, copy what holds there, and return its silences.

    Args:
        in_redis: the queue in Redis.
        journal: the one in the journal.
        silences: those that Redis has.
        destinations: whose pauses are copied.

    Raises:
        StoreUnavailable: Redis is away. A journal that cannot be used changes nothing: Redis' word is enough.
    """
    for order in _orders(journal):
        _tell(in_redis, journal, order)
    found, pauses = tuple(silences()), in_redis.pauses(destinations)
    with suppress(StoreUnavailable):
        journal.adopt(found, pauses)
    return found


def _orders(journal: LocalQueue) -> Sequence[Order]:
    with suppress(StoreUnavailable):
        return journal.orders()
    return ()


def _tell(in_redis: RedisQueue, journal: LocalQueue, order: Order) -> None:
    try:
        silence, pause = journal.what_holds(order)
    except StoreUnavailable:
        return
    if order.kind == "silence":
        if silence is None:
            in_redis.unsilence(order.name)
        else:
            in_redis.silence(silence)
    elif pause is None:
        in_redis.resume(order.name)
    else:
        in_redis.pause(order.name, pause.seconds)
    with suppress(StoreUnavailable):
        journal.heard(order)
