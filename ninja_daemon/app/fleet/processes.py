"""``run --processes N``: members of one machine as children of one process, which starts again what dies.

Each is a whole daemon with connections and threads of its own. A dead one's shards are taken over by the others at
their next tick, since everybody on this machine sees that its process is gone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.process.children import Child, keep_running
from ninja_daemon.app.process.ending import EXIT_CONFIGURATION
from ninja_daemon.app.process.process_note import live_processes
from ninja_daemon.app.process.reload import scope_of
from ninja_daemon.app.process.service import Life, Service
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.words import counted

_LOOK: Final = 0.5
"""Seconds between two looks at the children."""
_NOT_THEIRS: Final = frozenset(
    {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "NINJA_METRICS", "NINJA_METRICS_FILE"}
)
"""What speaks of the parent: the service manager listens to it alone."""


class Processes:
    """Several daemons as children; see ``Body``."""

    def __init__(self, environment: Environment, count: int, arguments: tuple[str, ...]) -> None:
        """Start nothing yet."""
        self._children = [
            Child(("run", *arguments), child_environment(environment, number), None) for number in range(count)
        ]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="children")
        self.code = 0
        self.on_end: threading.Event | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _keep(self) -> None:
        self.code = keep_running(self._children, self._stop, lambda: None, _LOOK)
        if self.on_end is not None:
            self.on_end.set()

    def stop(self) -> bool:
        """End them all."""
        self._stop.set()
        self._thread.join()
        return True

    def sentence(self) -> str:
        """Return in a line how it goes."""
        alive = sum(child.code is None for child in self._children)
        again = sum(max(0, child.starts - 1) for child in self._children)
        return f"{alive} of {len(self._children)} processes run; {counted(again, 'restart')} so far"


def child_environment(environment: Environment, number: int) -> Mapping[str, str]:
    """Return the environment of a child; each shows its figures at a port of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
    if environment.metrics is not None:
        host, port = environment.metrics
        kept["NINJA_METRICS"] = f"{f'[{host}]' if ':' in host else host}:{port + number}"
    return kept


def run_processes(environment: Environment, configuration: Configuration, count: int, level: str) -> int:
    """Run until a signal comes; return the exit code.

    Raises:
        ConfigError: there are fewer shards than processes.
    """
    shards = configuration.servers.shards
    if shards < count:
        message = f"{configuration.path}: [shards] count must be at least {count} for --processes {count}, was {shards}"
        raise ConfigError(message)
    log = structlog.get_logger("ninja.daemon")
    service, body = Service(SystemClock(), log), Processes(environment, count, ("--log-level", level))
    body.on_end = service.ending

    def reload() -> None:
        for process in live_processes(environment.state_dir, scope_of(environment)):
            if process.role == "run":
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGHUP)

    life = Life(
        farewell=lambda: log.info("all processes have stopped", event_id="daemon.stopped"),
        close=lambda: None,
        reload=reload,
    )
    code = service.live(body, life)
    return EXIT_CONFIGURATION if body.code == EXIT_CONFIGURATION else code
