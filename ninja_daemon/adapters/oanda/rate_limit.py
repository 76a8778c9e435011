"""A limit of so many events in any second, shared by all threads of a process."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from ninja_daemon.usecases.ports import Clock

_WINDOW: Final = 1.05
"""Seconds; a little more than one, because the other side counts by its own clock."""


class RateLimit:
    """Lets at most ``most`` events through in any one second; who comes too soon waits for a place, in order.

    Several processes divide it: each has its part of the places, or, where there are fewer places than processes, one
    place in a longer time.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        """Begin with all places free."""
        self._clock = clock
        self._all = most
        self._most = most
        self._window = _WINDOW
        self._places: deque[float] = deque(maxlen=most)
        self._lock = threading.Lock()

    def divide(self, parts: int) -> None:
        """Take one of so many parts from now on."""
        with self._lock:
            self._most = max(1, self._all // parts)
            self._window = _WINDOW * max(1.0, parts / self._all)

    def take(self, stop: threading.Event) -> bool:
        """Take a place and wait until its time has come; return False when ``stop`` was set meanwhile."""
        with self._lock:
            now = self._clock.monotonic()
            due = now
            if len(self._places) >= self._most:
                due = max(now, self._places[-self._most] + self._window)
            self._places.append(due)
        return not (due > now and self._clock.wait(stop, due - now)) and not stop.is_set()
