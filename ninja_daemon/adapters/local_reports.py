"""What the processes leave for people to read where there is no Redis: heartbeats and the signal history.

The same as redis_reports.py reads from Redis, out of the journal's file and the daemon's heartbeat beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.local_queue import LocalQueue, LocalQueueFile
from ninja_daemon.adapters.local_store import LocalStateStore
from ninja_daemon.adapters.redis_reports import MOST_ENTRIES, History, Reports, heartbeat_fields, history_of
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.strategy import Strategy
from ninja_daemon.usecases.ports import Loaded, Tally

HEARTBEAT_LIFE: Final = 60.0
"""Seconds for which the daemon's heartbeat counts, as in Redis."""
_RECENT: Final = 1_000


def read_local_reports(file: LocalQueueFile) -> Reports:
    """Read heartbeats and the queue's length.

    Raises:
        StoreUnavailable: the journal cannot be read.
    """
    notes: list[str] = []
    queue = LocalQueue(file)
    path = LocalStateStore(file).heartbeat_path
    daemon = heartbeat_fields(_fresh(path, file.clock.now()), path.name, notes)
    notifier = heartbeat_fields(queue.heartbeat() or None, "the notifier's heartbeat", notes)
    return Reports(daemon, notifier, queue.depths().signals, tuple(notes))


def _fresh(path: Path, now: float) -> str | None:
    """Return the heartbeat if the daemon wrote it a moment ago; it does not vanish by itself when the daemon ends."""
    try:
        if now - path.stat().st_mtime > HEARTBEAT_LIFE:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def read_local_history(file: LocalQueueFile, most: int = MOST_ENTRIES) -> History:
    """Read the signal history.

    Raises:
        StoreUnavailable: the journal cannot be read.
    """
    try:
        return history_of(file.history(most))
    except JournalUnavailable as error:
        raise StoreUnavailable(str(error)) from error


def load_local(file: LocalQueueFile, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
    """Return the cursors and the last signals; averages and counts are in the daemon's memory only.

    Raises:
        StoreUnavailable: the journal cannot be read.
    """
    loaded = LocalStateStore(file).load(strategies)
    newest = {signal.strategy: signal for signal, _ in read_local_history(file, _RECENT).entries}
    last = {name: Tally(last_signal_id=signal.id, last_signal_time=signal.time) for name, signal in newest.items()}
    return {name: replace(each, tally=last.get(name, Tally())) for name, each in loaded.items()}
