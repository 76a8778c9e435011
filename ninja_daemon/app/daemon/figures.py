"""What a daemon has counted since it started, and which strategies wait; for the heartbeat, ``status`` and metrics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import NamedTuple

from ninja_daemon.app.daemon.counters import Counters
from ninja_daemon.app.daemon.notes.closes import CloseCounts
from ninja_daemon.app.daemon.notes.signal_counts import SignalCounts
from ninja_daemon.core.histogram import LATENCY_BOUNDS, Histogram
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, format_moment
from ninja_daemon.core.polling import CompletionDelay
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.wake_result import StrategyResult

_QUIET_FEED, _QUIET_SERIES = 2, 24
"""Hours of an open market without any candle, and without one of a series, that no ordinary pause explains."""


class MissingCandle(NamedTuple):
    """A candle that has not come.

    Attributes:
        border: when it closed.
        since: when the first one closed that has not come since.
    """

    border: Instant
    since: Instant


class WakeFigures:
    """What the wakes of a process came to; safe to use from several threads.

    Attributes:
        counters: what they add up to.
        completion_delay: by timeframe, when the broker called candles complete, and what it took to see it.
        cursors: open of the last candle taken in, by strategy name, as far as this process knows.
        signal_latency: seconds from a candle's close to the commit of its signal, late ones left out.
        last_wake: when the last wake ended, 0 before the first.
        last_good_wake: when the last one ended that left nothing waiting.
        waiting: by strategy, why it is not up to date.
        awaiting: by strategy, the larger candle that it waits for within its patience; empty for none.
        missing: by strategy, the candle that did not come although nothing failed; a quiet period has none.
        news_at: when the last candle of any series was taken in.
        by_strategy: signals and rejected crosses.
        closed: by strategy and result, signals that ended.
        closed_r: by strategy, the sum of their R.
        closes: by strategy, closes that were due and those that were dealt with.
    """

    def __init__(self, completion_delay: Mapping[str, CompletionDelay]) -> None:
        """Begin with nothing counted."""
        self.counters = Counters()
        self.completion_delay = completion_delay
        self.cursors: dict[str, Instant] = {}
        self.signal_latency = Histogram(LATENCY_BOUNDS)
        self.last_wake = 0.0
        self.last_good_wake = 0.0
        self.waiting: dict[str, str] = {}
        self.awaiting: dict[str, str] = {}
        self.missing: dict[str, MissingCandle] = {}
        self.news_at: Instant = 0
        self.by_strategy = SignalCounts()
        self.closed: Counter[tuple[str, str]] = Counter()
        self.closed_r: dict[str, Decimal] = {}
        self.closes = CloseCounts()
        self._lock = threading.Lock()

    def add(self, counters: Counters, now: float, *, is_good: bool) -> None:
        """Count a wake that has ended."""
        with self._lock:
            self.counters.add(counters)
            self.last_wake = now
            if is_good:
                self.last_good_wake = now

    def wait(self, names: Iterable[str], reason: str) -> None:
        """Note why strategies are not up to date."""
        with self._lock:
            self.waiting.update(dict.fromkeys(names, reason[:200]))

    def count_closed(self, result: StrategyResult) -> None:
        """Count the signals of a strategy that ended."""
        name = result.strategy.name
        with self._lock:
            for one in result.closed:
                self.closed[name, one.result.value] += 1
                self.closed_r[name] = self.closed_r.get(name, Decimal(0)) + one.r

    def go_on(self, name: str) -> None:
        """Note that a strategy waits no longer."""
        with self._lock:
            self.waiting.pop(name, None)

    def awaits(self, name: str, what: str) -> bool:
        """Note what larger candle a strategy waits for, empty for none; return whether that is news."""
        with self._lock:
            is_news = what not in {"", self.awaiting.get(name)}
            self.awaiting[name] = what
        return is_news

    def lacks(self, strategies: Iterable[Strategy], borders: Mapping[str, Instant]) -> None:
        """Note that the candles that closed at ``borders`` did not come."""
        for name in (strategy.name for strategy in strategies):
            before = self.missing.get(name)
            self.missing[name] = MissingCandle(borders[name], borders[name] if before is None else before.since)

    def forget_waiting(self, names: Iterable[str]) -> None:
        """Forget that these wait: another daemon works for them now."""
        with self._lock:
            for name in names:
                for known in (self.waiting, self.awaiting, self.missing):
                    known.pop(name, None)

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget the strategies that are not watched any more."""
        kept = set(names)
        with self._lock:
            for known in (self.waiting, self.awaiting, self.missing, self.cursors):
                for name in [name for name in known if name not in kept]:
                    del known[name]

    def reasons(self) -> dict[str, str]:
        """Return why strategies are not up to date, by name."""
        with self._lock:
            awaiting = {name: what for name, what in self.awaiting.items() if what}
            missing, waiting = dict(self.missing), awaiting | self.waiting
        return {
            name: f"the candle that closed at {format_instant(one.border)} has not come"
            for name, one in missing.items()
        } | waiting

    def troubles(self, strategies: Sequence[Strategy], now: Instant) -> dict[str, str]:
        """Return what somebody should see to, by strategy: what failed, and a silence that the market does not explain.

        A candle that has not come is no trouble by itself, since a period without prices has none.
        """
        reasons, failed = self.reasons(), set(self.waiting)
        overdue = {one.name for one in strategies if self._is_overdue(one, now)}
        return {name: reason for name, reason in reasons.items() if name in failed or name in overdue}

    def _is_overdue(self, strategy: Strategy, now: Instant) -> bool:
        missing = self.missing.get(strategy.name)
        if missing is None:
            return False
        any_series, this_series = (
            strategy.market_hours.missing_between(Granularity.H1, since, now, _QUIET_SERIES)
            for since in (max(missing.since, self.news_at), missing.since)
        )
        return any_series >= _QUIET_FEED or this_series >= _QUIET_SERIES

    def fields(self) -> dict[str, object]:
        """Return what the heartbeat says of the wakes."""
        return {
            "last_wake": format_moment(self.last_wake) if self.last_wake else None,
            "last_good_wake": format_moment(self.last_good_wake) if self.last_good_wake else None,
            **asdict(self.counters),
            "hit_ratio": self.counters.hit_ratio,
            "completion_delay": {
                timeframe: {"closes": delay.closes, "looks": delay.looks}
                | {name: round(getattr(delay, name), 3) for name in ("last", "average", "unseen")}
                for timeframe, delay in sorted(self.completion_delay.items())
            },
            "waiting": self.reasons(),
        }
