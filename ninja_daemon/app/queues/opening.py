"""Where the queue is: in Redis, or without Redis in the journal's file in the state directory."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.history.audits import SqliteAudits
from ninja_daemon.adapters.journal.history.candles import SqliteCandles, candles_path
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations, evaluations_path
from ninja_daemon.adapters.journal.history.record import SqliteRecord, record_path
from ninja_daemon.adapters.journal.journal import journal_path
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.app.settings.environment import Environment

if TYPE_CHECKING:
    from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin

WITHOUT_REDIS: Final = "no Redis"
"""Stands for the address of Redis in the names of the files of a product that uses none."""


def store_label(environment: Environment) -> str:
    """Return what the state belongs to: the Redis, without credentials, or none."""
    return environment.redis_label if environment.cache_enabled else WITHOUT_REDIS


def journal_file(environment: Environment) -> Path:
    """Return the path of the journal."""
    return journal_path(environment.state_dir, store_label(environment), environment.namespace)


def record_file(environment: Environment) -> SqliteRecord:
    """Return the record of signals and outcomes on this machine."""
    return SqliteRecord(record_path(environment.state_dir, store_label(environment), environment.namespace))


def audits_file(environment: Environment) -> SqliteAudits:
    """Return the same file, with what audits found."""
    return SqliteAudits(evaluations_file(environment).path)


def evaluations_file(environment: Environment) -> SqliteEvaluations:
    """Return the notes of evaluations on this machine."""
    return SqliteEvaluations(evaluations_path(environment.state_dir, store_label(environment), environment.namespace))


def candles_file(environment: Environment) -> SqliteCandles:
    """Return the newest candles of each series on this machine."""
    return SqliteCandles(candles_path(environment.state_dir, store_label(environment), environment.namespace))


def local_queue_file(environment: Environment) -> LocalQueueFile:
    """Return the journal's file as the queue's."""
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


@contextmanager
def open_queue(environment: Environment) -> Iterator[QueueAdmin]:
    """Open the queue, as people use it, for the length of a block."""
    if environment.cache_enabled:
        with _redis_queue(environment) as queue:
            yield queue
        return
    from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore  # noqa: PLC0415 - not for the files alone
    from ninja_daemon.usecases.delivery.stored_queue import StoredQueue  # noqa: PLC0415 - as above

    file = local_queue_file(environment)
    try:
        yield StoredQueue(LocalQueueStore(file))
    finally:
        file.close()


@contextmanager
def _redis_queue(environment: Environment) -> Iterator[QueueAdmin]:
    from ninja_daemon.adapters.redis.client import connect  # noqa: PLC0415 - not without Redis
    from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore  # noqa: PLC0415
    from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys  # noqa: PLC0415
    from ninja_daemon.app.queues.joint_queue import JointQueue  # noqa: PLC0415 - not for the files alone
    from ninja_daemon.app.queues.pauses_and_silences import JournalCopy  # noqa: PLC0415 - as above
    from ninja_daemon.usecases.delivery.stored_queue import StoredQueue  # noqa: PLC0415 - as above

    client = connect(environment.redis_url.reveal(), name="queue")
    journal = existing_queue_file(environment)
    queue = StoredQueue(RedisQueueStore(client, QueueKeys(environment.namespace)))
    try:
        yield queue if journal is None else JointQueue(queue, JournalCopy(journal))
    finally:
        client.close()
        if journal is not None:
            journal.close()


def silence_id() -> str:
    """Return a new, short name for a silence."""
    return secrets.token_hex(3)
