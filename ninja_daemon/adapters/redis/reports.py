"""What the processes leave in Redis for people to read: heartbeats, the queue's length, the signal history.

Only read here, and whatever stands there: a value that is not ours is reported, never raised.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError, ResponseError

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.signals.signal import Signal

_LONGEST_HEARTBEAT: Final = 262_144
MOST_ENTRIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Reports:
    """A look at the life signs of both processes.

    Attributes:
        daemon: fields of the daemon's heartbeat, None when there is none.
        notifier: likewise of the notifier's.
        waiting: signals on the list, None when it is not a list.
        notes: one sentence for each thing that is there and cannot be read.
    """

    daemon: Mapping[str, Any] | None
    notifier: Mapping[str, Any] | None
    waiting: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The signal history, by the close of their candles, oldest first.

    Attributes:
        entries: each signal with its text as it was listed, to the byte.
        unreadable: entries that are not signals.
    """

    entries: tuple[tuple[Signal, str], ...]
    unreadable: int = 0


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
        heartbeat_fields(daemon, f"{keys.prefix}heartbeat:daemon", notes),
        heartbeat_fields(notifier, f"{keys.prefix}heartbeat:notifier", notes),
        waiting,
        tuple(notes),
    )


def heartbeat_fields(reply: object, key: str, notes: list[str]) -> Mapping[str, Any] | None:
    """Read a heartbeat; None when there is none, or when it cannot be read, which becomes a note about ``key``."""
    if reply is None:
        return None
    if isinstance(reply, NoPermissionError):
        notes.append(f"{key} is not shown to this Redis user: reader and operator may see it")
        return None
    if isinstance(reply, str) and len(reply) <= _LONGEST_HEARTBEAT:
        try:
            fields = json.loads(reply)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            return fields
    notes.append(f"{key} must be a JSON object, was something else")
    return None


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


def history_of(texts: Sequence[str]) -> History:
    """Read signals as they were listed; bytes that are no UTF-8 are lone surrogates in them."""
    entries: list[tuple[Signal, str]] = []
    for text in texts:
        try:
            text.encode()
            entries.append((decode_signal(text), text))
        except (SignalRejected, UnicodeEncodeError):
            continue
    # Strategies that caught up one after the other were listed one after the other; people read by time.
    entries.sort(key=lambda entry: entry[0].close_time)
    return History(tuple(entries), len(texts) - len(entries))
