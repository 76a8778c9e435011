"""Scheduled closes since the process began, and how many of them were dealt with; their difference shows a silence."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.strategy import Strategy


class CloseCounts:
    """Counts by strategy name; safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._counted: dict[str, tuple[Instant, int]] = {}
        self._dealt_with: dict[str, int] = {}
        self._lock = threading.Lock()

    def watch(self, strategies: Sequence[Strategy], now: Instant) -> None:
        """Count the closes of these strategies from now on, and no others."""
        with self._lock:
            names = {strategy.name for strategy in strategies}
            for known in (self._counted, self._dealt_with):
                for name in known.keys() - names:
                    del known[name]
            for strategy in strategies:
                self._counted.setdefault(strategy.name, (now, 0))

    def done(self, strategies: Iterable[Strategy], border: Instant) -> None:
        """Note that these have what closed at ``border``: a candle, or proof that there was no price."""
        with self._lock:
            for strategy in strategies:
                self._dealt_with[strategy.name] = self._due(strategy, border)

    def counts(self, strategy: Strategy, now: Instant) -> tuple[int, int]:
        """Return how many closes were due, and how many of them were dealt with."""
        with self._lock:
            return self._due(strategy, now), self._dealt_with.get(strategy.name, 0)

    def _due(self, strategy: Strategy, now: Instant) -> int:
        """Count on from the last close that was counted, so that a long life costs no more than a short one."""
        at, count = self._counted.get(strategy.name, (now, 0))
        while (close := strategy.market_hours.next_close(strategy.granularity, at)) <= now:
            at, count = close, count + 1
        self._counted[strategy.name] = at, count
        return count
