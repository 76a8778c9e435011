"""A running daemon's or notifier's note in the state directory: what is in force, and what came of the last reload.

The file is locked for as long as the process lives. Who wants it to reload sends SIGHUP and waits for a higher count.
It holds strategies and no destination, since an address may be a secret.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ninja_daemon.app.noted_strategy import decoded_strategy, encoded_strategy
from ninja_daemon.core.signals.strategy import Strategy

_ENDING: Final = ".process"
_TRIES: Final = 10
_LARGEST: Final = 16_777_216


@dataclass(frozen=True, slots=True)
class ReloadAnswer:
    """What came of a reload.

    Attributes:
        count: of the reloads of this process, 0 before the first.
        code: 0, or 78 when the old settings stay in force.
        problems: what is wrong with the file.
        said: what is different now, or what needs a restart, one sentence each.
    """

    count: int = 0
    code: int = 0
    problems: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveProcess:
    """A process as its note shows it.

    Attributes:
        role: ``run`` or ``notify``.
        pid: its number.
        scope: Redis and namespace that it works on.
        strategies: those in force.
        delivery: fingerprint of destinations and routes in force.
        answer: to the last reload.
    """

    role: str
    pid: int
    scope: str
    strategies: tuple[Strategy, ...]
    delivery: str
    answer: ReloadAnswer


class ProcessNote:
    """The note of this process; a state directory that cannot be written leaves it without one."""

    def __init__(self, state_dir: Path, role: str, scope: str) -> None:
        """Make the file and lock it; what dead processes have left is removed."""
        self._fields: dict[str, Any] = {"role": role, "pid": os.getpid(), "scope": scope}
        self._path = state_dir / f"{role}-{os.getpid()}{_ENDING}"
        self._file: int | None = None
        with suppress(OSError):
            state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sweep(state_dir)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, strategies: Sequence[Strategy], delivery: str, answer: ReloadAnswer) -> None:
        """Say what is in force."""
        if self._file is None:
            return
        settings = [encoded_strategy(strategy) for strategy in strategies]
        said = {"count": answer.count, "code": answer.code, "problems": answer.problems, "said": answer.said}
        text = json.dumps(self._fields | {"strategies": settings, "delivery": delivery, "answer": said}).encode()
        with suppress(OSError):
            # Longer first, then cut: a reader at the wrong moment sees no JSON, and looks again.
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))

    def close(self) -> None:
        """Take it away."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


def live_processes(state_dir: Path, scope: str | None) -> list[LiveProcess]:
    """Return the processes of a scope, or of all, that live, the oldest first."""
    found = [process for path in _notes(state_dir) if (process := _read(path)) is not None]
    return sorted((each for each in found if scope in (None, each.scope)), key=lambda process: process.pid)


def _notes(state_dir: Path) -> list[Path]:
    try:
        return sorted(state_dir.glob(f"*{_ENDING}"))
    except OSError:
        return []


def _read(path: Path) -> LiveProcess | None:
    try:
        with path.open("rb") as file:
            if not _is_held(file.fileno()):
                return None
            note = _parsed(file)
        answer = note["answer"]
        return LiveProcess(
            role=str(note["role"]),
            pid=int(note["pid"]),
            scope=str(note["scope"]),
            strategies=tuple(decoded_strategy(each) for each in note["strategies"]),
            delivery=str(note["delivery"]),
            answer=ReloadAnswer(
                int(answer["count"]), int(answer["code"]), tuple(answer["problems"]), tuple(answer["said"])
            ),
        )
    except (OSError, ValueError, TypeError, KeyError, ArithmeticError):
        return None


def _parsed(file: BinaryIO) -> Any:  # noqa: ANN401 - whatever stands there
    """Read JSON that its writer may be changing at this moment.

    Raises:
        ValueError: it stays no JSON.
    """
    for _ in range(_TRIES):
        file.seek(0)
        with suppress(ValueError):
            return json.loads(file.read(_LARGEST))
        time.sleep(0.01)
    message = "a note must be JSON, was not"
    raise ValueError(message)


def _is_held(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _sweep(state_dir: Path) -> None:
    for path in _notes(state_dir):
        with suppress(OSError), path.open("rb") as file:
            if not _is_held(file.fileno()):
                path.unlink()
