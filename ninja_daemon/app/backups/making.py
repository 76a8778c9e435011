"""Backups: what is taken, in which order, under which name, and how many are kept."""

from __future__ import annotations

import re
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ninja_daemon import __version__
from ninja_daemon.adapters.files.backup_file import SUFFIX, write_backup
from ninja_daemon.adapters.files.backup_form import CALENDAR, EVALUATIONS, JOURNAL, LEDGER, RECORD, REDIS, encode_keys
from ninja_daemon.adapters.files.backup_reading import read_backup
from ninja_daemon.adapters.journal.backup import copy_database
from ninja_daemon.adapters.journal.history.evaluations import evaluations_path
from ninja_daemon.adapters.journal.history.news import news_path
from ninja_daemon.adapters.journal.history.record import record_path
from ninja_daemon.adapters.journal.sent_ledger import ledger_path
from ninja_daemon.adapters.redis.backups.backup import RedisNamespace
from ninja_daemon.app.queues.opening import journal_file, store_label
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable

FOLDER: Final = "backups"
"""Within the state directory, where no other place is named."""
BEFORE_RESTORE: Final = "before-restore"
"""Ends the name of the copy that a restoration makes first; such copies do not count among those that are kept."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, proven and named.

    Attributes:
        path: where it is.
        keys: keys of Redis in it; None for a product without Redis.
        parts: names of what is in it.
        size: bytes.
        digest: SHA-256 of the file.
        strange: keys that were left out, because their kind is none of ours.
        removed: older backups that were removed.
    """

    path: Path
    keys: int | None
    parts: tuple[str, ...]
    size: int
    digest: str
    strange: tuple[str, ...]
    removed: tuple[Path, ...]


def backup_folder(environment: Environment) -> Path:
    """Return where backups are kept unless told otherwise."""
    return environment.state_dir / FOLDER


def redis_namespace(environment: Environment) -> RedisNamespace:
    """Return all keys of ours in Redis."""
    return RedisNamespace(environment.redis_url.reveal(), environment.namespace)


def local_files(environment: Environment) -> dict[str, Path]:
    """Return journal, ledger, record, notes of evaluations and what the calendar said by their names in a backup."""
    scope = (environment.state_dir, store_label(environment), environment.namespace)
    return {
        JOURNAL: journal_file(environment),
        LEDGER: ledger_path(*scope),
        RECORD: record_path(*scope),
        EVALUATIONS: evaluations_path(*scope),
        CALENDAR: news_path(*scope),
    }


def make_backup(environment: Environment, folder: Path, at: float, *, keep: int | None, label: str = "") -> Made:
    """Make a backup, prove it by reading it back, then remove the oldest ones.

    Redis is read first, then journal, ledger, record and notes: what is sent meanwhile is in the ledger, so that it is
    not sent again after a restoration; and a daemon copes with a journal that is ahead of Redis.

    Args:
        environment: where everything is.
        folder: where the backup goes; it is made when it is missing.
        at: epoch seconds.
        keep: how many backups of this namespace stay; None for all.
        label: ends the file's name.

    Raises:
        StoreUnavailable: Redis cannot be read; there is no backup, and the older ones stay.
        JournalUnavailable: a file cannot be read or written; no backup is left.
        StateUnreadable: the written file could not be read back; no backup is left.
    """
    _make_folder(folder)
    with tempfile.TemporaryDirectory(prefix="ninja-backup-") as name:
        parts, strange = _taken(environment, Path(name))
        about = _about(environment, at)
        target = folder / _file_name(environment.namespace, at, label)
        write_backup(target, about, parts)
    with read_backup(target) as proven:
        keys = None if proven.keys is None else len(proven.keys)
        size, digest = proven.size, proven.digest
    removed = () if keep is None else _removed(folder, environment.namespace, keep)
    return Made(target, keys, tuple(parts), size, digest, strange, removed)


def _about(environment: Environment, at: float) -> dict[str, object]:
    return {
        "created": int(at),
        "version": __version__,
        "namespace": environment.namespace,
        "redis": environment.redis_label if environment.cache_enabled else None,
    }


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = f"the folder for backups must be there or be made, {folder} could not be ({error.strerror})"
        raise JournalUnavailable(message) from error


def _taken(environment: Environment, folder: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    parts: dict[str, Path] = {}
    strange: tuple[str, ...] = ()
    if environment.cache_enabled:
        with closing(redis_namespace(environment)) as there:
            contents = there.read()
        strange = contents.strange
        parts[REDIS] = folder / REDIS
        parts[REDIS].write_bytes(encode_keys(contents.keys))
    for name, path in local_files(environment).items():
        if path.exists():
            copy_database(path, folder / name)
            parts[name] = folder / name
    return parts, strange


def _file_name(namespace: str, at: float, label: str) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"ninja-{namespace}-{moment:%Y%m%dT%H%M%S}Z{f'-{label}' if label else ''}{SUFFIX}"


def backups_of(folder: Path, namespace: str) -> list[Path]:
    """Return the backups of a namespace in a folder, oldest first."""
    pattern = re.compile(rf"ninja-{re.escape(namespace)}-\d{{8}}T\d{{6}}Z{re.escape(SUFFIX)}", re.ASCII)
    return sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))


def _removed(folder: Path, namespace: str, keep: int) -> tuple[Path, ...]:
    try:
        old = backups_of(folder, namespace)[:-keep]
        for path in old:
            path.unlink()
    except OSError as error:
        message = f"the backup was made, and older ones in {folder} could not be removed ({error.strerror})"
        raise JournalUnavailable(message) from error
    return tuple(old)
