"""The product as its users run it: real processes of ``python -m ninja_daemon``, each wait with a deadline.

A ``Workplace`` is a working directory with a configuration file and an environment of its own; nothing of the
developer's reaches into it. Fixture: ``workplace``.
"""

from __future__ import annotations

import atexit
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from tests.faults.nursery import Nursery

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 30.0
STEP = 0.02

# Kills the process when this test process is gone, however it ended.
_WATCHDOG = 'read -r _; kill -KILL "$1" 2>/dev/null'


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended: exit code and what it wrote."""

    code: int
    out: str
    err: str

    def exited(self, code: int) -> Self:
        """Insist on the exit code; show all output when it is another."""
        assert self.code == code, (
            f"exit code must be {code}, was {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"
        )
        return self


class Running:
    """A process that goes on until it is told to end."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out, self._err = out, err
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8", errors="replace")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def until(self, happened: Callable[[], object], what: str, limit: float = LIMIT) -> None:
        """Wait until something has happened; fail when the process ends before, or the deadline passes."""
        deadline = time.monotonic() + limit
        while not happened():
            assert self.alive, f"{what} must happen, but the process ended with {self.process.returncode}:\n{self.err}"
            assert time.monotonic() < deadline, f"{what} must happen within {limit} s:\n{self.err}"
            self.ends_within(STEP)

    def says(self, text: str, limit: float = LIMIT) -> None:
        """Wait until a text stands in what the process wrote."""
        self.until(lambda: text in self.err or text in self.out, f"the words {text!r}", limit)

    def terminate(self, limit: float = LIMIT) -> Finished:
        """SIGTERM, and wait."""
        return self._end(signal.SIGTERM, limit)

    def interrupt(self, limit: float = LIMIT) -> Finished:
        """SIGINT, as Ctrl-C sends it, and wait."""
        return self._end(signal.SIGINT, limit)

    def kill(self) -> Finished:
        """SIGKILL, and wait."""
        return self._end(signal.SIGKILL, LIMIT)

    def ends_within(self, seconds: float) -> bool:
        """Let time pass, no longer than the process lives; tell whether it has ended."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def ended(self, limit: float = LIMIT) -> Finished:
        """Wait for it to end by itself."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the process must end within {limit} s:\n{self.err}")
        self._let_watchdog_go()
        return Finished(code, self.out, self.err)

    def _end(self, how: signal.Signals, limit: float) -> Finished:
        if self.alive:
            self.process.send_signal(how)
        return self.ended(limit)

    def _let_watchdog_go(self) -> None:
        self._watchdog.kill()
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
        self._watchdog.wait()


class Workplace:
    """A working directory, its configuration file, and the environment of the processes started in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self.config = directory / "config" / "ninja.toml"
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "HOME": str(directory),
            "NINJA_STATE_DIR": str(self.state_dir),
        }
        self._running: list[Running] = []
        self._started = 0

    def configure(self, toml: str) -> Self:
        """Write the configuration file."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(toml, encoding="utf-8")
        return self

    def uses(self, *, broker: str, redis: str, token: str, account: str | None = None) -> Self:
        """Set where broker and Redis are."""
        self.environment |= {"OANDA_API_URL": broker, "OANDA_ACCESS_TOKEN": token, "REDIS_URL": redis}
        if account is not None:
            self.environment["OANDA_ACCOUNT_ID"] = account
        return self

    def run(self, *arguments: str, limit: float = LIMIT, environment: Mapping[str, str] | None = None) -> Finished:
        """Run a command to its end: in a fork of one interpreter that has loaded all of them, unless it must not be."""
        own = dict(environment or {})
        if any(name.startswith(("PYTHON", "LC_", "LANG")) for name in own):
            return self.start(*arguments, environment=environment).ended(limit)
        out, err = self._streams()
        child = loaded_commands().bear(
            *arguments, environment=self.environment | own, directory=self.directory, streams=(out, err), hurries=False
        )
        code = child.ended(limit)
        return Finished(code, *(path.read_text(encoding="utf-8", errors="replace") for path in (out, err)))

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Running:
        """Start a command and return at once."""
        out, err = self._streams()
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [sys.executable, "-m", "ninja_daemon", *arguments],
                cwd=self.directory,
                env=self.environment | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
            )
        self._running.append(Running(process, out, err))
        return self._running[-1]

    def _streams(self) -> tuple[Path, Path]:
        self._started += 1
        return self.directory / f"{self._started}.out", self.directory / f"{self._started}.err"

    def end_all(self) -> None:
        """Kill what still runs."""
        for running in self._running:
            running.kill()


@functools.cache
def loaded_commands() -> Nursery:
    """Return an interpreter that has loaded every command; it ends with this process."""
    from tests.faults.nursery import nursery  # noqa: PLC0415 - it needs this module

    return _LASTING.enter_context(nursery())


_LASTING = ExitStack()
atexit.register(_LASTING.close)


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    """A working directory to run the product in; whatever is still running is killed afterwards."""
    place = Workplace(tmp_path)
    yield place
    place.end_all()
