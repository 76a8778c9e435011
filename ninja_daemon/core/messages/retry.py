"""When to try again: exponential backoff with full jitter."""

from __future__ import annotations

from dataclasses import dataclass


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
