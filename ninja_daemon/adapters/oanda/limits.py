"""What all connections to the broker share: the limits of requests and of time, and the counts of the traffic."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from ninja_daemon.adapters.oanda.rate_limit import RateLimit
from ninja_daemon.core.errors import BrokerUnavailable
from ninja_daemon.usecases.candle_ports import Traffic
from ninja_daemon.usecases.ports import Clock

REQUESTS_A_SECOND: Final = 100
CONNECTIONS_A_SECOND: Final = 2
CLOSED: Final = "the broker adapter is closed"


class Deadlines:
    """One thread that ends requests which take too long; a timer each would cost more than the request itself.

    It goes by the machine's own clock, as sockets do.
    """

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._due: dict[Callable[[], None], float] = {}
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_idle = False
        self._is_over = False

    def begin(self, cut: Callable[[], None], seconds: float) -> None:
        """Call ``cut`` after that many seconds."""
        with self._change:
            self._due[cut] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="oanda-watch", daemon=True)
                self._thread.start()
            elif self._is_idle:
                self._change.notify()

    def end(self, cut: Callable[[], None]) -> None:
        """Do not call it any more."""
        with self._change:
            self._due.pop(cut, None)

    def close(self) -> None:
        """Let the thread end."""
        with self._change:
            self._is_over = True
            self._change.notify()

    def _watch(self) -> None:
        with self._change:
            while not self._is_over:
                now = time.monotonic()
                for cut in [cut for cut, due in self._due.items() if due <= now]:
                    del self._due[cut]
                    cut()
                # All requests have the same time, so a new deadline is the last: only an idle thread must be woken.
                self._is_idle = not self._due
                self._change.wait(None if self._is_idle else max(0.0, min(self._due.values()) - now))


class Gate:
    """The limits and counts that all sessions of a process share."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing sent."""
        self.clock = clock
        self.closed = threading.Event()
        self.deadlines = Deadlines()
        self._requests = RateLimit(clock, REQUESTS_A_SECOND)
        self._connections = RateLimit(clock, CONNECTIONS_A_SECOND)
        self._statuses: Counter[int] = Counter()
        self._bytes = 0
        self._opened = 0
        self._candles = 0
        self._lock = threading.Lock()

    def divide(self, parts: int, place: int = 0) -> None:
        """Keep to the part of this place: ``parts`` processes reach the broker by one address."""
        self._requests.divide(parts, place)
        self._connections.divide(parts, place)

    def close(self) -> None:
        """End all waiting, and let nothing through any more."""
        self.closed.set()
        self.deadlines.close()

    def sending(self) -> None:
        """Wait until a request may be sent."""
        if not self._requests.take(self.closed):
            raise BrokerUnavailable(CLOSED)

    def connecting(self) -> None:
        """Wait until a connection may be opened."""
        if not self._connections.take(self.closed):
            raise BrokerUnavailable(CLOSED)
        with self._lock:
            self._opened += 1

    def answered(self, status: int, size: int) -> None:
        """Count an answer; status 0 for none."""
        with self._lock:
            self._statuses[status] += 1
            self._bytes += size

    def took_candles(self, count: int) -> None:
        """Count candles."""
        with self._lock:
            self._candles += count

    @property
    def traffic(self) -> Traffic:
        """The counts so far."""
        with self._lock:
            return Traffic(dict(self._statuses), self._bytes, self._opened, self._candles)
