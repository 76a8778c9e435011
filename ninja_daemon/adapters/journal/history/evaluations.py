"""The notes of evaluations in a SQLite file of the state directory (contract 9.1): 90 days, at most 200 MB.

They are written behind the commit and without waiting for the disk. A crash loses at most when a candle was taken in.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.journal.history.evaluation_reading import read_notes
from ninja_daemon.adapters.journal.history.evaluation_rows import COLUMNS, LATER_COLUMNS, Batch, rows_of, written
from ninja_daemon.adapters.journal.sqlite_file import BUSY_SECONDS, SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import add_columns, at_once, transaction
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.usecases.proof.noted import Notes

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
DROP INDEX IF EXISTS evaluation_at;
CREATE TABLE IF NOT EXISTS look (n INTEGER PRIMARY KEY, noted TEXT NOT NULL, quiet TEXT);
CREATE TABLE IF NOT EXISTS absence (
    strategy INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER, why TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS absence_of ON absence (strategy, since);
CREATE INDEX IF NOT EXISTS absence_now ON absence (strategy) WHERE until IS NULL;
CREATE TABLE IF NOT EXISTS presence (by INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL);
"""
_FIELDS: Final = ("strategy", *COLUMNS, *LATER_COLUMNS)
_INSERT: Final = f"INSERT OR IGNORE INTO evaluation ({', '.join(_FIELDS)}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608 - our own words
MOST_PAGES: Final = 51_200
"""Pages of 4 kB: 200 MB."""
KEPT_SECONDS: Final = 90 * 86_400
_PRUNE_EVERY: Final = 86_400
"""Seconds between two looks for what is too old or too much; after a note for each eighth page that there may be."""
_MOST_WHY: Final = 300
_ABSENT: Final = "SELECT a.rowid, s.name FROM absence a JOIN name s ON s.n = a.strategy WHERE a.until IS NULL"


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
        self._numbered: sqlite3.Connection | None = None
        self._pruned_at = 0.0
        self._rows = 0

    def _connected(self) -> sqlite3.Connection:
        connection = super()._connected()
        connection.execute("PRAGMA synchronous = NORMAL")  # no note is worth waiting for the disk
        add_columns(connection, "evaluation", LATER_COLUMNS, "INTEGER")
        add_columns(connection, "look", ("quiet",), "TEXT")
        return connection

    def note(self, batch: Batch) -> None:
        """Write what is to be noted, all of it or nothing.

        Raises:
            JournalUnavailable: nothing was written.
        """
        with self.session() as connection:
            if connection is not self._numbered:  # another file may number names otherwise
                self._numbered, self._names = connection, {}
            if self._is_prune_due(batch.now):
                self._prune(connection, batch.now)
            with transaction(connection):
                self._evaluated(connection, batch)
                for strategy, since, why in batch.absent:
                    self._absent(connection, self._number(connection, strategy), since, batch.now, why)
                if batch.is_present:
                    self._present(connection, self._number(connection, batch.by), batch)

    def note_at_once(self, batch: Batch) -> bool:
        """Write the candles that were taken in, unless that takes waiting; tell whether they are written."""
        if self._connection is None or self._is_prune_due(batch.now):
            return False
        try:
            with self.session() as connection, at_once(connection, BUSY_SECONDS) as is_free:
                if is_free:
                    self._evaluated(connection, batch)
                return is_free
        except JournalUnavailable:
            return False

    def _is_prune_due(self, now: float) -> bool:
        return abs(now - self._pruned_at) >= _PRUNE_EVERY or self._rows >= self._most // 8

    def _evaluated(self, connection: sqlite3.Connection, batch: Batch) -> None:
        if not (batch.evaluations or batch.quiet):
            return
        self._rows += len(batch.evaluations) + len(batch.quiet)
        connection.execute("INSERT INTO look (noted, quiet) VALUES (?, ?)", written(batch))
        if open_ones := connection.execute(_ABSENT).fetchall():
            back = batch.strategies()
            ended = [(round(batch.now * 1_000), rowid) for rowid, name in open_ones if name in back]
            connection.executemany("UPDATE absence SET until = ? WHERE rowid = ?", ended)

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

    def _settle(self, connection: sqlite3.Connection) -> None:
        number = partial(self._number, connection)
        looks = connection.execute("SELECT noted, quiet FROM look ORDER BY n").fetchall()
        rows = [row for noted, quiet in looks for row in rows_of(noted, quiet, number)]
        # Of two of one candle the earlier look's stays the first.
        connection.executemany(_INSERT, sorted(rows, key=itemgetter(0, 1)))
        connection.execute("DELETE FROM look")

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        """Put recent notes in their place; delete what is older than 90 days, and a tenth of a file nearly full.

        A wake notes one candle of each strategy. In the order of strategies that is a page of the file each, so that a
        look is written as a text, and many of them are put in order at once.
        """
        self._pruned_at, self._rows = now, 0
        oldest = round((now - KEPT_SECONDS) * 1_000)
        with transaction(connection):
            self._settle(connection)
            connection.execute("DELETE FROM evaluation WHERE at < ?", (oldest,))
            connection.execute("DELETE FROM absence WHERE until < ?", (oldest,))
            connection.execute("DELETE FROM presence WHERE until < ?", (oldest,))
            used = connection.execute(
                "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count"
            )
            if used.fetchone()[0] > 0.9 * self._most:
                tenth = "SELECT min(at) + (max(at) - min(at)) / 10 FROM evaluation"
                edge = connection.execute(tenth).fetchone()[0]
                connection.execute("DELETE FROM evaluation WHERE at <= ?", (edge or 0,))

    def notes(self, strategy: str, since: Instant, until: Instant) -> Notes:
        """Return the notes of candles that opened in a span, both ends included.

        Raises:
            JournalUnavailable: they cannot be read.
        """
        with self.session() as connection:
            return read_notes(connection, strategy, since, until)
