"""The product that runs on this machine, as ``up`` and ``demo`` note it in the state directory for other terminals.

The note is locked for as long as its writer lives, so one that was left by a crash is not believed. It holds paths and
the socket of an own Redis, and never a password.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.core.market.instant import format_moment

_NOTE: Final = "running.json"
_LONGEST: Final = 16_384
_TRIES: Final = 10
_NAMES: Final = frozenset({"NINJA_CONFIG", "NINJA_ENV_FILE", "NINJA_NAMESPACE", "NINJA_STATE_DIR", "REDIS_URL"})


@dataclass(frozen=True, slots=True)
class Product:
    """What runs.

    Attributes:
        command: ``up`` or ``demo``.
        pid: its process.
        since: epoch seconds.
        environ: names of the environment that lead another process to the same Redis, configuration and state.
    """

    command: str
    pid: int
    since: float
    environ: Mapping[str, str]

    def sentence(self) -> str:
        """Say which one it is."""
        began = format_moment(self.since)[:16].replace("T", " ")
        where = self.environ.get("NINJA_CONFIG", "")
        return escaped(f"looking at `ninja-daemon {self.command}`, process {self.pid}, since {began} UTC, {where}")


@contextmanager
def noted(state_dir: Path, command: str, environ: Mapping[str, str]) -> Iterator[None]:
    """Leave a note for the length of a block; another product that has one there keeps it.

    Args:
        state_dir: where commands in other terminals look.
        command: ``up`` or ``demo``.
        environ: of which only what leads to the product is noted.
    """
    is_new = not state_dir.exists()
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = state_dir / _NOTE
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        mine = _is_locked(file, fcntl.LOCK_EX)
        if mine:
            product = Product(command, os.getpid(), time.time(), {k: v for k, v in environ.items() if k in _NAMES})
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(asdict(product)).encode(), 0)
        yield
        if mine:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)
        if is_new:
            with suppress(OSError):
                state_dir.rmdir()


def find_running(state_dir: Path) -> Product | None:
    """Return the product that has a note there and lives; None when there is none, or none to be read."""
    try:
        with (state_dir / _NOTE).open("rb") as file:
            if _is_locked(file.fileno(), fcntl.LOCK_SH, tries=1):
                return None
            fields = json.loads(file.read(_LONGEST))
        environ = {str(name): str(value) for name, value in fields["environ"].items() if name in _NAMES}
        return Product(str(fields["command"]), int(fields["pid"]), float(fields["since"]), environ)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def running_environ() -> tuple[Mapping[str, str], Product | None]:
    """Return the environment to read, which is that of the running product where this process names no Redis."""
    environment, _ = inspect_environment()
    product = None if names_its_own(environment) else find_running(environment.state_dir)
    return ({**os.environ, **product.environ} if product else os.environ), product


def say_found(product: Product | None) -> None:
    """Say on standard error which product a command looks at, where it had to look for one."""
    if product is not None:
        sys.stderr.write(f"{product.sentence()}\n")


def names_its_own(environment: Environment) -> bool:
    """Tell whether an environment says where the state lies, so that no running product is looked for."""
    return environment.redis_configured or not environment.cache_enabled


def _is_locked(file: int, how: int, tries: int = _TRIES) -> bool:
    """Lock it; a reader of the note holds its lock for a moment only."""
    for _ in range(tries):
        with suppress(BlockingIOError):
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return False
