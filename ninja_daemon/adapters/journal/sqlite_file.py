"""A SQLite file in the state directory: durable at every commit (but ``unsynced_transaction``), one thread at a time.

A damaged file is set aside for a person to look at, and a new one is begun; what a file may lose that way is its
owner's affair. After a power cut several processes find the same damage: a lock on the directory lets one of them set
the file aside while none is opening it, and the others find the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.journal.sqlite_transactions import FORM, is_begun, require_known_form, require_sound
from ninja_daemon.core.errors import JournalUnavailable

BUSY_SECONDS: Final = 1.0
"""Seconds to wait for another process that writes, or that sets a damaged file aside."""
_LOOK_EVERY: Final = 0.01
"""Seconds between two tries for a file's lock, which the system grants at once or without a limit only."""


def scoped_path(state_dir: Path, kind: str, redis_label: str, namespace: str) -> Path:
    """Return a file's path: one for each Redis and namespace, however many share the state directory.

    Args:
        state_dir: where the files lie.
        kind: begins the file's name.
        redis_label: address of the Redis without credentials, so that changing a password changes no file.
        namespace: prefix of the keys.
    """
    scope = hashlib.sha256(f"{redis_label}|{namespace}".encode()).hexdigest()[:8]
    return state_dir / f"{kind}-{namespace}-{scope}.sqlite3"


class SqliteFile:
    """One file (write-ahead log, ``synchronous=FULL`` but where an owner does without); for threads and processes."""

    what = "file"
    """What it is called in an error."""

    def __init__(self, path: Path, schema: str, *, most_pages: int | None = None) -> None:
        """Name the file; it is opened, and its directory made, when it is first used.

        Args:
            path: where it lies.
            schema: statements that make what is missing of its tables.
            most_pages: pages of 4 kB beyond which it counts as full.
        """
        self.path = path
        self.set_aside: Path | None = None
        self._schema = schema
        self._most_pages = most_pages
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._lock = threading.Lock()

    @contextmanager
    def session(self) -> Iterator[sqlite3.Connection]:
        """Be the one thread of this process that uses the file.

        Raises:
            JournalUnavailable: it cannot be used.
        """
        with self._lock:
            try:
                self._let_go_of_another_file()
                if self._connection is None:
                    self._connection = self._opened()
                yield self._connection
            except sqlite3.DatabaseError as error:
                self._forget()
                message = (
                    f"the {self.what} {self.path.name} cannot be used ({error}); look at the disk and its permissions"
                )
                raise JournalUnavailable(message) from error
            except OSError as error:
                self._forget()
                message = f"the state directory must be writable, was not ({error.strerror}); set NINJA_STATE_DIR"
                raise JournalUnavailable(message) from error

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._forget()

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite does not wait for another process that makes the same new file, so one process makes it alone.
        how = fcntl.LOCK_SH if is_begun(self.path) else fcntl.LOCK_EX
        try:
            with self._directory_locked(how):
                return self._found()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            return self._begun_anew()

    def _begun_anew(self) -> sqlite3.Connection:
        with self._directory_locked(fcntl.LOCK_EX):
            try:
                return self._found()  # Another process may have set it aside meanwhile.
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._put_aside()
                return self._found()

    def _found(self) -> sqlite3.Connection:
        connection = self._connected()
        self._inode = self.path.stat().st_ino
        return connection

    @contextmanager
    def _directory_locked(self, how: int) -> Iterator[None]:
        """Keep others from making a file or setting one aside, or (``LOCK_EX``) from opening one.

        The directory itself is locked: a lock file would lie there for ever.
        """
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + BUSY_SECONDS
            while not _is_locked(directory, how):
                if time.monotonic() >= deadline:
                    message = "another process is opening it or sets it aside"
                    raise sqlite3.OperationalError(message)
                time.sleep(_LOOK_EVERY)
            yield
        finally:
            os.close(directory)

    def _let_go_of_another_file(self) -> None:
        """Forget a file that another process has set aside while it was open here."""
        if self._connection is None:
            return
        try:
            is_ours = self.path.stat().st_ino == self._inode
        except OSError:
            is_ours = False
        if not is_ours:
            self._forget()

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            if self._most_pages is not None:
                connection.execute(f"PRAGMA max_page_count = {self._most_pages}")
            require_sound(connection)
            require_known_form(connection)
            connection.executescript(self._schema)
            connection.execute(f"PRAGMA user_version = {FORM}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self) -> None:
        """Keep a damaged file for a person to look at, out of the way."""
        name = f"{self.path.stem}.damaged-{int(time.time())}"
        candidates = (self.path.with_name(f"{name}-{number}" if number else name) for number in itertools.count())
        aside = next(path for path in candidates if not path.exists())
        self.path.rename(aside)
        for rest in ("-wal", "-shm"):
            self.path.with_name(self.path.name + rest).unlink(missing_ok=True)
        self.set_aside = aside

    def _forget(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _is_locked(directory: int, how: int) -> bool:
    try:
        fcntl.flock(directory, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
