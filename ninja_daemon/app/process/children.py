"""Daemon and notifier as children of one process, for a person at a terminal: ``up`` and ``demo``.

On a server the two are services of their own and systemd looks after them; here this does, in a few lines: a child that
dies is started again, one that says that its configuration cannot work (78) ends everything, and none outlives the
parent, however that one ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.host.kept_process import start_kept
from ninja_daemon.app.process.ending import EXIT_CONFIGURATION

_STOP_LIMIT: Final = 8.0
_PAUSE: Final = 2.0


class Child:
    """One command as a child process: its messages in a file, its output line by line to a listener."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path | None,
        on_line: Callable[[str], object] = str,
    ) -> None:
        """Prepare; ``start`` starts it.

        Args:
            arguments: the command line behind ``ninja-daemon``.
            environment: its whole environment.
            log: file that its messages are appended to; None to put them where ours go.
            on_line: told each line of its standard output; by default they go nowhere.
        """
        self.name = arguments[0]
        self.log = log
        self.starts = 0
        self._arguments = arguments
        self._environment = environment
        self._on_line = on_line
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it."""
        self.starts += 1
        command = [sys.executable, "-m", "ninja_daemon", *self._arguments]
        if self.log is None:
            self._process = start_kept(command, self._environment, stderr=sys.stderr.buffer)
        else:
            with self.log.open("ab") as log:
                self._process = start_kept(command, self._environment, stderr=log)
        threading.Thread(target=self._listen, args=(self._process,), name=f"{self.name} output", daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            self._on_line(line.rstrip("\n"))

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    def ask_to_stop(self) -> None:
        """Have it stop: closing its keeper's pipe is the same as the parent's death."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def wait(self) -> None:
        """Wait for its end, and insist after a while."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its messages."""
        text = (
            self.log.read_text(encoding="utf-8", errors="replace") if self.log is not None and self.log.exists() else ""
        )
        return "\n".join(text.splitlines()[-lines:])


def keep_running(
    children: Sequence[Child], stop: threading.Event, each_round: Callable[[], None], seconds: float
) -> int:
    """Keep the children running until ``stop`` is set; then stop them all.

    Args:
        children: started here.
        stop: set by a signal.
        each_round: called every so often, for the picture.
        seconds: between two rounds.

    Returns:
        0, or 78 when a child says that its configuration cannot work.
    """
    since_end = dict.fromkeys(children, 0.0)
    try:
        for child in children:
            child.start()
        while not stop.wait(seconds):
            each_round()
            if any(child.code == EXIT_CONFIGURATION for child in children):
                return EXIT_CONFIGURATION
            _start_again(since_end, seconds)
        return 0
    finally:
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.wait()


def _start_again(since_end: dict[Child, float], seconds: float) -> None:
    """Start the children that have been down for a while, and count the seconds of the others."""
    for child, waited in since_end.items():
        if child.code is not None:
            since_end[child] = waited + seconds if waited + seconds < _PAUSE else 0.0
            if waited + seconds >= _PAUSE:
                child.start()


def second_page(environ: Mapping[str, str], metrics: tuple[str, int] | None) -> Mapping[str, str]:
    """Return the notifier's environment: its page of figures has the port behind the daemon's."""
    if metrics is None or not metrics[1]:
        return environ
    return {**environ, "NINJA_METRICS": metrics_address(metrics[0], metrics[1] + 1)}


def metrics_address(host: str, port: int) -> str:
    """Write an address as ``NINJA_METRICS`` takes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with some names changed; what the product reads is dropped unless given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OANDA_", "REDIS_", "CACHE_", "NINJA_"))
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **changes}
