"""The journal's SQLite file with the queue's tables in it (``CACHE_ENABLED=false``, or while Redis is away).

One file, so that a signal leaves the outbox and enters its lanes in one transaction. Each change begins by taking the
write lock of SQLite, so that several processes may work on one queue. Times are epoch milliseconds of
this machine's clock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from ninja_daemon.adapters.journal.journal import SqliteJournal, transaction
from ninja_daemon.adapters.stored.queue import LANE_FIELDS
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.lanes.record import milliseconds
from ninja_daemon.usecases.ports import Clock

_BUSY_MS: Final = 3_000
"""Milliseconds for which lanes may wait for one another; SQLite's turns are not fair."""
OUTCOME_WAITS: Final = "taken = 0 AND substr(id, 1, 7) <> 'follow:'"
"""Rows of the outcomes that nobody has taken; beside these are the terms of signals, which nobody takes."""
_SCHEMA: Final = f"""
CREATE INDEX IF NOT EXISTS outcomes_waiting ON outcomes (sequence) WHERE {OUTCOME_WAITS};
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (sequence) WHERE taken = 0;
CREATE TABLE IF NOT EXISTS queue_alerts (sequence INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue_messages (
    lane TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (lane, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_lanes (
    name TEXT PRIMARY KEY,
    known INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    lease INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    suspended INTEGER,
    suspended_for TEXT NOT NULL DEFAULT '',
    due INTEGER,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt INTEGER NOT NULL DEFAULT 0,
    maybe_sent INTEGER NOT NULL DEFAULT 0,
    allowance INTEGER NOT NULL DEFAULT 0,
    young_since INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 0,
    probes INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,
    refusals INTEGER NOT NULL DEFAULT 0,
    throttles INTEGER NOT NULL DEFAULT 0,
    untold INTEGER NOT NULL DEFAULT 0,
    untold_since INTEGER NOT NULL DEFAULT 0,
    untold_for TEXT NOT NULL DEFAULT '',
    told INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_dead (sequence INTEGER PRIMARY KEY AUTOINCREMENT, letter TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue_seen (id TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queue_seen_time ON queue_seen (time);
CREATE TABLE IF NOT EXISTS queue_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_silences (name TEXT PRIMARY KEY, silence TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_orders (kind TEXT, name TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_holds (provider TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_kept (name TEXT PRIMARY KEY, text TEXT NOT NULL, until INTEGER) WITHOUT ROWID;
"""


class LocalQueueFile(SqliteJournal):
    """The journal's file with the queue's tables in it. Kept open; for all threads of a process."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Name the file; it is opened, and its directory made, when it is first used.

        Args:
            path: the journal's.
            clock: whose time leases and waits are in.
        """
        super().__init__(path)
        self.clock = clock
        self._log = f"{path}-wal"

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Be alone with the file; everything that is done is kept, or nothing.

        Raises:
            StoreUnavailable: the file cannot be used, or somebody else keeps it for too long.
        """
        with self.reading() as connection, transaction(connection):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Look at the file.

        Raises:
            StoreUnavailable: it cannot be used.
        """
        try:
            with self.session() as connection:
                yield connection
        except JournalUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    def mark(self) -> tuple[int, int, int] | None:
        """Return a value that changes with every write of any process; cheap, for looking often."""
        try:
            written = os.stat(self._log)  # noqa: PTH116 - ten times a second, for ever
        except OSError:
            return None
        return written.st_ino, written.st_size, written.st_mtime_ns

    def now_ms(self) -> int:
        """Return epoch milliseconds."""
        return milliseconds(self.clock.now())

    def _connected(self) -> sqlite3.Connection:
        connection = super()._connected()
        try:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            connection.executescript(_SCHEMA)
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        return connection

    def _put_aside(self) -> NoReturn:
        """Leave that to the daemon, whose cursors are in the file."""
        message = "it is damaged; ninja-daemon run sets it aside and begins anew"
        raise sqlite3.DatabaseError(message)


def _migrate(connection: sqlite3.Connection) -> None:
    """Give the lanes of a file that an earlier version made the columns that came later."""
    if not _missing(connection):
        return
    with transaction(connection):
        for name in _missing(connection):
            kind = "TEXT NOT NULL DEFAULT ''" if name == "untold_for" else "INTEGER NOT NULL DEFAULT 0"
            connection.execute(f"ALTER TABLE queue_lanes ADD COLUMN {name} {kind}")


def _missing(connection: sqlite3.Connection) -> list[str]:
    there = {row[1] for row in connection.execute("PRAGMA table_info(queue_lanes)")}
    return [name for name in LANE_FIELDS if name not in there]
