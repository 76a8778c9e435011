"""A limit of so many events in any second, shared by all threads of a process."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from ninja_daemon.usecases.ports import Clock

_WINDOW: Final = 1.05
"""Seconds; a little more than one, because the other side counts by its own clock."""


class RateLimit:
    """Lets at most ``most`` events through in any one second; who comes too soon waits for a place, in order."""

    def __init__(self, clock: Clock, most: int) -> None:
        """Begin with all places free."""
        self._clock = clock
        self._most = most
        self._places: deque[float] = deque(maxlen=most)
        self._lock = threading.Lock()

    def take(self, stop: threading.Event) -> bool:
        """Take a place and wait until its time has come; return False when ``stop`` was set meanwhile."""
        with self._lock:
            now = self._clock.monotonic()
            due = now if len(self._places) < self._most else max(now, self._places[0] + _WINDOW)
            self._places.append(due)
        return not (due > now and self._clock.wait(stop, due - now)) and not stop.is_set()
