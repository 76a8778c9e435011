"""What a calendar of scheduled news said, and since when, in a SQLite file of the state directory.

Nothing is ever changed in it but the end of what stood: so every close is judged again as it was.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.journal.sqlite_file import SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import transaction
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.news import Calendar, Known, NewsEvent, Reading

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS event (
    time INTEGER NOT NULL, currency TEXT NOT NULL, impact TEXT NOT NULL, title TEXT NOT NULL,
    since INTEGER NOT NULL, until INTEGER, PRIMARY KEY (time, currency, impact, title, since)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reading (at INTEGER PRIMARY KEY, as_of INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS moment (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""
_BEGUN, _ASKED = "begun", "asked"


def news_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the file; see ``scoped_path``."""
    return scoped_path(state_dir, "calendar", redis_label, namespace)


class SqliteNews(SqliteFile):
    """The history of a calendar in one file. Every method raises JournalUnavailable when it cannot be used."""

    what = "file of scheduled news"

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, _SCHEMA)

    def begin(self, at: Instant) -> None:
        """Note since when the calendar is read, once."""
        with self.session() as connection:
            connection.execute("INSERT OR IGNORE INTO moment VALUES (?, ?)", (_BEGUN, at))

    def may_ask(self, at: Instant, every: int) -> bool:
        """Tell whether an address may be asked, and note that it is, for all processes that share the file."""
        with self.session() as connection, transaction(connection):
            row = connection.execute("SELECT at FROM moment WHERE name = ?", (_ASKED,)).fetchone()
            if row is not None and 0 <= at - row[0] < every:
                return False
            connection.execute("INSERT OR REPLACE INTO moment VALUES (?, ?)", (_ASKED, at))
        return True

    def take(self, events: Collection[NewsEvent], at: Instant, as_of: Instant) -> None:
        """Take in a reading.

        An event that it does not name stands no longer, if it lies in the future and before the last one that it names.
        Calendars of a week say nothing of the next one, and some drop what is past.
        """
        with self.session() as connection, transaction(connection):
            connection.execute("INSERT OR IGNORE INTO moment VALUES (?, ?)", (_BEGUN, at))
            standing = "SELECT time, currency, impact, title FROM event WHERE until IS NULL"
            known = {NewsEvent(*row) for row in connection.execute(standing)}
            named, end = set(events), max((event.time for event in events), default=0)
            gone = {one for one in known - named if at < one.time <= end}
            ended = "UPDATE event SET until = ? WHERE time = ? AND currency = ? AND impact = ? AND title = ?"
            connection.executemany(f"{ended} AND until IS NULL", [(at, *event) for event in gone])
            row = "INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, NULL)"
            connection.executemany(row, [(*event, at) for event in named - known])
            connection.execute("INSERT OR REPLACE INTO reading VALUES (?, ?)", (at, as_of))

    def last_reading(self) -> Reading | None:
        """Return the newest reading."""
        with self.session() as connection:
            row = connection.execute("SELECT at, as_of FROM reading ORDER BY at DESC LIMIT 1").fetchone()
        return None if row is None else Reading(*row)

    def calendar(self, max_age: int) -> Calendar:
        """Return all that is known."""
        with self.session() as connection:
            events = connection.execute("SELECT * FROM event ORDER BY time, currency, title, since").fetchall()
            readings = connection.execute("SELECT at, as_of FROM reading ORDER BY at").fetchall()
            begun = connection.execute("SELECT at FROM moment WHERE name = ?", (_BEGUN,)).fetchone()
        known = [Known(NewsEvent(*row[:4]), row[4], row[5]) for row in events]
        return Calendar(None if begun is None else begun[0], known, [Reading(*row) for row in readings], max_age)
