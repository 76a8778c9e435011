"""A thread that writes behind the commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue
from typing import Final

import structlog

from ninja_daemon.core.errors import JournalUnavailable

CLOSE_GRACE: Final = 2.0
"""Seconds that the end of a process waits for what is still to be written."""


class BackgroundWriter:
    """Writes one thing after the other in a thread of its own; no caller waits for the disk."""

    def __init__(self, name: str, failing: str, again: str = "") -> None:
        """Name the thread, which begins with the first thing to write.

        Args:
            name: of the thread.
            failing: what the log says, once, when a file cannot be written.
            again: what it says when that is over; empty when it says nothing.
        """
        self._name = name
        self._failing, self._again = failing, again
        self._tasks: Queue[Callable[[], None] | None] = Queue()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    @property
    def waiting(self) -> int:
        """Number of things that are not written yet."""
        return self._tasks.unfinished_tasks

    def put(self, write: Callable[[], None]) -> None:
        """Have something written; ``write`` may raise ``JournalUnavailable``."""
        self._tasks.put(write)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join(CLOSE_GRACE)

    def _run(self) -> None:
        while (write := self._tasks.get()) is not None:
            self._write(write)
            self._tasks.task_done()

    def _write(self, write: Callable[[], None]) -> None:
        log = structlog.get_logger("ninja.daemon")
        try:
            write()
        except JournalUnavailable as error:
            if not self._is_failing:
                log.warning(f"{self._failing}: {error}", event_id="journal.down")
            self._is_failing = True
        else:
            if self._is_failing and self._again:
                log.info(self._again, event_id="journal.up")
            self._is_failing = False
