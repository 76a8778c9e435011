"""Marks of progress that working threads leave, so that one that hangs is noticed from outside.

A worker that waits for something that comes by itself (the next close, a doorbell) leaves a mark whenever it looks up;
one that has nothing to do takes its mark away. The watchdog looks at the marks of all workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ninja_daemon.usecases.ports import Clock

_LONGEST_WAIT: Final = 900.0
"""Seconds for which other's answers are taken for a worker's progress: a first start of very many strategies."""
LONGEST: Final = 60.0
"""Seconds without a mark after which a worker counts as hanging: three times what a request may take."""


class Liveness:
    """The marks of a process; safe to use from several threads."""

    def __init__(self, clock: Clock, longest: float = LONGEST) -> None:
        """Begin with no worker.

        Args:
            clock: for durations.
            longest: seconds without a mark that are still taken for work.
        """
        self._clock = clock
        self._longest = longest
        self._marks: dict[str, float] = {}
        self._own: dict[str, float] = {}

    def beat(self, worker: str, spare: float = 0.0) -> None:
        """Leave a mark: this worker made progress, and may be silent for ``spare`` seconds more than others."""
        self._marks[worker] = now = self._clock.monotonic() + spare
        if worker in self._own:
            self._own[worker] = now

    def answered(self) -> None:
        """Leave a mark for the workers inside ``working``: a request of theirs made progress.

        Other workers get no mark, and none gets them without end: one request says little about another.
        """
        now = self._clock.monotonic()
        for worker, own in list(self._own.items()):
            if now - own < _LONGEST_WAIT:
                self._marks[worker] = now

    def rest(self, worker: str) -> None:
        """Take the mark away: this worker has nothing to do."""
        self._marks.pop(worker, None)
        self._own.pop(worker, None)

    @contextmanager
    def working(self, worker: str) -> Iterator[None]:
        """Be at work for the length of a block."""
        self._own[worker] = self._clock.monotonic()
        self.beat(worker)
        try:
            yield
        finally:
            self.rest(worker)

    def hanging(self) -> list[str]:
        """Return the workers that have left no mark for too long."""
        now = self._clock.monotonic()
        return sorted(worker for worker, mark in list(self._marks.items()) if now - mark > self._longest)
