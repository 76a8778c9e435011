"""When to try again: a message, a service that names no time, a destination that refused everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROBES: Final = (60.0, 300.0, 900.0)
"""Seconds until a suspended destination is probed, time by time."""
PROBE_EVERY: Final = 3_600.0
"""Seconds between the probes after these."""
THROTTLED_FIRST: Final = 5.0
THROTTLED_LONGEST: Final = 300.0
"""Bounds in seconds of the wait after an answer that says too many and not how long to wait."""


def probe_delay(probes: int) -> float:
    """Return the seconds until the next probe, after that many that failed."""
    return PROBES[probes] if probes < len(PROBES) else PROBE_EVERY


def throttled_delay(times: int) -> float:
    """Return the seconds to wait after that many answers in a row, from 1, that named no time."""
    return min(THROTTLED_LONGEST, THROTTLED_FIRST * 2.0 ** min(max(times - 1, 0), 64))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Backoff with full jitter: a uniform draw between nothing and a bound that doubles up to a cap.

    There is no limit of attempts: what ends the attempts is the message's age.

    Attributes:
        base: bound of the first delay in seconds.
        factor: growth of the bound with each attempt.
        cap: largest bound in seconds.
    """

    base: float = 1.0
    factor: float = 2.0
    cap: float = 300.0

    def bound_after(self, attempt: int) -> float:
        """Return the longest delay in seconds after attempt number ``attempt``, counted from 1."""
        # The exponent is capped before the power is taken: attempt 5,000 must not overflow.
        return min(self.cap, self.base * self.factor ** min(max(attempt - 1, 0), 64))

    def delay_after(self, attempt: int, draw: float) -> float:
        """Return the delay in seconds after attempt number ``attempt``.

        Args:
            attempt: counted from 1.
            draw: a random number from 0 up to 1, drawn by the caller.
        """
        return self.bound_after(attempt) * draw
