"""Signals and rejected crosses of each strategy since the start, and how long it is usually silent."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts
from ninja_daemon.usecases.wake_result import StrategyResult

_ENOUGH: Final = 5
"""Signals from which on their mean distance says something."""
_WEEK: Final = 7 / 5
"""Days of a week over those on which there are prices, where the market closes."""


class Listed(NamedTuple):
    """What signals are told apart by."""

    strategy: str
    instrument: str
    side: str


class SignalCounts:
    """Counts since the start, and what is stored of each strategy; safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._listed: Counter[Listed] = Counter()
        self._rejected: Counter[tuple[str, str]] = Counter()
        self._counts: dict[str, Counts] = {}
        self._lock = threading.Lock()

    def add(self, result: StrategyResult) -> None:
        """Count what a look found."""
        name = result.strategy.name
        with self._lock:
            self._listed.update(Listed(name, one.instrument, one.side.name) for one in result.signals)
            self._rejected.update((name, one.rejected_by.name) for one in result.crosses if one.rejected_by is not None)
            if result.counts is not None:
                self._counts[name] = result.counts

    def listed(self) -> Mapping[Listed, int]:
        """Return how many signals were listed."""
        with self._lock:
            return dict(self._listed)

    def rejected(self) -> Mapping[tuple[str, str], int]:
        """Return how many crosses were rejected, by strategy and filter."""
        with self._lock:
            return dict(self._rejected)

    def last_signals(self, strategies: Sequence[Strategy]) -> Mapping[str, Instant]:
        """Return when the candle of each strategy's last signal closed."""
        with self._lock:
            times = {one: self._counts[one.name].last_signal_time for one in strategies if one.name in self._counts}
        return {one.name: one.granularity.close_of(time) for one, time in times.items() if time is not None}

    def usual_silence(self, strategies: Sequence[Strategy]) -> Mapping[str, float]:
        """Return the mean seconds between two signals, weekends included, where there were enough of them."""
        with self._lock:
            known = {one: self._counts[one.name] for one in strategies if one.name in self._counts}
        return {
            one.name: counts.evaluated / counts.signals * one.granularity.seconds * _stretch(one)
            for one, counts in known.items()
            if counts.signals >= _ENOUGH
        }


def _stretch(strategy: Strategy) -> float:
    return 1.0 if strategy.market_hours is MarketHours.ALWAYS else _WEEK
