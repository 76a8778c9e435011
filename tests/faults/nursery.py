"""Real processes of the product in a few milliseconds each: everything is imported once, then forked.

``Nursery`` is the test's end of it; the other end is this file run as ``python -m tests.faults.nursery``. A child runs
the command line as usual, with two differences that the test may ask for: its time is the test's (``SharedClock``) and
its waits are short; and it may be doomed to kill itself at a named point (tests/faults/doomed.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from ninja_daemon.app import commands
from tests.faults.doomed import Doom
from tests.processes import ROOT

LIMIT: Final = 30.0
STEP: Final = 0.01
_PR_SET_PDEATHSIG: Final = 1


# --- the test's end --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Child:
    """A process of the product.

    Attributes:
        pid: its number.
        output: what it writes, both streams.
        code: exit code once it has ended, negative for a signal.
    """

    nursery: Nursery
    pid: int
    output: Path
    code: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if self.code is None:
            self.code = self.nursery.ask({"status": self.pid})
        return self.code is None

    @property
    def said(self) -> str:
        """What it has written."""
        with contextlib.suppress(FileNotFoundError):  # It is made by the child.
            return self.output.read_text(encoding="utf-8", errors="replace")
        return ""

    def until(self, happened: Callable[[], object], what: str, limit: float = LIMIT) -> bool:
        """Wait until something has happened or the process has ended; tell whether it happened."""
        deadline = time.monotonic() + limit
        while self.alive:
            if happened():
                return True
            assert time.monotonic() < deadline, f"{what} must happen within {limit} s:\n{self.said[-4000:]}"
            time.sleep(STEP)
        return bool(happened())

    def until_or_not(self, happened: Callable[[], object], seconds: float) -> bool:
        """Give something that must not happen its time; tell whether it happened."""
        deadline = time.monotonic() + seconds
        while not happened() and time.monotonic() < deadline:
            time.sleep(STEP)
        return bool(happened())

    def ended(self, limit: float = LIMIT) -> int:
        """Wait for its end; return the exit code."""
        self.until(lambda: False, "its end", limit)
        assert self.code is not None
        return self.code

    def exited(self, code: int, limit: float = LIMIT) -> None:
        """Wait for its end and insist on the exit code."""
        assert self.ended(limit) == code, f"exit code must be {code}, was {self.code}:\n{self.said[-4000:]}"

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.tell(signal.SIGKILL)
        self.ended()

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery:
    """Where children come from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._born = 0
        self._one_at_a_time = threading.Lock()

    def bear(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        directory: Path,
        clock: Path | None = None,
        doom: Doom | None = None,
        streams: tuple[Path, Path] | None = None,
        hurries: bool = True,
    ) -> Child:
        """Start a command of the product.

        Args:
            arguments: its command line.
            environment: all of it.
            directory: where it runs and writes.
            clock: the file of the test's clock, for a daemon in a hurry.
            doom: where it kills itself.
            streams: files for its two streams; None for one file for both.
            hurries: its waits are short; else a daemon only takes its time from the clock, which should run.
        """
        self._born += 1
        both = directory / f"{arguments[0] if arguments else 'bare'}-{self._born}.log"
        output, errors = streams or (both, both)
        birth = {
            "arguments": arguments,
            "environment": dict(environment),
            "directory": str(directory),
            "output": str(output),
            "errors": str(errors),
            "hurries": hurries,
            "clock": None if clock is None else str(clock),
            "doom": None if doom is None else asdict(doom),
        }
        return Child(self, int(self.ask(birth) or 0), output)

    def ask(self, question: Mapping[str, Any]) -> int | None:
        """Say a line, hear a line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, "the nursery has ended; what it printed says why the product could not be imported"
        answer: int | None = json.loads(line)
        return answer


@contextmanager
def nursery(within: Sequence[str] = ()) -> Iterator[Nursery]:
    """A nursery for the length of a block; at its end every child is dead.

    Args:
        within: what stands before a command that is to run on another machine of a lab.
    """
    command = [*within, sys.executable, "-m", "tests.faults.nursery"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(LIMIT)


# --- the other end ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Answer questions until there are no more."""
    for module in pkgutil.walk_packages(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    for name in ("ninja_daemon.app.serving.daemon", "ninja_daemon.app.serving.notifier", "tests.faults.hurry"):
        importlib.import_module(name)
    children: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        answer = _status(question["status"], children) if "status" in question else _born(question, children)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _status(pid: int, children: set[int]) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _born(question: Mapping[str, Any], children: set[int]) -> int:
    child = os.fork()
    if child == 0:
        _live(question)
    children.add(child)
    return child


def _live(question: Mapping[str, Any]) -> NoReturn:
    """Be a process of the product, as if it had been started in its directory with its environment."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    opened = [os.open(question[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in ("output", "errors")]
    for target, source in enumerate((nothing, *opened)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(question["environment"])
    time.tzset()
    os.chdir(question["directory"])
    from ninja_daemon.app import cli  # noqa: PLC0415 - loaded before the fork
    from tests.faults import doomed, hurry  # noqa: PLC0415 - they change the product, in this process only

    cli._APART = frozenset()  # type: ignore[misc]  # a child that reads the settings would take its time
    if question["hurries"]:
        hurry.hurry(question["clock"])
    elif question["clock"] is not None:
        hurry.keep_time(question["clock"])
    if question["doom"] is not None:
        doomed.await_doom(Doom(**question["doom"]))
    try:
        cli.main(list(question["arguments"]))
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:  # noqa: BLE001 - the end of a process that was never supposed to return here
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(70)


if __name__ == "__main__":
    main()
