"""What a simulated broker remembers of its requests, safe for the threads of its connections."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ninja_daemon.simulator.faults import BrokerFault

_KEPT: Final = 10_000


class Served(NamedTuple):
    """One request and what became of it.

    Attributes:
        at: when it had come in, on the monotonic clock.
        connection: number of its connection.
        method: HTTP method.
        path: of the URL, without the query.
        query: parameters.
        status: HTTP status; 0 when the connection was reset instead.
        size: bytes of the body that were sent, packed if it was packed.
        faults: what struck it.
    """

    at: float
    connection: int
    method: str
    path: str
    query: Mapping[str, str]
    status: int
    size: int
    faults: Sequence[BrokerFault]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a server has counted since it was made.

    Attributes:
        requests: requests that came in.
        connections: connections that were made.
        bytes_sent: bytes of bodies.
        by_status: requests by status.
    """

    requests: int
    connections: int
    bytes_sent: int
    by_status: Mapping[int, int]


class RequestRecord:
    """Requests and connections as they come in."""

    def __init__(self, on_request: Callable[[Served], None]) -> None:
        """Begin with nothing; ``on_request`` is told of each request that is noted."""
        self._on_request = on_request
        self._lock = threading.Lock()
        self._served: deque[Served] = deque(maxlen=_KEPT)
        self._connected: deque[float] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()

    @property
    def requests(self) -> list[Served]:
        """Return the newest requests (at most 10,000), oldest first."""
        with self._lock:
            return list(self._served)

    @property
    def connected(self) -> list[float]:
        """Return when the newest connections were made, on the monotonic clock, oldest first."""
        with self._lock:
            return list(self._connected)

    @property
    def figures(self) -> Figures:
        """Return what has been counted."""
        with self._lock:
            count = self._counts
            return Figures(count["requests"], count["connections"], count["bytes"], dict(self._statuses))

    def note_connection(self) -> int:
        """Count a connection and return its number."""
        with self._lock:
            self._connected.append(time.monotonic())
            self._counts["connections"] += 1
            return self._counts["connections"]

    def note(self, served: Served) -> None:
        """Keep and count a request."""
        with self._lock:
            self._served.append(served)
            self._counts["requests"] += 1
            self._counts["bytes"] += served.size
            self._statuses[served.status] += 1
        self._on_request(served)
