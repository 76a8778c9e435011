"""The candles of signals' pictures in the journal's file, for an hour each; for the time without Redis."""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile

_NAME: Final = "picture:"


class LocalPicturePacks:
    """One row a signal; those that are over are removed with the next one."""

    def __init__(self, file: LocalQueueFile) -> None:
        """Choose the file."""
        self._file = file

    def leave(self, identity: str, text: str, seconds: int) -> None:
        """Leave the candles of a signal for so many seconds.

        Raises:
            StoreUnavailable: the file cannot be written.
        """
        now = self._file.now_ms()
        with self._file.changing() as connection:
            query = "DELETE FROM queue_kept WHERE until <= ? AND substr(name, 1, 8) = ?"
            connection.execute(query, (now, _NAME))
            row = (_NAME + identity, text, now + seconds * 1_000)
            connection.execute("INSERT OR REPLACE INTO queue_kept VALUES (?, ?, ?)", row)

    def read(self, identity: str) -> str:
        """Return the candles of a signal, empty when there are none.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        query = "SELECT text FROM queue_kept WHERE name = ? AND until > ?"
        with self._file.reading() as connection:
            row = connection.execute(query, (_NAME + identity, self._file.now_ms())).fetchone()
        return "" if row is None else str(row[0])
