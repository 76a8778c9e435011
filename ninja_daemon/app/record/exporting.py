"""A word about the record where only the history is listed."""

from __future__ import annotations

from contextlib import closing, suppress

import typer

from ninja_daemon.adapters.stored.record import parsed
from ninja_daemon.app.queues.opening import record_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.words import counted


def say_recorded(environment: Environment, shown: int) -> None:
    """Say that the record of this machine, which `report` counts, knows more than the history that is listed here."""
    with suppress(JournalUnavailable), closing(record_file(environment)) as record:
        known = sum(parsed(line)["kind"] == "signal" for line in record.lines()) if record.path.exists() else 0
        if known > shown:
            held = f"the history holds {counted(shown, 'signal')}, the record of this machine {known}"
            typer.echo(f"{held}; `report` counts those, `signals --export FILE` writes them", err=True)
