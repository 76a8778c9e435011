"""What the processes leave for people to read where there is no Redis: heartbeats and the signal history.

The same as redis_reports.py reads from Redis, out of the journal's file and the daemon's heartbeat beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ninja_daemon.adapters.journal.heartbeat_file import fresh_heartbeat, heartbeat_path
from ninja_daemon.adapters.journal.kept_commits import KeptCommits
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.stored.reports import MOST_ENTRIES, History, Reports, heartbeat_fields, history_of
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts, Loaded

_RECENT: Final = 1_000


def read_local_reports(file: LocalQueueFile) -> Reports:
    """Read heartbeats and the queue's length.

    Raises:
        StoreUnavailable: the journal cannot be read.
    """
    notes: list[str] = []
    queue = LocalQueueStore(file)
    daemon = heartbeat_fields(fresh_heartbeat(file.path, file.clock.now()), heartbeat_path(file.path).name, notes)
    notifier = heartbeat_fields(queue.heartbeat() or None, "the notifier's heartbeat", notes)
    return Reports(daemon, notifier, queue.survey(()).signals, tuple(notes))


def read_local_history(file: LocalQueueFile, most: int = MOST_ENTRIES) -> History:
    """Read the signal history.

    Raises:
        StoreUnavailable: the journal cannot be read.
    """
    try:
        return history_of(file.history(most), file.outcomes(most))
    except JournalUnavailable as error:
        raise StoreUnavailable(str(error)) from error


def load_local(file: LocalQueueFile, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
    """Return the cursors, waiting commits included, and the last signals; averages and counts are in the daemon alone.

    Raises:
        StoreUnavailable: the journal cannot be read.
    """
    loaded = dict(LocalStateStore(file).load(strategies))
    try:
        waiting = KeptCommits(file).reached()
    except JournalUnavailable as error:
        raise StoreUnavailable(str(error)) from error
    loaded |= {name: loaded[name]._replace(cursor=one.target) for name, one in waiting.items() if name in loaded}
    newest = {signal.strategy: signal for signal, _ in read_local_history(file, _RECENT).entries}
    last = {name: Counts(last_signal_id=signal.id, last_signal_time=signal.time) for name, signal in newest.items()}
    return {name: each._replace(counts=last.get(name, Counts())) for name, each in loaded.items()}
