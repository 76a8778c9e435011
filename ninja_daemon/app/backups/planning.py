"""What a restoration would do, said before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from ninja_daemon.adapters.files.backup_form import EVALUATIONS, JOURNAL, LEDGER, RECORD, Backup
from ninja_daemon.adapters.journal.backup import count_unknown_sent, notifier_beat_left
from ninja_daemon.adapters.journal.sent_ledger import KEPT
from ninja_daemon.adapters.redis.backups.backup import SIGNS_OF_LIFE, Contents
from ninja_daemon.adapters.redis.backups.stored_keys import StoredKey
from ninja_daemon.app.backups.making import local_files, redis_namespace
from ninja_daemon.app.backups.record_part import RecordFate, record_fate, record_warning
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import ConfigError

_CURSOR: Final = "last_processed:"
_WAITING: Final = ("signals", "lane:", "dead")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restoration would do.

    Attributes:
        created: when the backup was made, epoch seconds.
        age: seconds since.
        version: of the product that made it.
        keys: keys of Redis in the backup, None for a product without Redis.
        keys_now: keys that are there now and would go.
        cursors: by strategy: open of the last candle taken in, now and in the backup.
        messages: elements by list: now and in the backup.
        ledger_adds: deliveries that the ledger would learn of.
        journal: ``stays``, ``restored``, ``replaced`` or ``none``.
        record: what becomes of the record.
        evaluations: ``stays``, ``restored`` or ``none``: what becomes of the notes of evaluations.
        warnings: what to know before.
    """

    created: int
    age: float
    version: str
    keys: int | None
    keys_now: int | None
    cursors: Mapping[str, tuple[str | None, str | None]]
    messages: Mapping[str, tuple[int, int]]
    ledger_adds: int
    journal: str
    record: RecordFate
    evaluations: str
    warnings: tuple[str, ...]


def plan_restoration(environment: Environment, backup: Backup, now: float) -> RestorePlan:
    """Work out what restoring would do; reads only.

    Raises:
        ConfigError: the backup is another namespace's, or of a product with Redis while this one has none.
        StoreUnavailable: Redis cannot be read.
        JournalUnavailable: journal or ledger cannot be read.
    """
    _require_match(environment, backup)
    contents = _contents(environment)
    stored, there = backup.keys or (), contents.keys
    files = local_files(environment)
    age = now - backup.created
    return RestorePlan(
        created=backup.created,
        age=age,
        version=backup.version,
        keys=None if backup.keys is None else len(backup.keys),
        keys_now=len(there) if environment.cache_enabled else None,
        cursors=_both(_cursors(there), _cursors(stored)),
        messages={name: (a or 0, b or 0) for name, (a, b) in _both(_lengths(there), _lengths(stored)).items()},
        ledger_adds=0 if backup.ledger is None else count_unknown_sent(files[LEDGER], backup.ledger),
        journal=_journals_part(environment, backup, files[JOURNAL]),
        record=(fate := record_fate(files[RECORD], backup.record)),
        evaluations=_notes_part(backup, files[EVALUATIONS]),
        warnings=(*record_warning(fate), *_warnings(backup, age, contents, is_new=not files[LEDGER].exists())),
    )


def signs_of_life(environment: Environment, now: float) -> Mapping[str, float]:
    """Return the seconds that each sign of life has left."""
    if environment.cache_enabled:
        with closing(redis_namespace(environment)) as there:
            return there.signs_of_life()
    journal = local_files(environment)[JOURNAL]
    signs: dict[str, float] = {}
    try:
        age = now - journal.with_suffix(".heartbeat").stat().st_mtime
    except OSError:
        age = SIGNS_OF_LIFE["heartbeat:daemon"]
    if age < SIGNS_OF_LIFE["heartbeat:daemon"]:
        signs["heartbeat:daemon"] = SIGNS_OF_LIFE["heartbeat:daemon"] - age
    left = notifier_beat_left(journal, now)
    if left is not None:
        signs["heartbeat:notifier"] = left
    return signs


def _contents(environment: Environment) -> Contents:
    if not environment.cache_enabled:
        return Contents(())
    with closing(redis_namespace(environment)) as there:
        return there.read()


def _require_match(environment: Environment, backup: Backup) -> None:
    if backup.namespace != environment.namespace:
        message = (
            f"NINJA_NAMESPACE must be {backup.namespace}, whose backup this is, was {environment.namespace}; "
            "set it for this command if that is meant"
        )
        raise ConfigError(message)
    if (backup.redis is not None) is not environment.cache_enabled:
        message = f"CACHE_ENABLED must be {str(backup.redis is not None).lower()} as it was when the backup was made"
        raise ConfigError(message)


def _journals_part(environment: Environment, backup: Backup, path: Path) -> str:
    if backup.journal is None:
        return "stays" if path.exists() else "none"
    if not path.exists():
        return "restored"
    # Without Redis it is the state itself; with Redis it is what this machine knows better.
    return "stays" if environment.cache_enabled else "replaced"


def _notes_part(backup: Backup, path: Path) -> str:
    if path.exists():
        return "stays"
    return "none" if backup.evaluations is None else "restored"


def _warnings(backup: Backup, age: float, contents: Contents, *, is_new: bool) -> Iterator[str]:
    days = KEPT // 86_400
    if age > KEPT:
        yield (
            f"the backup is older than the {days} days for which sent messages are remembered: signals of the time "
            "between may be delivered again, marked as late"
        )
    elif is_new:
        yield (
            "no ledger of sent messages is here: what was delivered after the backup is delivered again, marked as late"
        )
    if backup.ledger is None and is_new:
        yield "the backup has no ledger either: whatever waits in it is delivered as if for the first time"
    for name in contents.strange:
        yield f"{name} is of no kind of ours and stays as it is"


def _cursors(keys: Sequence[StoredKey]) -> dict[str, str]:
    return {key.name.removeprefix(_CURSOR): key.value[0] for key in keys if key.name.startswith(_CURSOR)}


def _lengths(keys: Sequence[StoredKey]) -> dict[str, int]:
    return {key.name: len(key.value) for key in keys if key.kind == "list" and key.name.startswith(_WAITING)}


def _both(now: Mapping[str, _T], then: Mapping[str, _T]) -> dict[str, tuple[_T | None, _T | None]]:
    return {name: (now.get(name), then.get(name)) for name in sorted({*now, *then})}
