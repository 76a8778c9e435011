"""What the processes leave in Redis for people to read: heartbeats, the queue's length, the signal history.

Only read here, and whatever stands there: a value that is not ours is reported, never raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import redis
from redis.exceptions import NoPermissionError, ResponseError

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.stored.reports import MOST_ENTRIES, History, Reports, heartbeat_fields, history_of


def read_reports(client: redis.Redis, keys: Keys) -> Reports:
    """Read heartbeats and the queue's length in one round trip.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        pipeline.get(f"{keys.prefix}heartbeat:daemon")
        pipeline.get(f"{keys.prefix}heartbeat:notifier")
        pipeline.llen(keys.signals)
        daemon, notifier, waiting = pipeline.execute(raise_on_error=False)
    notes: list[str] = []
    if not isinstance(waiting, int):
        notes.append(f"{keys.signals} must be a list, was not; nothing is committed before it is moved away")
        waiting = None
    return Reports(
        _heartbeat(daemon, f"{keys.prefix}heartbeat:daemon", notes),
        _heartbeat(notifier, f"{keys.prefix}heartbeat:notifier", notes),
        waiting,
        tuple(notes),
    )


def read_history(client: redis.Redis, keys: Keys) -> History:
    """Read the signal history.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        try:
            texts = client.lrange(keys.history, -MOST_ENTRIES, -1)
        except ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            return History((), unreadable=1)
    return history_of([str(text) for text in texts])


def read_sides(client: redis.Redis, keys: Keys, names: Sequence[str]) -> Mapping[str, str | None]:
    """Read the side that ``signal_state`` holds, by strategy name; None where there is none.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.hget(keys.signal_state(name), "side")
        replies = pipeline.execute(raise_on_error=False)
    return {name: reply if isinstance(reply, str) else None for name, reply in zip(names, replies, strict=True)}


def _heartbeat(reply: object, key: str, notes: list[str]) -> Mapping[str, Any] | None:
    if isinstance(reply, NoPermissionError):
        notes.append(f"{key} is not shown to this Redis user: reader and operator may see it")
        return None
    return heartbeat_fields(reply, key, notes)
