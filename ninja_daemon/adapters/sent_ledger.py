"""The ledger of what this machine has sent: a SQLite file in the state directory, durable at every entry.

It stops repeats that Redis cannot: after Redis was set back to an older state, the ids that it has forgotten are
still here. Without it (disk full, damaged) delivery goes on, and says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable

KEPT: Final = 7 * 86_400
"""Seconds for which an entry is kept."""
_BUSY_SECONDS: Final = 1.0
_CLEAN_EVERY: Final = 3_600.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sent (
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (destination, id)
) WITHOUT ROWID
"""


def ledger_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the ledger's file: one for each Redis and namespace, however many share the state directory."""
    scope = hashlib.sha256(f"{redis_label}|{namespace}".encode()).hexdigest()[:8]
    return state_dir / f"sent-{namespace}-{scope}.sqlite3"


class SqliteSentLedger:
    """The sent-ledger port on a SQLite file; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        self.path = path
        self.set_aside: Path | None = None
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._cleaned = 0.0

    def known(self, destination: str, ids: Collection[str]) -> frozenset[str]:
        """Return those of ``ids`` that were sent to the destination; see the port."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT id FROM sent WHERE destination = ? AND id IN ({marks})"  # noqa: S608 - question marks only
        with self._session() as connection:
            return frozenset(str(row[0]) for row in connection.execute(query, (destination, *ids)))

    def remember(self, destination: str, ids: Collection[str], message_id: str, now: float) -> None:
        """Keep that ``ids`` were sent, durably; see the port."""
        rows = [(destination, identity, int(now), message_id) for identity in ids]
        with self._session() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)", rows)
            if now - self._cleaned > _CLEAN_EVERY:
                connection.execute("DELETE FROM sent WHERE time < ?", (int(now) - KEPT,))
                self._cleaned = now

    def message_id(self, destination: str, identity: str) -> str:
        """Return the service's name for a message that was sent; empty when there is none.

        Raises:
            JournalUnavailable: the ledger cannot be read.
        """
        query = "SELECT message_id FROM sent WHERE destination = ? AND id = ?"
        with self._session() as connection:
            row = connection.execute(query, (destination, identity)).fetchone()
        return "" if row is None else str(row[0])

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._drop()

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._opened()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                self._drop()
                message = f"the ledger of sent messages cannot be used ({error}); it is {self.path}"
                raise JournalUnavailable(message) from error

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            # Damaged: what it knew is lost, what comes is not.
            self.set_aside = self.path.with_name(f"{self.path.name}.damaged-{int(time.time())}")
            self.path.rename(self.set_aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(_SCHEMA)
            connection.commit()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
