"""The simulator's time: the machine's, a fixed one that a test sets, or a fast one from a start of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol


class Now(Protocol):
    """Anything that tells the time; the daemon's own clock port fits, so both may share one."""

    def now(self) -> float:
        """Return epoch seconds, UTC."""


class _Course(NamedTuple):
    """A point of the clock: it showed ``shown`` when the source read ``read``, and has run at ``speed`` since."""

    read: float
    shown: float
    speed: float


class SimulatedClock:
    """A clock that runs ``speed`` times as fast as the real one; a speed of zero stops it."""

    def __init__(self, course: _Course, source: Callable[[], float]) -> None:
        self._source = source
        self._course = course  # replaced as a whole: server threads read while a test sets

    @classmethod
    def real(cls) -> SimulatedClock:
        """Return the machine's own time, as its clock is set."""
        return cls(_Course(0.0, 0.0, 1.0), time.time)

    @classmethod
    def fixed(cls, at: float) -> SimulatedClock:
        """Return a clock that stands still until ``set`` or ``advance``."""
        return cls.accelerated(at, speed=0.0)

    @classmethod
    def accelerated(cls, start: float, speed: float) -> SimulatedClock:
        """Return a clock that shows ``start`` now and runs ``speed`` times as fast as real time."""
        return cls(_Course(time.monotonic(), start, speed), time.monotonic)

    def now(self) -> float:
        """Return epoch seconds, UTC."""
        course = self._course
        return course.shown + (self._source() - course.read) * course.speed

    def set(self, at: float) -> None:
        """Show ``at`` now; the speed stays."""
        self._course = _Course(self._source(), at, self._course.speed)

    def advance(self, seconds: float) -> None:
        """Show a time ``seconds`` later than now."""
        self.set(self.now() + seconds)
