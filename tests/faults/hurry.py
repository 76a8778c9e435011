"""The product in a hurry: a test has seconds, not hours. Called in a child of the nursery, before the command line.

Nothing of what is promised hangs on these numbers: they say how long to wait, never what is right.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.host.scheduler import Scheduler
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.app.daemon import one_pass, process as daemon
from ninja_daemon.app.daemon.troubles import retries
from ninja_daemon.app.fleet import membership
from ninja_daemon.app.notifier import parts, process as notifier
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.usecases.sharing import sharding
from tests.faults.shared_clock import SharedClock

TICK: Final = 0.1
"""Seconds between two looks of the daemon at its lease, and at the broker."""
LANE_LEASE: Final = 0.5
"""Seconds for which a notifier keeps a lane: so long the lanes of a killed one rest."""
_LONGEST_WAIT: Final = 0.05
_SETTLED: Final = 2.0
"""Seconds until a member counts; a lease is renewed, and the others looked at, every second."""


def keep_time(clock: str) -> None:
    """Live in the time of a clock's file, which should run as fast as the real one, and wait as outside."""
    _take_time_from(SharedClock(Path(clock)))
    _close_by_it()


def hurry(clock: str | None) -> None:
    """Shorten the waits; with a clock's file, live in its time (a daemon only: lanes are leased in real time)."""
    daemon._TICK = TICK  # type: ignore[misc]
    retries._FIRST = retries._LONGEST = TICK  # type: ignore[misc]
    one_pass._STEP = TICK  # type: ignore[misc]
    membership._TICK, sharding._SETTLED_AFTER = 5 * TICK, _SETTLED  # type: ignore[misc]
    notifier._BEAT_EVERY = 2 * TICK  # type: ignore[misc]
    assert parts.notifier_parts.__kwdefaults__ is not None
    parts.notifier_parts.__kwdefaults__["lease"] = LANE_LEASE
    RetryPolicy.__init__.__defaults__ = (TICK / 5, 2.0, 2 * TICK)  # base, factor, cap
    if clock is not None:
        _live_in(SharedClock(Path(clock)))


def _live_in(clock: SharedClock) -> None:
    def wait(self: SystemClock, stop: threading.Event, seconds: float) -> bool:
        del self
        return stop.wait(min(seconds, _LONGEST_WAIT))

    def at_candle_close(
        self: Scheduler,
        granularity: Granularity,
        hours: MarketHours,
        delay: float,
        job: Callable[[Granularity, MarketHours], None],
    ) -> None:
        del delay
        self.every(TICK, lambda: job(granularity, hours))

    _take_time_from(clock)
    SystemClock.wait = wait  # type: ignore[method-assign]
    Scheduler.at_candle_close = at_candle_close  # type: ignore[method-assign]


def _take_time_from(clock: SharedClock) -> None:
    def now(self: SystemClock) -> float:
        del self
        return clock.now()

    SystemClock.now = now  # type: ignore[method-assign]
    # The lease runs out in Redis' time, which is the real one.
    made = FailoverStore.__init__

    def init(self: FailoverStore, *arguments: object, **named: object) -> None:
        made(self, *arguments, **(named | {"clock": _RealClock()}))  # type: ignore[arg-type]

    FailoverStore.__init__ = init  # type: ignore[method-assign]


def _close_by_it() -> None:
    """Have closes come when the test's clock shows them, once each."""

    def at_candle_close(
        self: Scheduler,
        granularity: Granularity,
        hours: MarketHours,
        delay: float,
        job: Callable[[Granularity, MarketHours], None],
    ) -> None:
        del delay
        clock, seen = SystemClock(), [0]

        def look() -> None:
            close = hours.last_close(granularity, int(clock.now()))
            if close != seen[0]:
                seen[0] = close
                job(granularity, hours)

        self.every(TICK, look)

    Scheduler.at_candle_close = at_candle_close  # type: ignore[method-assign]


class _RealClock:
    """The machine's clock, for what the test's does not rule."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds)
