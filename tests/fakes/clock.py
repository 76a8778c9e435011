"""A clock that a test sets; waiting moves it on."""

from __future__ import annotations

import threading


class FakeClock:
    """The clock port, standing still until told otherwise."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.time = now
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        if not stop.is_set():
            self.time += seconds
        return stop.is_set()
