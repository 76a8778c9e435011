"""Who is tried again between two closes, at growing distances: single strategies, or all while the token is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from ninja_daemon.core.errors import BrokerDenied
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.wake_result import StrategyResult

_FIRST: Final = 10.0
_LONGEST: Final = 60.0
"""Seconds between two tries."""
_FIRST_DENIAL: Final = 60.0
_LONGEST_DENIAL: Final = 600.0
"""Seconds between two looks; brokers ban who hammers them."""


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

    def now(self, names: Iterable[str]) -> None:
        """Try exactly these, at once."""
        with self._lock:
            self._planned = dict.fromkeys(names, (0.0, _FIRST))


class Denial:
    """Whether the broker refuses everything, and when it may be asked again; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        """Begin accepted."""
        self._clock = clock
        self._pause = _FIRST_DENIAL
        self._not_before: float | None = None
        self._lock = threading.Lock()

    @property
    def holds(self) -> bool:
        """Whether the last answer was a refusal."""
        return self._not_before is not None

    @property
    def may_ask(self) -> bool:
        """Whether one look is due."""
        return self._not_before is None or self._clock.monotonic() >= self._not_before

    def heard(self, results: Sequence[StrategyResult]) -> None:
        """Take in the answers of a look: a refusal of all of them is of the token, any other answer ends it."""
        if not results:
            return
        with self._lock:
            if not all(isinstance(one.error, BrokerDenied) for one in results):
                if any(one.error is None for one in results):
                    self._not_before, self._pause = None, _FIRST_DENIAL
                return
            if not self.may_ask:
                return  # Another timeframe was under way when it was refused.
            if self._not_before is not None:
                self._pause = min(_LONGEST_DENIAL, 2 * self._pause)
            self._not_before = self._clock.monotonic() + self._pause
