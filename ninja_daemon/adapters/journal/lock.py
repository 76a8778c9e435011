"""A lock file beside the journal: one process of this machine holds it, until it lets go or ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class LockFile:
    """One process's hold on a file. The kernel lets go when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Hold nothing yet."""
        self._path = path
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds it."""
        return self._handle is not None

    def take(self, note: str = "") -> str | None:
        """Take the lock, or find out who has it.

        Args:
            note: written into the file by the one who takes it.

        Returns:
            None when it is ours, else the note of the process that holds it.

        Raises:
            OSError: the file cannot be opened.
        """
        if self._handle is not None:
            return None
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace")
            os.close(handle)
            return holder
        except OSError:
            os.close(handle)
            raise
        os.truncate(handle, 0)
        os.pwrite(handle, note.encode(), 0)
        self._handle = handle
        return None

    def let_go(self) -> None:
        """Let another process have it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
