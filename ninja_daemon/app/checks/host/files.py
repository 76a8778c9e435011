"""Who may write the settings and read the credentials, and the room on the disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.host.machine import SETTINGS, Host, Unknown

_ROOM: Final = 500 * 1024**2
_LEAST_ROOM: Final = 50 * 1024**2


def check_modes(host: Host) -> Iterator[Finding]:
    """Nobody but root changes the settings, nobody but root reads the credentials."""
    if not host.has(SETTINGS):
        return
    wrong = [*_writable(host), *_readable(host)]
    yield from wrong
    if not wrong:
        cause = "only root may change the settings and read the credentials"
        yield Finding(Level.OK, "host.files", f"/{SETTINGS}", cause)


def _writable(host: Host) -> Iterator[Finding]:
    for place in (SETTINGS, f"{SETTINGS}/ninja.toml", f"{SETTINGS}/ninja.env", f"{SETTINGS}/credentials"):
        mode = _mode(host, place)
        if mode is not None and mode & (stat.S_IWGRP | stat.S_IWOTH):
            cause = f"others than its owner may write to it (mode {mode:o}): they could send signals elsewhere"
            yield Finding(Level.WARNING, "host.files_writable", f"/{place}", cause, f"chmod go-w /{place}")


def _readable(host: Host) -> Iterator[Finding]:
    folder = f"{SETTINGS}/credentials"
    mode = _mode(host, folder)
    if mode is None or not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return  # nobody else gets into it, whatever the modes inside
    yield Finding(
        Level.WARNING,
        "host.credentials",
        f"/{folder}",
        f"others than root may look into it (mode {mode:o})",
        f"chmod 700 /{folder}; chmod 600 /{folder}/*",
    )
    for place in host.matching(f"{folder}/**/*"):
        inner = _mode(host, place) if host.at(place).is_file() else None
        if inner is not None and inner & (stat.S_IRWXG | stat.S_IRWXO):
            cause = f"others than root may read this secret (mode {inner:o})"
            yield Finding(Level.WARNING, "host.credentials", f"/{place}", cause, f"chmod 600 /{place}")


def _mode(host: Host, place: str) -> int | None:
    try:
        return stat.S_IMODE(host.at(place).stat().st_mode)
    except OSError:
        return None


def check_disk(state_dir: Path) -> Iterator[Finding]:
    """The journal needs room, most of all while Redis is away."""
    nearest = next((path for path in (state_dir, *state_dir.parents) if path.exists()), Path("/"))
    try:
        found = os.statvfs(nearest)
    except OSError as error:
        message = f"the room at {nearest} is not known ({error.strerror})"
        raise Unknown(message) from error
    room = found.f_bavail * found.f_frsize
    no_names = found.f_files > 0 and found.f_favail == 0
    subject = f"state directory {state_dir}"
    if room >= _ROOM and not no_names:
        yield Finding(Level.OK, "host.disk", subject, f"{room // 1024**2} MB are free")
        return
    cause = "no more files can be made on its disk" if no_names else f"only {room // 1024**2} MB are free on its disk"
    level = Level.ERROR if no_names or room < _LEAST_ROOM else Level.WARNING
    yield Finding(
        level, "host.disk", subject, cause, "make room: journalctl --vacuum-size=200M; apt clean; older backups"
    )
