"""The ledger of what this machine has sent: a SQLite file in the state directory, durable at every entry.

It stops repeats that Redis cannot: after Redis was set back to an older state, the ids that it has forgotten are
still here. Without it (disk full, damaged) delivery goes on, and says so.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.sqlite_file import SqliteFile, scoped_path, transaction

KEPT: Final = 7 * 86_400
"""Seconds for which an entry is kept."""
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
    """Return the ledger's file; see ``scoped_path``."""
    return scoped_path(state_dir, "sent", redis_label, namespace)


class SqliteSentLedger(SqliteFile):
    """The sent-ledger port on a SQLite file; safe to use from several threads and processes."""

    what = "ledger of sent messages"

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, _SCHEMA)
        self._cleaned = 0.0

    def known(self, destination: str, ids: Collection[str]) -> frozenset[str]:
        """Return those of ``ids`` that were sent to the destination; see the port."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT id FROM sent WHERE destination = ? AND id IN ({marks})"  # noqa: S608 - question marks only
        with self.session() as connection:
            return frozenset(str(row[0]) for row in connection.execute(query, (destination, *ids)))

    def remember(self, destination: str, ids: Collection[str], message_id: str, now: float) -> None:
        """Keep that ``ids`` were sent, durably; see the port."""
        rows = [(destination, identity, int(now), message_id) for identity in ids]
        with self.session() as connection, transaction(connection):
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
        with self.session() as connection:
            row = connection.execute(query, (destination, identity)).fetchone()
        return "" if row is None else str(row[0])
