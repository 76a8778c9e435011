"""The state directory is for its owner alone: 0700, and 0600 for what lies in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # Every command loads this module, and few load the logs.
    from structlog.typing import FilteringBoundLogger

_OTHERS: Final = 0o077
_OURS: Final = (".sqlite3", ".process", ".lock", ".sqlite3-wal", ".sqlite3-shm", ".heartbeat", ".log", ".json")
"""Endings of the files that the product writes there; a directory may hold what is not ours."""


def keep_from_others() -> None:
    """Have every file that this process makes be for its owner alone."""
    os.umask(_OTHERS)


def make_private(state_dir: Path) -> tuple[Path, ...]:
    """Take from others the rights to the directory and its files; return what had to be changed.

    What belongs to somebody else stays as it is: `check` says so.
    """
    return tuple(path for path in _found(state_dir) if _is_mended(path))


def say_private(state_dir: Path, log: FilteringBoundLogger) -> None:
    """Do so, and say in the log what was open."""
    mended = make_private(state_dir)
    if mended:
        more = "" if len(mended) == 1 else f" and {len(mended) - 1} more"
        sentence = f"{mended[0]}{more} could be read by others, and is for its owner alone now"
        log.warning(sentence, event_id="state.private")


def _found(state_dir: Path) -> Iterator[Path]:
    yield state_dir
    for folder in (state_dir, state_dir / "logs", state_dir / "redis", state_dir / "redis" / "appendonlydir"):
        if folder.is_dir() and not folder.is_symlink():
            yield from (path for path in folder.iterdir() if _is_ours(path, folder == state_dir))


def _is_ours(path: Path, is_top: bool) -> bool:  # noqa: FBT001 - names alone tell at the top only
    return not is_top or path.suffix in _OURS or path.name in {"logs", "redis", "backups"}


def _is_mended(path: Path) -> bool:
    try:
        found = path.lstat()
        if not stat.S_IMODE(found.st_mode) & _OTHERS or not (
            stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
        ):
            return False
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
    except OSError:
        return False
    return True
