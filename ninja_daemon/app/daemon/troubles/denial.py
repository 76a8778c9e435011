"""A refused token or account: one look for all strategies, at growing distances, until the broker accepts it again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from ninja_daemon.core.errors import BrokerDenied
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.wake_result import StrategyResult

FIRST: Final = 60.0
LONGEST: Final = 600.0
"""Seconds between two looks; brokers ban who hammers them."""


class Denial:
    """Whether the broker refuses everything, and when it may be asked again; safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        """Begin accepted."""
        self._clock = clock
        self._pause = FIRST
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
                    self._not_before, self._pause = None, FIRST
                return
            if not self.may_ask:
                return  # Another timeframe was under way when it was refused.
            if self._not_before is not None:
                self._pause = min(LONGEST, 2 * self._pause)
            self._not_before = self._clock.monotonic() + self._pause
