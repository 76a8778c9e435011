"""The local journal: a SQLite file in the state directory, durable at every commit but that of a mark.

It holds the last committed candle of each strategy, so that a Redis that lost everything is no first start
(contract 4.8); the commits that wait for a Redis that is away (kept_commits.py); and the outbox: the signals of
these commits or, where the product runs without Redis (``CACHE_ENABLED=false``), all of them. The file belongs to one
Redis and one namespace; a damaged one is set aside and begun anew, since whatever it holds is derived again from the
broker.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ninja_daemon.adapters.journal.sqlite_file import SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import transaction, unsynced_transaction
from ninja_daemon.adapters.stored.open_signals import decode_book, encode_book
from ninja_daemon.core.errors import JournalUnavailable, StateUnreadable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import NO_BOOKS

__all__ = ["SqliteJournal", "journal_path", "put_into_outbox", "put_outcomes", "transaction"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS marks (
    strategy TEXT PRIMARY KEY,
    time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    signal TEXT NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS outcomes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    outcome TEXT NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS books (
    strategy TEXT NOT NULL,
    series TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (strategy, series)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spool (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    strategy TEXT NOT NULL,
    target INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS spool_by_strategy ON spool (strategy, sequence);
CREATE TABLE IF NOT EXISTS leadership (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS shard_leadership (
    shard INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
);
"""
_MOST_PAGES: Final = 16_384
"""Pages of 4 kB: a journal of 64 MB is full, and what would be written waits."""
OUTBOX_KEPT: Final = 10_000
"""Signals of the outbox that are kept after they were taken: the history without Redis, and the memory of their ids."""


class Closed(NamedTuple):
    """What became of a strategy's signals in one commit.

    Attributes:
        series: whose candles they were followed over.
        book: the open signals as text.
        followed: terms of the new signals as JSON, by id.
        outcomes: JSON by id, in their order; ids that were there before are left out.
    """

    series: str
    book: str
    followed: Mapping[str, str]
    outcomes: Mapping[str, str]


def journal_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the journal's file; see ``scoped_path``."""
    return scoped_path(state_dir, "journal", redis_label, namespace)


class SqliteJournal(SqliteFile):
    """The journal port on a SQLite file."""

    what = "journal"

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, _SCHEMA, most_pages=_MOST_PAGES)

    def marks(self) -> Mapping[str, Instant]:
        """Return the last candle that is known to be committed, by strategy name; see the port."""
        with self.session() as connection:
            return dict(connection.execute("SELECT strategy, time FROM marks"))

    def forget(self, strategy: str) -> bool:
        """Remove cursor and open signals of a strategy; False when there was none.

        Raises:
            JournalUnavailable: it cannot be written, or commits of the strategy wait for Redis.
        """
        with self.session() as connection, transaction(connection):
            if connection.execute("SELECT 1 FROM spool WHERE strategy = ? LIMIT 1", (strategy,)).fetchone():
                message = f"commits of {strategy} wait in the journal for Redis; forget it when they are made"
                raise JournalUnavailable(message)
            connection.execute("DELETE FROM books WHERE strategy = ?", (strategy,))
            return bool(connection.execute("DELETE FROM marks WHERE strategy = ?", (strategy,)).rowcount)

    def open_books(self, strategies: Sequence[Strategy]) -> Mapping[str, Book]:
        """Return the open signals as they last changed, by strategy name; see the port."""
        stored, found = self.books(), {}
        for strategy in strategies:
            text = stored.get((strategy.name, str(strategy.series)))
            with contextlib.suppress(StateUnreadable):
                book = None if text is None else decode_book(text, strategy.series)
                if book is not None:
                    found[strategy.name] = book
        return found

    def remember(self, marks: Mapping[str, Instant], books: Mapping[Strategy, Book] = NO_BOOKS) -> None:
        """Keep these marks and open signals; see the port.

        A wake does not wait for the disk here. What a loss of power may forget of it Redis still knows, which is asked
        first; were Redis lost as well, an older mark only has candles evaluated again, and the ledger of what was sent
        knows their signals. Commits and signals, which nobody else may know, are waited for.
        """
        with self.session() as connection, unsynced_transaction(connection):
            connection.executemany(
                "INSERT INTO marks VALUES (?, ?) ON CONFLICT (strategy) DO UPDATE SET time = excluded.time",
                list(marks.items()),
            )
            rows = [(one.name, str(one.series), encode_book(book, one.series)) for one, book in books.items()]
            connection.executemany("INSERT OR REPLACE INTO books VALUES (?, ?, ?)", rows)

    def books(self) -> Mapping[tuple[str, str], str]:
        """Return the open signals as text, by strategy name and series.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            return {(row[0], row[1]): row[2] for row in connection.execute("SELECT strategy, series, body FROM books")}

    def outcomes(self, most: int) -> Sequence[str]:
        """Return the newest outcomes and terms of signals as JSON, oldest first, taken or not.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            query = "SELECT outcome FROM outcomes ORDER BY sequence DESC LIMIT ?"
            return [row[0] for row in connection.execute(query, (most,))][::-1]

    def commit(
        self,
        strategy: str,
        expected: Instant | None,
        target: Instant,
        signals: Mapping[str, str],
        closed: Closed | None = None,
    ) -> tuple[int, int] | None:
        """Move a strategy's mark, put its signals into the outbox and its outcomes beside it, all or nothing.

        Args:
            strategy: its name.
            expected: the mark that must still be there; None for no mark.
            target: the new mark.
            signals: JSON by id, oldest first; ids that were there before are left out.
            closed: what became of its signals; None when it is not known.

        Returns:
            How many signals and outcomes were new; None when the mark was not the expected one and nothing was changed.

        Raises:
            JournalUnavailable: it cannot be written.
        """
        with self.session() as connection, transaction(connection):
            row = connection.execute("SELECT time FROM marks WHERE strategy = ?", (strategy,)).fetchone()
            if (row[0] if row else None) != expected:
                return None
            new = put_into_outbox(connection, signals)
            connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (strategy, target))
            return new, 0 if closed is None else _put_outcomes(connection, strategy, closed)

    def waiting(self, most: int) -> Sequence[tuple[int, str]]:
        """Return the oldest signals of the outbox that nobody has taken: sequence number and JSON.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            query = "SELECT sequence, signal FROM outbox WHERE taken = 0 ORDER BY sequence LIMIT ?"
            return [(row[0], row[1]) for row in connection.execute(query, (most,))]

    def take(self, sequences: Sequence[int]) -> None:
        """Note that these signals of the outbox need no more attention; their ids stay known.

        Raises:
            JournalUnavailable: it cannot be written.
        """
        with self.session() as connection, transaction(connection):
            connection.executemany("UPDATE outbox SET taken = 1 WHERE sequence = ?", [(one,) for one in sequences])

    def history(self, most: int) -> Sequence[str]:
        """Return the newest signals of the outbox as JSON, oldest first, taken or not.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            query = "SELECT signal FROM outbox ORDER BY sequence DESC LIMIT ?"
            return [row[0] for row in connection.execute(query, (most,))][::-1]


def _put_outcomes(connection: sqlite3.Connection, strategy: str, closed: Closed) -> int:
    row = (strategy, closed.series, closed.book)
    connection.execute("INSERT OR REPLACE INTO books VALUES (?, ?, ?)", row)
    query = "INSERT OR IGNORE INTO outcomes (id, outcome) VALUES (?, ?)"
    connection.executemany(query, [(f"follow:{id_}", text) for id_, text in closed.followed.items()])
    return put_outcomes(connection, closed.outcomes)


def put_outcomes(connection: sqlite3.Connection, outcomes: Mapping[str, str]) -> int:
    """Append outcomes, JSON by id; return how many had not been there. To be called within a transaction."""
    query = "INSERT OR IGNORE INTO outcomes (id, outcome) VALUES (?, ?)"
    new = sum(connection.execute(query, item).rowcount for item in outcomes.items())
    if new:
        old = "sequence <= (SELECT max(sequence) FROM outcomes) - ?"
        connection.execute(f"DELETE FROM outcomes WHERE {old}", (OUTBOX_KEPT,))  # noqa: S608 - our own
    return new


def put_into_outbox(connection: sqlite3.Connection, signals: Mapping[str, str]) -> int:
    """Append signals, JSON by id; return how many had not been there. To be called within a transaction."""
    query = "INSERT OR IGNORE INTO outbox (id, signal) VALUES (?, ?)"
    new = sum(connection.execute(query, item).rowcount for item in signals.items())
    if new:
        old = "sequence <= (SELECT max(sequence) FROM outbox) - ?"
        connection.execute(f"DELETE FROM outbox WHERE taken = 1 AND {old}", (OUTBOX_KEPT,))  # noqa: S608 - our own
    return new
