"""A distribution that is counted while work goes on, and looked at from outside."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final


class Histogram:
    """A distribution over fixed bounds; safe to use from several threads."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """Begin with nothing.

        Args:
            bounds: upper ends of the bins, ascending.
        """
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def add(self, value: float, times: int = 1) -> None:
        """Count a value, once or that many times."""
        with self._lock:
            self._counts[sum(value > bound for bound in self._bounds)] += times
            self._sum += value * times

    def cumulated(self) -> tuple[list[tuple[str, float]], float]:
        """Return how many were at most each bound, and the sum of all."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        running, bins = 0, []
        for bound, count in zip((*map(repr, self._bounds), "+Inf"), counts, strict=True):
            running += count
            bins.append((bound, float(running)))
        return bins, total


LATENCY_BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds; latencies and the broker's delay lie between them."""
