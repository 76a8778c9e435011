"""Restoring a backup: what would be done, whether it may be done now, and doing it.

Redis is replaced as a whole. The ledger of sent messages is merged, since whatever this machine remembers having sent
must not be sent again; the journal and the notes of evaluations that are there stay, since they are newer; of two
records the one that goes on from the other stays. A new machine gets all of them from the backup.
What happened after the backup, the daemon derives again from the broker, with the same ids.
"""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.files.backup_form import CALENDAR, EVALUATIONS, JOURNAL, LEDGER, RECORD, Backup
from ninja_daemon.adapters.journal.backup import merge_ledger, place_database, place_journal, set_journal_aside
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.redis.backups.backup import SIGNS_OF_LIFE
from ninja_daemon.app.backups.making import (
    BEFORE_RESTORE,
    Made,
    backup_folder,
    local_files,
    make_backup,
    redis_namespace,
)
from ninja_daemon.app.backups.planning import RestorePlan, plan_restoration, signs_of_life
from ninja_daemon.app.backups.record_part import restore_record
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.usecases.ports import Clock

_SILENCE: Final = 12.0
"""Seconds without a sign of life after which a process is gone: two beats, and two seconds for a slow one."""
_LOOK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done.

    Attributes:
        plan: as it was planned.
        kept: the backup of what had been there; None when nothing was.
        journal_aside: where the journal that was replaced is kept; None when none was.
    """

    plan: RestorePlan
    kept: Made | None
    journal_aside: Path | None


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


def _restore_files(environment: Environment, backup: Backup, plan: RestorePlan, at: int) -> Path | None:
    files = local_files(environment)
    if backup.ledger is not None:
        with closing(SqliteSentLedger(files[LEDGER])) as ledger, ledger.session():
            pass  # it is there now, with its tables
        merge_ledger(files[LEDGER], backup.ledger)
    aside = set_journal_aside(files[JOURNAL], at) if plan.journal == "replaced" else None
    if plan.journal in {"replaced", "restored"} and backup.journal is not None:
        place_journal(backup.journal, files[JOURNAL])
    restore_record(files[RECORD], backup.record, plan.record, at)
    if plan.evaluations == "restored" and backup.evaluations is not None:
        place_database(backup.evaluations, files[EVALUATIONS])
    if backup.calendar is not None and not files[CALENDAR].exists():
        place_database(backup.calendar, files[CALENDAR])
    return aside


def require_stopped(environment: Environment, clock: Clock, stop: threading.Event) -> None:
    """Insist on that neither daemon nor notifier runs on this namespace.

    A process that was stopped leaves its last sign of life behind for a while: whether it is renewed is watched for a
    few seconds.

    Raises:
        StoreUnavailable: one of them runs, or it cannot be found out.
    """
    first = signs_of_life(environment, clock.now())
    while True:
        signs = signs_of_life(environment, clock.now())
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
