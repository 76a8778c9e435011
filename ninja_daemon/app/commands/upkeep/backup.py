"""``ninja-daemon backup``: a copy of everything that would be missed, proven before it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.backups.making import Made, backup_folder, make_backup
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.status.exact_json import exact_json


def backup(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where it goes; backups/ in the state directory if left out.")
    ] = None,
    *,
    keep: Annotated[int, typer.Option("--keep", min=1, max=10_000, help="How many of the newest stay.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="What was made, for another program.")] = False,
) -> None:
    """Copy Redis's data of the namespace, journal, ledger, record and notes into one proven file."""
    environment = read_environment()
    folder = backup_folder(environment) if folder is None else folder
    made = make_backup(environment, folder, SystemClock().now(), keep=keep)
    if as_json:
        typer.echo(exact_json(made_fields(made)))
        return
    keys = "" if made.keys is None else f", {made.keys} keys of Redis"
    typer.echo(f"{made.path}: {made.size} bytes{keys}, read back and whole")
    typer.echo(f"sha256 {made.digest}")
    for path in made.removed:
        typer.echo(f"removed {path.name}, which was more than {keep} back")
    for name in made.strange:
        typer.echo(f"left out: {name}, which is of no kind of ours", err=True)


def made_fields(made: Made) -> dict[str, object]:
    """Return what was made as ``--json`` writes it."""
    return {
        "schema": 1,
        "file": str(made.path),
        "bytes": made.size,
        "sha256": made.digest,
        "keys": made.keys,
        "parts": list(made.parts),
        "left_out": list(made.strange),
        "removed": [str(path) for path in made.removed],
    }
