"""The threads that ask the broker: each has a session of its own, and there are only as many as work piles up for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeGuard, TypeVar

from ninja_daemon.adapters.oanda.transport import LONGEST_ASKED_PAUSE, OandaSession
from ninja_daemon.core.errors import BrokerDenied, BrokerUnavailable, NinjaError

MOST_SESSIONS: Final = 8
_AT_ONCE: Final = 2
_NEW_SESSION_EVERY: Final = 0.5

T = TypeVar("T")


class SessionPool:
    """At most eight threads, begun only as work piles up; they never keep the process alive."""

    def __init__(self, make_session: Callable[[], OandaSession], closed: threading.Event) -> None:
        """Begin with no thread.

        Args:
            make_session: called on each thread once.
            closed: set when no more work is to be done.
        """
        self._make_session = make_session
        self._closed = closed
        self._tasks: queue.SimpleQueue[_Task[Any] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._sessions: list[OandaSession] = []
        self._idle = 0
        self._lock = threading.Lock()

    @property
    def sessions(self) -> Sequence[OandaSession]:
        """The sessions that are in use now."""
        with self._lock:
            return tuple(self._sessions)

    def run(self, jobs: Sequence[Callable[[OandaSession], T]]) -> list[T | NinjaError]:
        """Do the jobs and return their results in order; an error that nobody expected is raised here."""
        batch: _Batch[T] = _Batch(len(jobs))
        for index, job in enumerate(jobs):
            self._tasks.put(_Task(batch, index, job))
        # Two sessions at once, as the broker allows; then one more each half second while work still waits.
        for _ in jobs[:_AT_ONCE]:
            self._grow()
        while not self._closed.is_set() and not batch.done.wait(_NEW_SESSION_EVERY):
            self._grow()
        return batch.collected()

    def close(self) -> None:
        """End what is under way, and have the threads end."""
        with self._lock:
            threads = len(self._threads)
        for _ in range(threads):
            self._tasks.put(None)
        for session in self.sessions:
            session.abort()

    def _grow(self) -> None:
        with self._lock:
            waiting = self._tasks.qsize()
            if len(self._threads) < MOST_SESSIONS and waiting > self._idle:
                name = f"oanda-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        session = self._make_session()
        with self._lock:
            self._sessions.append(session)
        try:
            while not self._closed.is_set():
                with self._lock:
                    self._idle += 1
                task = self._tasks.get()
                with self._lock:
                    self._idle -= 1
                if task is None:
                    return
                task.do(session)
        finally:
            with self._lock:
                self._sessions.remove(session)
            session.close()


class _Batch(Generic[T]):
    """Jobs that were given together."""

    def __init__(self, size: int) -> None:
        self.done = threading.Event()
        self.ended_by: NinjaError | None = None
        self._results: list[tuple[T | NinjaError] | None] = [None] * size
        self._unexpected: Exception | None = None
        self._left = size
        self._lock = threading.Lock()
        if not size:
            self.done.set()

    def finish(self, index: int, result: T | NinjaError) -> None:
        """Take a job's result."""
        with self._lock:
            self._results[index] = (result,)
            if _is_for_all(result):
                self.ended_by = result
            self._count_down()

    def fail(self, error: Exception) -> None:
        """Take what a job ended with that nobody expected."""
        with self._lock:
            self._unexpected = error
            self._count_down()

    def collected(self) -> list[T | NinjaError]:
        """Return the results, with an error in the place of what was not done."""
        if self._unexpected is not None:
            raise self._unexpected
        undone = BrokerUnavailable("the broker adapter is closed")
        return [undone if result is None else result[0] for result in self._results]

    def _count_down(self) -> None:
        self._left -= 1
        if not self._left:
            self.done.set()


class _Task(Generic[T]):
    """One job of a batch."""

    __slots__ = ("_batch", "_index", "_job")

    def __init__(self, batch: _Batch[T], index: int, job: Callable[[OandaSession], T]) -> None:
        self._batch = batch
        self._index = index
        self._job = job

    def do(self, session: OandaSession) -> None:
        """Do the job, unless an answer to another one of the batch holds for all."""
        if self._batch.ended_by is not None:
            self._batch.finish(self._index, self._batch.ended_by)
            return
        try:
            result: T | NinjaError = self._job(session)
        except NinjaError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - carried to the caller, which raises it
            self._batch.fail(error)
            return
        self._batch.finish(self._index, result)


def _is_for_all(result: object) -> TypeGuard[NinjaError]:
    """Tell whether to drop the rest of the batch: the token is refused, or the broker asked for a long wait."""
    if isinstance(result, BrokerUnavailable):
        return result.retry_after is not None and result.retry_after > LONGEST_ASKED_PAUSE
    return isinstance(result, BrokerDenied)
