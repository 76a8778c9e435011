"""A machine to look at: its files, and what its programs say. Reads, and never changes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUBJECT: Final = "this machine"
SETTINGS: Final = "etc/ninja-daemon"
_LIMIT: Final = 3.0
"""Seconds for a program to answer."""
_LARGEST: Final = 262_144
"""Bytes that are read of a file."""


class Unknown(Exception):
    """Something is there and may not be read."""


def ask(command: Sequence[str]) -> str | None:
    """Return what a program of this machine prints; None when it is not there, fails, or takes too long."""
    path = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command that only reads
            [path, *command[1:]], capture_output=True, text=True, errors="replace", timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Host:
    """A machine to look at.

    Attributes:
        root: where its files are; ``/``, or a folder that stands for it in tests.
        ask: what its programs say.
    """

    root: Path = Path("/")
    ask: Callable[[Sequence[str]], str | None] = ask

    def at(self, place: str) -> Path:
        """Return where a file is."""
        return self.root / place

    def text(self, place: str) -> str | None:
        """Return the text of a file, None when there is none.

        Raises:
            Unknown: it may not be read.
        """
        try:
            with self.at(place).open("rb") as file:
                return file.read(_LARGEST).decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = f"/{place} cannot be read ({error.strerror})"
            raise Unknown(message) from error

    def has(self, place: str) -> bool:
        """Tell whether something is there."""
        try:
            return self.at(place).exists()
        except OSError:
            return False

    def matching(self, pattern: str) -> list[str]:
        """Return the places that a pattern names, in their order."""
        try:
            return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))
        except OSError:
            return []
