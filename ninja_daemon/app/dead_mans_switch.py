"""The ping to an address that raises an alarm when pings stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog


class DeadMansSwitch:
    """Pings a URL while all is well.

    All is well when every worker makes progress, no strategy waits (for the broker, for a key that is in the way), and
    a cross would be kept: by Redis, or, in the daemon that was active when Redis went away, by a readable journal. A
    closed market is well, since nothing is due, and so is a market without prices for a while. Standing by is well, but
    not while Redis is away.
    """

    def __init__(self, ping: Callable[[], str], health: Callable[[], bool], every: float = 60.0) -> None:
        """Prepare; ``start`` begins.

        Args:
            ping: posts, and returns what went wrong, empty when nothing did.
            health: whether all is well.
            every: seconds between two pings.
        """
        self._ping = ping
        self._health = health
        self._every = every
        self._stop = threading.Event()
        self._log = structlog.get_logger("ninja.monitor")
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="dead-man's switch", daemon=True)

    def start(self) -> None:
        """Ping from now on, in a thread of its own: a service that hangs must not delay a signal."""
        self._thread.start()

    def stop(self) -> None:
        """Ping no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            if self._health():
                self._tell(self._ping())

    def _tell(self, problem: str) -> None:
        if problem and not self._failing:
            self._log.warning(f"the dead man's switch could not be pinged: {problem}", event_id="ping.failed")
        if not problem and self._failing:
            self._log.info("the dead man's switch is pinged again", event_id="ping.recovered")
        self._failing = bool(problem)
