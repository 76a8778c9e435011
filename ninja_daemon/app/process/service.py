"""The life of a long-running process: started, looked after until a signal comes, ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from ninja_daemon.adapters.host.systemd import ServiceManager
from ninja_daemon.app.process.liveness import LONGEST, Liveness
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.process.supervision import Workers, supervise
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.usecases.ports import Clock


class Body(Protocol):
    """The work of a process, in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> bool:
        """End; tell whether all running work has ended."""

    def sentence(self) -> str:
        """Return in a line how it goes, for ``systemctl status``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a process does beside its work.

    Attributes:
        progress: changes when the workers' requests make progress, such as a count of answers.
        stops: ends those who watch from outside.
        farewell: says in the log that the process has stopped.
        close: lets connections and files go; not called when work still hangs.
        reload: called for SIGHUP, in a thread of its own.
    """

    progress: Callable[[], object] = lambda: None
    stops: Sequence[Callable[[], None]] = ()
    farewell: Callable[[], None]
    close: Callable[[], None]
    reload: Callable[[], None]


class Service:
    """One process: make it first, give ``crash`` and ``liveness`` to the body, then call ``live`` once.

    Attributes:
        liveness: where the body's workers leave marks of progress.
    """

    def __init__(self, clock: Clock, log: FilteringBoundLogger) -> None:
        """Listen for the signals that end the process."""
        self._clock = clock
        self._log = log
        self._stop = threading.Event()
        self._crashes: list[BaseException] = []
        self._manager = ServiceManager()
        self.liveness = Liveness(clock, self._manager.watchdog or LONGEST)
        self._hangup = threading.Event()
        stop_on_signals(self._stop)
        stop_on_signals(self._hangup, (signal.SIGHUP,))

    @property
    def ending(self) -> threading.Event:
        """Set to end the process."""
        return self._stop

    def crash(self, error: BaseException) -> None:
        """End the process with an error that nobody expected."""
        self._crashes.append(error)
        self._stop.set()

    def _reload_for_ever(self, reload: Callable[[], None]) -> None:
        while not self._stop.is_set():
            self._hangup.wait()
            self._hangup.clear()
            try:
                reload()
            except BaseException as error:  # noqa: BLE001 - the end of the process, said once by it
                self.crash(error)

    def live(self, body: Body, life: Life) -> int:
        """Run until a signal comes; return the exit code.

        Raises:
            ConfigError: the body ended because the configuration cannot work.
        """
        body.start()
        threading.Thread(target=self._reload_for_ever, args=(life.reload,), name="reload", daemon=True).start()
        workers = Workers(self.liveness, body.sentence, life.progress)
        supervise(self._stop, workers, clock=self._clock, manager=self._manager, log=self._log)
        ended = body.stop()
        for stop in life.stops:
            stop()
        self._say_crashes(life.close)
        life.farewell()
        code = 1 if self._crashes else 0
        if not ended:
            # A request that hangs must not hold up the end: the next start does its work again.
            self._log.info("work was still under way at the end; it is done again later")
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        life.close()
        return code

    def _say_crashes(self, close: Callable[[], None]) -> None:
        refusals = [error for error in self._crashes if isinstance(error, ConfigError)]
        if refusals:
            close()
            raise refusals[0]
        for error in self._crashes:
            sentence = "an error that nobody expected ends the process"
            self._log.critical(sentence, event_id="process.crashed", exc_info=error)
