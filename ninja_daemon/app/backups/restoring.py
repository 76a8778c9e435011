"""Restoring a backup: what would be done, whether it may be done now, and doing it.

Redis is replaced as a whole. The ledger of sent messages is merged, since whatever this machine remembers having sent
must not be sent again; the journal that is there stays, since it is newer; of two records the one that goes on from the
other stays. A new machine gets all of them from the backup.
What happened after the backup, the daemon derives again from the broker, with the same ids.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from ninja_daemon.adapters.files.backup_file import JOURNAL, LEDGER, RECORD, Backup
from ninja_daemon.adapters.journal.backup import (
    count_unknown_sent,
    merge_ledger,
    notifier_beat_left,
    place_journal,
    set_journal_aside,
)
from ninja_daemon.adapters.journal.sent_ledger import KEPT, SqliteSentLedger
from ninja_daemon.adapters.redis.backup import SIGNS_OF_LIFE, Contents, StoredKey
from ninja_daemon.app.backups.making import (
    BEFORE_RESTORE,
    Made,
    backup_folder,
    local_files,
    make_backup,
    redis_namespace,
)
from ninja_daemon.app.backups.record_part import RecordFate, record_fate, record_warning, restore_record
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import ConfigError, StoreUnavailable
from ninja_daemon.usecases.ports import Clock

_SILENCE: Final = 12.0
"""Seconds without a sign of life after which a process is gone: two beats, and two seconds for a slow one."""
_LOOK: Final = 0.5
_CURSOR: Final = "last_processed:"
_WAITING: Final = ("signals", "lane:", "dead")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Plan:
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
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done.

    Attributes:
        plan: as it was planned.
        kept: the backup of what had been there; None when nothing was.
        journal_aside: where the journal that was replaced is kept; None when none was.
    """

    plan: Plan
    kept: Made | None
    journal_aside: Path | None


def plan_restoration(environment: Environment, backup: Backup, now: float) -> Plan:
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
    return Plan(
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
        warnings=(*record_warning(fate), *_warnings(backup, age, contents, is_new=not files[LEDGER].exists())),
    )


def restore(environment: Environment, backup: Backup, clock: Clock, stop: threading.Event) -> Restored:
    """Restore a backup. Doing it again after it was interrupted is safe.

    Args:
        environment: where everything is.
        backup: proven by reading it.
        clock: time.
        stop: ends the waiting for signs of life.

    Raises:
        ConfigError: as for the plan.
        StoreUnavailable: a daemon or notifier runs, or Redis does not answer or refuses.
        JournalUnavailable: journal or ledger cannot be used.
    """
    plan = plan_restoration(environment, backup, clock.now())
    require_stopped(environment, clock, stop)
    kept = None
    if plan.keys_now or any(path.exists() for path in local_files(environment).values()):
        kept = make_backup(environment, backup_folder(environment), clock.now(), keep=None, label=BEFORE_RESTORE)
    aside = _restore_files(environment, backup, plan, int(clock.now()))
    if backup.keys is not None:
        with closing(redis_namespace(environment)) as there:
            there.replace(backup.keys, there.read().strange)
    return Restored(plan, kept, aside)


def _restore_files(environment: Environment, backup: Backup, plan: Plan, at: int) -> Path | None:
    files = local_files(environment)
    if backup.ledger is not None:
        with closing(SqliteSentLedger(files[LEDGER])) as ledger, ledger.session():
            pass  # it is there now, with its tables
        merge_ledger(files[LEDGER], backup.ledger)
    aside = set_journal_aside(files[JOURNAL], at) if plan.journal == "replaced" else None
    if plan.journal in {"replaced", "restored"} and backup.journal is not None:
        place_journal(backup.journal, files[JOURNAL])
    restore_record(files[RECORD], backup.record, plan.record, at)
    return aside


def require_stopped(environment: Environment, clock: Clock, stop: threading.Event) -> None:
    """Insist on that neither daemon nor notifier runs on this namespace.

    A process that was stopped leaves its last sign of life behind for a while: whether it is renewed is watched for a
    few seconds.

    Raises:
        StoreUnavailable: one of them runs, or it cannot be found out.
    """
    first = _signs(environment, clock.now())
    while True:
        signs = _signs(environment, clock.now())
        renewed = [name for name, left in signs.items() if left > first.get(name, -1.0)]
        if renewed:
            who = "the notifier" if renewed == ["heartbeat:notifier"] else "a daemon"
            message = f"daemon and notifier must be stopped, {who} runs: systemctl stop ninja.target"
            raise StoreUnavailable(message)
        if all(left < SIGNS_OF_LIFE[name] - _SILENCE for name, left in signs.items()):
            return
        if clock.wait(stop, _LOOK):
            message = "interrupted; nothing was changed"
            raise StoreUnavailable(message)


def _signs(environment: Environment, now: float) -> Mapping[str, float]:
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
