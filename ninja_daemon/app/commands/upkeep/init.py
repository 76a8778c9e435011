"""``ninja-daemon init``: the two files that a folder needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.app.samples import sample
from ninja_daemon.core.errors import ConfigError

_FILES = {"ninja.toml": "ninja.toml", ".env": "env"}


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", file_okay=False, help="Where; it is made where it is missing.")
    ] = Path(),
) -> None:
    """Write a commented ninja.toml and .env."""
    there = [name for name in _FILES if os.path.lexists(folder / name)]
    if there:
        message = f"{' and '.join(there)} must not be there yet, and nothing is overwritten; name another folder"
        raise typer.BadParameter(message, param_hint="FOLDER")
    for name, source in _FILES.items():
        _write(folder / name, sample(source))
    go = "" if folder == Path() else f"cd {folder} && "
    typer.echo(f"wrote {folder / 'ninja.toml'} and {folder / '.env'}, for your eyes only (mode 600)")
    typer.echo(f"next: put OANDA_ACCESS_TOKEN into {folder / '.env'}, then: {go}ninja-daemon check")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror}); name a folder that can"
        raise ConfigError(message) from error
