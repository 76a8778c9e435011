"""Who holds a lease: a token that names the process, so that another one on this machine can see whether it lives."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Final

_PARTS: Final = 5


def holder_token(role: str) -> str:
    """Return a token for this process, never the same twice: role, host, process namespace, process, chance."""
    return f"{role}|{_here()}|{os.getpid()}|{uuid.uuid4().hex[:12]}"


def is_dead(token: str) -> bool:
    """Tell whether the token's process certainly no longer runs: it was one of this machine, and it is gone."""
    parts = token.split("|")
    if len(parts) != _PARTS or f"{parts[1]}|{parts[2]}" != _here() or not parts[3].isdecimal():
        return False
    try:
        os.kill(int(parts[3]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _here() -> str:
    """Return host and process namespace: process numbers mean something only within these."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = "unknown"
    return f"{os.uname().nodename}|{namespace}"
