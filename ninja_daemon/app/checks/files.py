"""Files and secrets on this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.settings.environment import Environment

_CONTAINER_SECRETS = Path("/run/secrets")
"""Where container engines mount secrets, readable by all inside of the container, who are one."""


def check_files(environment: Environment) -> Iterator[Finding]:
    """Look at the file of secrets and at the state directory."""
    for path in (environment.env_file, *environment.secret_files):
        if path is not None and _CONTAINER_SECRETS not in path.parents:
            yield from _readable_by_others(path)
    yield from _state_directory(environment.state_dir)


def _readable_by_others(path: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        who = "everybody" if mode & stat.S_IROTH else "its group"
        cause = f"it holds secrets and {who} on this machine may read it (mode {mode:o})"
        yield Finding(Level.WARNING, "files.secrets_readable", str(path), cause, f"chmod 600 {path}")


def _state_directory(path: Path) -> Iterator[Finding]:
    subject = f"state directory {path}"
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    if not nearest.is_dir():
        cause = f"{nearest} is not a directory"
        yield Finding(Level.ERROR, "files.state_dir", subject, cause, "name another one in NINJA_STATE_DIR")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        where = "it" if nearest == path else f"{nearest}, in which it would be made,"
        cause = f"{where} cannot be written to by this user: the local journal cannot be kept"
        cure = "give this user the right, or name another directory in NINJA_STATE_DIR"
        yield Finding(Level.ERROR, "files.state_dir", subject, cause, cure)
    else:
        yield Finding(Level.OK, "files.state_dir", subject, "can be written to")
