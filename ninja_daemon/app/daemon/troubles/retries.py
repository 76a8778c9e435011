"""Strategies that are tried again between two closes, at growing distances."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

from ninja_daemon.usecases.ports import Clock

_FIRST: Final = 10.0
_LONGEST: Final = 60.0
"""Seconds between two tries."""


class Retries:
    """Who is tried again, and when; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nobody."""
        self._clock = clock
        self._planned: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        """Whether a strategy is tried again."""
        return name in self._planned

    def due(self) -> set[str]:
        """Return the names whose time has come."""
        now = self._clock.monotonic()
        with self._lock:
            return {name for name, (at, _) in self._planned.items() if at <= now}

    def later(self, name: str) -> None:
        """Try again after twice the pause of the last time."""
        with self._lock:
            _, pause = self._planned.get(name, (0.0, _FIRST))
            self._planned[name] = (self._clock.monotonic() + pause, min(2 * pause, _LONGEST))

    def drop(self, name: str) -> None:
        """Do not try again."""
        with self._lock:
            self._planned.pop(name, None)

    def soon(self, names: Iterable[str]) -> None:
        """Try these at once, too."""
        with self._lock:
            self._planned.update(dict.fromkeys(names, (0.0, _FIRST)))

    def now(self, names: Iterable[str]) -> None:
        """Try exactly these, at once."""
        with self._lock:
            self._planned = dict.fromkeys(names, (0.0, _FIRST))
