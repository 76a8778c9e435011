"""The lock by which only one server works in a directory; it is handed on to the server."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from ninja_daemon.core.errors import ConfigError

HANDOVER_LIMIT: Final = 5.0
"""Seconds to wait for the server of a process that has died a moment ago."""


def take_lock(directory: Path) -> int:
    """Take the lock of a directory, from a server that is ending, too; return it, open.

    Raises:
        ConfigError: another server runs there, or nothing can be written.
    """
    path = directory / "redis.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"the directory of the Redis server must be writable, {path} is not ({error.strerror})"
        raise ConfigError(message) from error
    deadline = time.monotonic() + HANDOVER_LIMIT
    while not _locked(lock):
        owner = _owner(lock)
        if _alive(owner) or time.monotonic() > deadline:
            os.close(lock)
            message = (
                f"{directory} already has a Redis server, run by process {owner}; "
                "stop that process, or set NINJA_STATE_DIR to another directory"
            )
            raise ConfigError(message)
        time.sleep(0.02)  # a lock with a deadline: the system offers no other wait
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(lock: int) -> int:
    """Return the process that the lock file names, 0 while it names none."""
    text = os.pread(lock, 32, 0).strip()
    return int(text) if text.isdigit() else 0


def _alive(process: int) -> bool:
    if process == 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
