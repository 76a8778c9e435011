"""Where the queue lies: in Redis, or without Redis in the journal's file in the state directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.journal import journal_path
from ninja_daemon.adapters.journal.lanes import LocalLanes, LocalQueue, LocalQueueFile
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.lanes import QueueKeys, RedisLanes, RedisQueue
from ninja_daemon.app.queues.joint_queue import BothQueues
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.messages.routing import Silence

WITHOUT_REDIS: Final = "no Redis"
"""Stands for the address of Redis in the names of the files of a product that uses none."""

Queue: TypeAlias = RedisQueue | BothQueues | LocalQueue


def store_label(environment: Environment) -> str:
    """Return what the state belongs to: the Redis, without credentials, or none."""
    return environment.redis_label if environment.cache_enabled else WITHOUT_REDIS


def journal_file(environment: Environment) -> Path:
    """Return where the journal lies."""
    return journal_path(environment.state_dir, store_label(environment), environment.namespace)


def local_queue_file(environment: Environment) -> LocalQueueFile:
    """Return the journal's file as the queue's, for a product without Redis."""
    return LocalQueueFile(journal_file(environment), SystemClock())


def existing_queue_file(environment: Environment) -> LocalQueueFile | None:
    """Return the journal's file as the queue's when it is there and may be looked at; reading makes no files."""
    return local_queue_file(environment) if has_journal(environment) else None


def has_journal(environment: Environment) -> bool:
    """Tell whether there is a journal on this machine that may be looked at."""
    try:
        return journal_file(environment).exists()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class QueueDoors:
    """The queue as people use it.

    Attributes:
        queue: what waits, and what is ordered about it.
        silences: those that were set while running and have not ended.
    """

    queue: Queue
    silences: Callable[[], Sequence[Silence]]


@contextmanager
def open_queue(environment: Environment) -> Iterator[QueueDoors]:
    """Open the queue for the length of a block."""
    if environment.cache_enabled:
        client = connect(environment.redis_url.reveal(), name="queue")
        keys = QueueKeys(environment.namespace)
        journal = existing_queue_file(environment)
        queue = RedisQueue(client, keys)
        try:
            both = queue if journal is None else BothQueues(queue, LocalQueue(journal))
            yield QueueDoors(both, partial(_silences_of_both, RedisLanes(client, keys), journal))
        finally:
            client.close()
            if journal is not None:
                journal.close()
        return
    file = local_queue_file(environment)
    try:
        yield QueueDoors(LocalQueue(file), LocalLanes(file).silences)
    finally:
        file.close()


def _silences_of_both(in_redis: RedisLanes, journal: LocalQueueFile | None) -> list[Silence]:
    """Return what Redis has, but for what was ordered here and it has not heard yet."""
    found = {silence.id: silence for silence in in_redis.silences()}
    if journal is not None:
        with suppress(StoreUnavailable):
            aside = {silence.id: silence for silence in LocalLanes(journal).silences()}
            for kind, name in LocalQueue(journal).orders():
                if kind == "silence":
                    found.pop(name, None)
                    found |= {name: aside[name]} if name in aside else {}
    return list(found.values())
