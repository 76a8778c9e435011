"""The machine's clock, the one place that reads it."""

from __future__ import annotations

import threading
import time


class SystemClock:
    """The clock port on the machine's own clocks."""

    def now(self) -> float:
        """Return epoch seconds, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until ``stop`` is set or ``seconds`` have passed; return whether it is set."""
        return stop.wait(seconds)
