"""A thread that writes behind the commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from typing import Final

import structlog

from ninja_daemon.core.errors import JournalUnavailable

CLOSE_GRACE: Final = 2.0
"""Seconds that the end of a process waits for what is still to be written."""


class BackgroundWriter:
    """Writes one thing after the other in a thread of its own; no caller waits for the disk."""

    def __init__(self, name: str, failing: str, again: str = "", most: int = 1_000) -> None:
        """Name the thread, which begins with the first thing to write.

        Args:
            name: of the thread.
            failing: what the log says, once, when something is not written.
            again: what it says when that is over; empty when it says nothing.
            most: things that may wait, while a disk hangs; what comes then is not written.
        """
        self._name = name
        self._failing, self._again = failing, again
        self._tasks: Queue[Callable[[], None] | None] = Queue(most)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_failing = False
        self._log = structlog.get_logger("ninja.daemon")

    @property
    def waiting(self) -> int:
        """Number of things that are not written yet."""
        return self._tasks.unfinished_tasks

    def put(self, write: Callable[[], None]) -> None:
        """Write something behind the caller; an error is logged, and the next thing is written."""
        try:
            self._tasks.put_nowait(write)
        except Full:
            self._failed(f"{self.waiting} wait for the disk")
        with self._lock:  # several shards have one writer
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        with self._lock:  # A thread that is made right now can be joined only when it has started.
            thread = self._thread
        if thread is not None:
            with suppress(Full):
                self._tasks.put(None, timeout=CLOSE_GRACE)
            thread.join(CLOSE_GRACE)

    def _run(self) -> None:
        while (write := self._tasks.get()) is not None:
            self._write(write)
            self._tasks.task_done()

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except JournalUnavailable as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - nothing depends on what is written here, and no signal may
            self._failed("an error that nobody expected", error)
        else:
            if self._is_failing and self._again:
                self._log.info(self._again, event_id="journal.up")
            self._is_failing = False

    def _failed(self, reason: str, error: Exception | None = None) -> None:
        if not self._is_failing:
            self._log.warning(f"{self._failing}: {reason}", event_id="journal.down", exc_info=error)
        self._is_failing = True
