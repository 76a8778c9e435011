"""The notes of evaluations in a SQLite file of the state directory (contract 9.1): 90 days, at most 200 MB.

They are written behind the commit and without waiting for the disk. A crash loses at most when a candle was taken in.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.journal.history.evaluation_rows import (
    COLUMNS,
    LATER_COLUMNS,
    Batch,
    evaluation_of,
    row_of,
)
from ninja_daemon.adapters.journal.sqlite_file import SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import unsynced_transaction
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.usecases.proof.evaluations import Absence, Notes, Presence

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS name (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS evaluation (
    strategy INTEGER NOT NULL,
    time INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by INTEGER NOT NULL,
    start TEXT NOT NULL,
    side INTEGER,
    cross INTEGER,
    rejected_by TEXT,
    id BLOB,
    PRIMARY KEY (strategy, time)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS evaluation_at ON evaluation (at);
CREATE TABLE IF NOT EXISTS absence (
    strategy INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, why TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS absence_of ON absence (strategy, since);
CREATE TABLE IF NOT EXISTS presence (by INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL);
"""
_FIELDS: Final = ("strategy", *COLUMNS, *LATER_COLUMNS)
_INSERT: Final = f"INSERT OR IGNORE INTO evaluation ({', '.join(_FIELDS)}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608 - our own words
_REST: Final = ", ".join(["w.name", *(f"e.{name}" for name in LATER_COLUMNS[1:])])
MOST_PAGES: Final = 51_200
"""Pages of 4 kB: 200 MB."""
KEPT_SECONDS: Final = 90 * 86_400
_PRUNE_EVERY: Final = 3_600
"""Seconds between two looks for what is too old or too much."""
_MOST_WHY: Final = 300


def evaluations_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the file of the notes; see ``scoped_path``."""
    return scoped_path(state_dir, "evaluations", redis_label, namespace)


class SqliteEvaluations(SqliteFile):
    """The notes in one file."""

    what = "file of evaluations"

    def __init__(self, path: Path, *, most_pages: int = MOST_PAGES, more: str = "") -> None:
        """Name the file; it is opened, and its directory made, when it is first used.

        Args:
            path: where it lies.
            most_pages: pages of 4 kB that it may fill.
            more: statements that make other tables in it.
        """
        super().__init__(path, _SCHEMA + more, most_pages=most_pages)
        self._most = most_pages
        self._names: dict[str, int] = {}
        self._pruned_at = 0.0

    def _connected(self) -> sqlite3.Connection:
        connection = super()._connected()
        known = {row[1] for row in connection.execute("PRAGMA table_info(evaluation)")}
        for name in LATER_COLUMNS:
            if name not in known:
                connection.execute(f"ALTER TABLE evaluation ADD COLUMN {name} INTEGER")
        return connection

    def note(self, batch: Batch) -> None:
        """Write what is to be noted, all of it or nothing.

        Raises:
            JournalUnavailable: nothing was written.
        """
        with self.session() as connection:
            if abs(batch.now - self._pruned_at) >= _PRUNE_EVERY:
                self._prune(connection, batch.now)
            self._names.clear()
            with unsynced_transaction(connection):
                self._evaluated(connection, batch)
                for strategy, since, why in batch.absent:
                    self._absent(connection, self._number(connection, strategy), since, batch.now, why)
                if batch.is_present:
                    self._present(connection, self._number(connection, batch.by), batch)

    def _evaluated(self, connection: sqlite3.Connection, batch: Batch) -> None:
        number = partial(self._number, connection)
        rows = [row_of(one, number) for one in batch.evaluations]
        connection.executemany(_INSERT, rows)
        ended = "UPDATE absence SET until = ? WHERE strategy = ? AND until IS NULL"
        connection.executemany(ended, {(round(batch.now * 1_000), row[0]) for row in rows})

    def _absent(self, connection: sqlite3.Connection, strategy: int, since: Instant, now: float, why: str) -> None:
        going_on = "SELECT why FROM absence WHERE strategy = ? AND until IS NULL"
        before = connection.execute(going_on, (strategy,)).fetchone()
        if before is not None and before[0] == why[:_MOST_WHY]:
            return
        # The new reason holds from its first close on; closes before it keep the old one.
        ended = "UPDATE absence SET until = ? WHERE strategy = ? AND until IS NULL"
        connection.execute(ended, (min(round(now), since) * 1_000, strategy))
        connection.execute("INSERT INTO absence VALUES (?, ?, NULL, ?)", (strategy, since, why[:_MOST_WHY]))

    def _present(self, connection: sqlite3.Connection, by: int, batch: Batch) -> None:
        since, until = round(batch.began * 1_000), round(batch.now * 1_000)
        same = "UPDATE presence SET until = max(until, ?) WHERE by = ? AND since = ?"
        if not connection.execute(same, (until, by, since)).rowcount:
            connection.execute("INSERT INTO presence VALUES (?, ?, ?)", (by, since, until))

    def _number(self, connection: sqlite3.Connection, name: str) -> int:
        found = self._names.get(name)
        if found is None:
            connection.execute("INSERT OR IGNORE INTO name (name) VALUES (?)", (name,))
            found = int(connection.execute("SELECT n FROM name WHERE name = ?", (name,)).fetchone()[0])
            self._names[name] = found
        return found

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        """Delete what was written more than 90 days ago, and the oldest tenth of a file that is nearly full."""
        self._pruned_at = now
        oldest = round((now - KEPT_SECONDS) * 1_000)
        with unsynced_transaction(connection):
            connection.execute("DELETE FROM evaluation WHERE at < ?", (oldest,))
            connection.execute("DELETE FROM absence WHERE until < ?", (oldest,))
            connection.execute("DELETE FROM presence WHERE until < ?", (oldest,))
            used = connection.execute(
                "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count"
            )
            if used.fetchone()[0] > 0.9 * self._most:
                rows = connection.execute("SELECT count(*) FROM evaluation").fetchone()[0]
                tenth = "SELECT at FROM evaluation ORDER BY at LIMIT 1 OFFSET ?"
                edge = connection.execute(tenth, (rows // 10,)).fetchone()
                connection.execute("DELETE FROM evaluation WHERE at <= ?", edge or (0,))

    def notes(self, strategy: str, since: Instant, until: Instant) -> Notes:
        """Return the notes of candles that opened in a span, both ends included.

        Raises:
            JournalUnavailable: they cannot be read.
        """
        with self.session() as connection:
            rows = connection.execute(
                f"SELECT e.time, e.at, b.name, e.start, e.side, e.cross, e.rejected_by, e.id, {_REST} FROM evaluation e"  # noqa: S608 - our own words
                " JOIN name s ON s.n = e.strategy JOIN name b ON b.n = e.by LEFT JOIN name w ON w.n = e.series"
                " WHERE s.name = ? AND e.time BETWEEN ? AND ? ORDER BY e.time",
                (strategy, since, until),
            ).fetchall()
            absences = connection.execute(
                "SELECT a.since, a.until, a.why FROM absence a JOIN name s ON s.n = a.strategy"
                " WHERE s.name = ? ORDER BY a.rowid",
                (strategy,),
            ).fetchall()
            presences = connection.execute(
                "SELECT b.name, p.since, p.until FROM presence p JOIN name b ON b.n = p.by ORDER BY p.since"
            ).fetchall()
        return Notes(
            {row[0]: evaluation_of(strategy, row) for row in rows},
            [Absence(strategy, int(a), None if b is None else b / 1_000, str(why)) for a, b, why in absences],
            [Presence(str(by), since / 1_000, until / 1_000) for by, since, until in presences],
        )
