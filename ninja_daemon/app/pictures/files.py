"""Pictures as files: SVG or PNG, by the name."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from ninja_daemon.adapters.pictures.png import png_of
from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.pictures.theme import THEMES, Theme


def require_a_pictures_name(path: Path, option: str) -> None:
    """Check where a picture goes before anything is asked for.

    Raises:
        typer.BadParameter: the name does not end in .png or .svg.
    """
    if path.suffix.lower() not in {".png", ".svg"}:
        message = f"the file must end in .png or .svg, was {path.name[:64]!r}"
        raise typer.BadParameter(message, param_hint=option)


def theme_named(name: str) -> Theme:
    """Return a theme.

    Raises:
        typer.BadParameter: there is none of this name.
    """
    if name not in THEMES:
        message = f"must be {' or '.join(THEMES)}, was {name[:32]!r}"
        raise typer.BadParameter(message, param_hint="--theme")
    return THEMES[name]


def zone_named(name: str) -> tzinfo:
    """Return a time zone.

    Raises:
        typer.BadParameter: this machine knows none of this name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"must be a time zone such as Europe/Berlin, was {name[:64]!r}"
        raise typer.BadParameter(message, param_hint="--zone") from None


def write_picture(svg: str, path: Path) -> None:
    """Write a picture; the file appears under its name only when it is whole.

    Raises:
        PictureRefused: it cannot be drawn, or not be written.
    """
    content = svg.encode() if path.suffix.lower() == ".svg" else png_of(svg)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        message = f"the picture cannot be written to {path} ({error.strerror})"
        raise PictureRefused(message) from error
