"""Copies of the local journal and of the ledger of sent messages: made while they are in use, proven, and put back."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.journal.sqlite_file import BUSY_SECONDS
from ninja_daemon.adapters.journal.sqlite_transactions import FORM
from ninja_daemon.core.errors import JournalUnavailable, StateUnreadable

_BESIDE: Final = ("-wal", "-shm")
_UNKNOWN: Final = "NOT EXISTS (SELECT 1 FROM sent AS s WHERE s.destination = o.destination AND s.id = o.id)"
"""Rows ``o`` of a copy whose delivery the ledger does not know."""


@contextmanager
def _opened(path: Path, *, for_writing: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a file that must be there."""
    address = f"{path.absolute().as_uri()}?mode={'rw' if for_writing else 'ro'}"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            yield connection
    except sqlite3.Error as error:
        message = f"{path.name} cannot be used ({error}); look at the disk and its permissions"
        raise JournalUnavailable(message) from error


def copy_database(source: Path, target: Path) -> None:
    """Copy a database atomically, even while others write; the copy is one file.

    Raises:
        JournalUnavailable: it cannot be read, or the copy cannot be written.
    """
    with _opened(source) as reading:
        try:
            with contextlib.closing(sqlite3.connect(target)) as writing:
                reading.backup(writing)
                writing.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            message = f"the copy {target} cannot be written ({error}); is the disk full?"
            raise JournalUnavailable(message) from error


def prove_database(path: Path) -> None:
    """Check that a copy is whole and of a form that this version knows.

    Raises:
        StateUnreadable: it is not.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchone()
            form = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        message = f"{path.name} must be a whole database, was not ({error})"
        raise StateUnreadable(message) from error
    if said != ("ok",) or not 0 < form <= FORM:
        message = f"{path.name} must be a whole database of form {FORM}, was not ({said[0]}, form {form})"
        raise StateUnreadable(message)


def count_unknown_sent(ledger: Path, copy: Path) -> int:
    """Return how many deliveries the copy of a ledger knows and the ledger does not.

    Raises:
        JournalUnavailable: one of them cannot be read.
    """
    if not ledger.exists():
        with _opened(copy) as connection:
            return int(connection.execute("SELECT count(*) FROM sent").fetchone()[0])
    with _opened(ledger) as connection, _attached(connection, copy):
        query = f"SELECT count(*) FROM old.sent AS o WHERE {_UNKNOWN}"  # noqa: S608 - our own words
        return int(connection.execute(query).fetchone()[0])


def merge_ledger(ledger: Path, copy: Path) -> None:
    """Add what the copy of a ledger knows to the ledger, whose own entries stay; both are whole afterwards.

    Raises:
        JournalUnavailable: nothing was added.
    """
    with _opened(ledger, for_writing=True) as connection, _attached(connection, copy), connection:
        connection.execute("INSERT OR IGNORE INTO sent SELECT destination, id, time, message_id FROM old.sent")
        columns = "destination, id, since, holder"
        connection.execute(f"INSERT OR IGNORE INTO sending SELECT {columns} FROM old.sending AS o WHERE {_UNKNOWN}")  # noqa: S608
        if connection.execute("SELECT 1 FROM old.sqlite_master WHERE name = 'posted'").fetchone() is not None:
            columns = "destination, id, message_id, entry, digest, repeated, outcome"
            rows = f"SELECT {columns} FROM old.posted ORDER BY sequence"  # noqa: S608
            connection.execute(f"INSERT OR IGNORE INTO posted ({columns}) {rows}")


@contextmanager
def _attached(connection: sqlite3.Connection, copy: Path) -> Iterator[None]:
    connection.execute("ATTACH ? AS old", (str(copy),))
    try:
        yield
    finally:
        connection.execute("DETACH old")


def place_journal(copy: Path, target: Path) -> None:
    """Put a copy of a journal where none is; it names no daemon as the one that was active last.

    Raises:
        JournalUnavailable: it was not put there.
    """
    with _opened(copy, for_writing=True) as connection, connection:
        connection.execute("DELETE FROM leadership")
        connection.execute("DROP TABLE IF EXISTS shard_leadership")  # made anew when the journal is opened
    place_database(copy, target)


def place_database(copy: Path, target: Path) -> None:
    """Put a copy of a database where none is.

    Raises:
        JournalUnavailable: it was not put there.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = target.with_name(f".{target.name}.half")
        shutil.copyfile(copy, half)
        half.chmod(0o600)
        _flush(half)
        half.replace(target)
        _flush(target.parent)
    except OSError as error:
        message = f"the state directory must be writable, was not ({error.strerror}); set NINJA_STATE_DIR"
        raise JournalUnavailable(message) from error


def set_journal_aside(path: Path, moment: int) -> Path:
    """Move a journal that no process uses out of the way; return where it is kept.

    Raises:
        JournalUnavailable: it could not be moved.
    """
    aside = path.with_name(f"{path.stem}.before-restore-{moment}")
    try:
        with _opened(path, for_writing=True) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.rename(aside)
        for rest in _BESIDE:
            path.with_name(path.name + rest).unlink(missing_ok=True)
    except OSError as error:
        message = f"{path.name} could not be moved out of the way ({error.strerror})"
        raise JournalUnavailable(message) from error
    return aside


def notifier_beat_left(journal: Path, now: float) -> float | None:
    """Return the seconds that the notifier's heartbeat in a journal has left; None when there is none.

    Raises:
        JournalUnavailable: it cannot be read.
    """
    if not journal.exists():
        return None
    with _opened(journal) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'queue_kept'").fetchone()
        row = known and connection.execute("SELECT until FROM queue_kept WHERE name = 'heartbeat'").fetchone()
    left = None if not row or row[0] is None else row[0] / 1_000 - now
    return left if left is not None and left > 0 else None


def _flush(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
