"""``ninja-daemon restore``: put a backup in the place of what is there."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.adapters.files.backup_reading import read_backup
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.backups.planning import RestorePlan, plan_restoration
from ninja_daemon.app.backups.record_part import RecordFate
from ninja_daemon.app.backups.restoring import Restored, restore as restore_backup
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.words import duration

_JOURNAL_WORDS = {
    "stays": "the journal that is here stays: it is newer",
    "restored": "the journal comes from the backup: none is here",
    "replaced": "the journal, which is the state without Redis, comes from the backup; the one here is set aside",
    "none": "no journal, neither here nor in the backup",
}
_NOTES_WORDS = {
    "stays": "the notes of evaluations that are here stay: they are newer",
    "restored": "the notes of evaluations come from the backup: none are here",
    "none": "no notes of evaluations, neither here nor in the backup",
}
_RECORD_WORDS = {
    RecordFate.STAYS: "the record that is here stays",
    RecordFate.RESTORED: "the record comes from the backup: none is here",
    RecordFate.REPLACED: "the record comes from the backup, which goes on from the one here; that one is set aside",
    RecordFate.BROKEN: "the record that is here stays, and breaks with the one in the backup",
    RecordFate.NONE: "no record, neither here nor in the backup",
}


def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup; - reads it from standard input.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same for another program.")] = False,
) -> None:
    """Put a backup in the place of what is there."""
    environment = read_environment()
    clock, stop = SystemClock(), threading.Event()
    with _as_file(file) as path, read_backup(path) as backup:
        if dry_run:
            plan = plan_restoration(environment, backup, clock.now())
            typer.echo(exact_json(_plan_fields(plan)) if as_json else _plan_text(plan))
            return
        stop_on_signals(stop)
        restored = restore_backup(environment, backup, clock, stop)
    typer.echo(exact_json(_restored_fields(restored)) if as_json else _restored_text(restored))


@contextmanager
def _as_file(name: str) -> Iterator[Path]:
    if name != "-":
        yield Path(name)
        return
    with tempfile.NamedTemporaryFile(prefix="ninja-restore-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _plan_text(plan: RestorePlan) -> str:
    lines = [f"backup of {format_instant(plan.created)}, {duration(max(0.0, plan.age))} old, by version {plan.version}"]
    if plan.keys is not None:
        lines.append(f"Redis: {plan.keys_now} keys go, {plan.keys} come")
    for name, (now, then) in plan.cursors.items():
        if now != then:
            lines.append(f"  {name}: last candle {now or 'none'} becomes {then or 'none'}")
    for name, (now_waiting, then_waiting) in plan.messages.items():
        if now_waiting != then_waiting:
            lines.append(f"  {name}: {now_waiting} entries become {then_waiting}")
    lines += [f"the ledger of sent messages learns of {plan.ledger_adds} deliveries", _JOURNAL_WORDS[plan.journal]]
    lines += [_RECORD_WORDS[plan.record], _NOTES_WORDS[plan.evaluations]]
    lines += [f"! {warning}" for warning in plan.warnings]
    return "\n".join(lines)


def _restored_text(restored: Restored) -> str:
    lines = [_plan_text(restored.plan), "restored; start the services, and the daemon catches up from the broker"]
    if restored.kept is not None:
        lines.append(f"what had been there is kept: {restored.kept.path}")
    if restored.journal_aside is not None:
        lines.append(f"the journal that was replaced: {restored.journal_aside}")
    return "\n".join(lines)


def _plan_fields(plan: RestorePlan) -> dict[str, object]:
    return {
        "schema": 1,
        "created": format_instant(plan.created),
        "age": round(plan.age, 3),
        "version": plan.version,
        "keys": plan.keys,
        "keys_now": plan.keys_now,
        "cursors": {name: {"now": now, "backup": then} for name, (now, then) in plan.cursors.items()},
        "messages": {name: {"now": now, "backup": then} for name, (now, then) in plan.messages.items()},
        "ledger_adds": plan.ledger_adds,
        "journal": plan.journal,
        "record": plan.record.value,
        "evaluations": plan.evaluations,
        "warnings": list(plan.warnings),
    }


def _restored_fields(restored: Restored) -> dict[str, object]:
    return {
        **_plan_fields(restored.plan),
        "kept": None if restored.kept is None else str(restored.kept.path),
        "journal_aside": None if restored.journal_aside is None else str(restored.journal_aside),
    }
