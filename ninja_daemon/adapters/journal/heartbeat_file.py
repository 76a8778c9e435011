"""The daemon's heartbeat as a file beside the journal: where there is no Redis, or none at the moment."""

from __future__ import annotations

import os
from pathlib import Path

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.usecases.lifetimes import HEARTBEAT


def heartbeat_path(journal: Path) -> Path:
    """Return where the heartbeat lies that belongs to a journal."""
    return journal.with_suffix(".heartbeat")


def leave_heartbeat(journal: Path, text: str) -> None:
    """Write the heartbeat, whole or not at all.

    Raises:
        StoreUnavailable: the directory cannot be written.
    """
    path = heartbeat_path(journal)
    try:
        # Named by the process: a second daemon of this machine may write at the same moment.
        new = path.with_suffix(f".new-{os.getpid()}")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        message = f"the state directory must be writable, was not ({error.strerror}); set NINJA_STATE_DIR"
        raise StoreUnavailable(message) from error


def fresh_heartbeat(journal: Path, now: float) -> str | None:
    """Return the heartbeat if the daemon wrote it a moment ago; it does not vanish by itself when the daemon ends.

    Args:
        journal: the journal's file.
        now: epoch seconds.
    """
    path = heartbeat_path(journal)
    try:
        if now - path.stat().st_mtime > HEARTBEAT:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
