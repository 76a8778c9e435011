"""A limit of that many events in any second, shared by all threads of a process."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Final

from ninja_daemon.usecases.ports import Clock

_WINDOW: Final = 1.05
"""Seconds; a little more than one, because the other side counts by its own clock."""
_LATE: Final = 0.5
"""Seconds; a place that is missed by more is lost: who was stopped meanwhile must not use up all his places at once."""


class RateLimit:
    """Lets at most ``most`` events through in any one second; who comes too soon waits for a place, in order.

    Several processes divide it: each has its part of the places. Where there are fewer places than processes, each has
    a turn of its own by the machine's clock, which all processes of one machine share.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        """Begin with all places free."""
        self._clock = clock
        self._all = most
        self._most = most
        self._turn: tuple[float, float] | None = None
        self._places: deque[float] = deque(maxlen=most)
        self._lock = threading.Lock()

    def divide(self, parts: int, place: int = 0) -> None:
        """Take one of that many parts from now on: that of this place, counted from 0."""
        with self._lock:
            self._most = max(1, self._all // parts)
            step = _WINDOW / self._all
            self._turn = None if parts <= self._all else (parts * step, place * step)

    def take(self, stop: threading.Event) -> bool:
        """Take a place and wait until its time has come; return False when ``stop`` was set meanwhile."""
        while not stop.is_set():
            now, due = self._place()
            if due > now and self._clock.wait(stop, due - now):
                break
            if self._clock.monotonic() - due < _LATE:
                return not stop.is_set()
        return False

    def _place(self) -> tuple[float, float]:
        """Take the next free place; return the time, and that of the place."""
        with self._lock:
            now = self._clock.monotonic()
            due = now
            if len(self._places) >= self._most:
                due = max(now, self._places[-self._most] + _WINDOW)
            if self._turn is not None:
                round_, offset = self._turn
                due = offset + round_ * math.ceil((due - offset) / round_)
            self._places.append(due)
        return now, due
