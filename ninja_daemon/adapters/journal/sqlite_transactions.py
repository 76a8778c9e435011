"""Transactions of SQLite, and what a file must be before one begins."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

FORM: Final = 1
"""Form of the tables; a file of a newer one is left alone."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of it or nothing; the lock is taken at once, so that what is read inside stays true."""
    connection.execute("BEGIN IMMEDIATE")
    with _ended(connection):
        yield


@contextmanager
def _ended(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def at_once(connection: sqlite3.Connection, patience: float) -> Iterator[bool]:
    """Be in a transaction if no other process writes at this moment; tell whether we are.

    Args:
        connection: which stays what it is: to open a file anew takes a look at all of it.
        patience: seconds for which it waits for others otherwise.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        is_free = _is_begun(connection)
        with _ended(connection) if is_free else nullcontext():
            yield is_free
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience * 1_000:.0f}")


def _is_begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


@contextmanager
def unsynced_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of it or nothing, without waiting for the disk.

    A killed process loses nothing of it. A machine that loses its power may forget the last of such transactions, never
    a part of one, and none that another kind of transaction has followed: its wait covers those before it.
    """
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        with transaction(connection):
            yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")


def require_sound(connection: sqlite3.Connection) -> None:
    """Check that a file is not damaged.

    Raises:
        sqlite3.DatabaseError: it is.
    """
    if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
        message = "it is damaged"
        raise sqlite3.DatabaseError(message)


def require_known_form(connection: sqlite3.Connection) -> None:
    """Check that this version knows the form of a file.

    Raises:
        sqlite3.OperationalError: it does not.
    """
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > FORM:
        # No damage: it must not be set aside.
        message = f"a newer version of ninja-daemon has written it, in form {found}; this one knows form {FORM}"
        raise sqlite3.OperationalError(message)


def add_columns(connection: sqlite3.Connection, table: str, names: Sequence[str], kind: str) -> None:
    """Give a table of an older version the columns that came later; several processes may find them missing."""
    if _missing(connection, table, names):
        with transaction(connection):
            for name in _missing(connection, table, names):
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def _missing(connection: sqlite3.Connection, table: str, names: Sequence[str]) -> list[str]:
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    return [name for name in names if name not in known]


def is_begun(path: Path) -> bool:
    """Tell whether there is something in a file, without opening it: to close it would end SQLite's locks on it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
