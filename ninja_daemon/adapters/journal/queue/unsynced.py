"""What people ordered while Redis was away, noted in the journal's file until Redis has been told."""

from __future__ import annotations

from typing import NamedTuple

from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile


class Unsynced(NamedTuple):
    """A silence or a pause of which Redis has not been told, or its end.

    Attributes:
        kind: ``silence``, or ``lane`` for a pause.
        name: of the silence, or of the destination.
    """

    kind: str
    name: str


class UnsyncedNotes:
    """The notes."""

    def __init__(self, file: LocalQueueFile) -> None:
        """Choose the file."""
        self._file = file

    def add(self, note: Unsynced) -> None:
        """Note what is about to be changed here; before it is.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        with self._file.changing() as connection:
            connection.execute("INSERT OR REPLACE INTO queue_orders VALUES (?, ?)", note)

    def all(self) -> list[Unsynced]:
        """Return all notes.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        with self._file.reading() as connection:
            return [Unsynced(*row) for row in connection.execute("SELECT kind, name FROM queue_orders").fetchall()]

    def remove(self, note: Unsynced) -> None:
        """Forget what Redis has been told.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        with self._file.changing() as connection:
            connection.execute("DELETE FROM queue_orders WHERE kind = ? AND name = ?", note)
