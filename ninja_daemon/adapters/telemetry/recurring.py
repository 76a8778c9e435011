"""Troubles that last: said once, then seldom, and said again when they end."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from ninja_daemon.core.words import duration
from ninja_daemon.usecases.ports import Clock


class Recurring:
    """Says a failure that goes on for a while once, then once a minute, and how long it lasted when it is over.

    Safe to use from several threads.
    """

    def __init__(self, clock: Clock, logger: BoundLogger, *, every: float = 60.0) -> None:
        """Begin with nothing wrong.

        Args:
            clock: for durations.
            logger: where it is said.
            every: seconds between two reminders.
        """
        self._clock = clock
        self._logger = logger
        self._every = every
        self._open: dict[str, _Trouble] = {}
        self._lock = threading.Lock()

    def failed(self, key: str, sentence: str, *, level: str = "warning", **fields: Any) -> bool:  # noqa: ANN401
        """Say that ``key`` is in trouble, unless it was said less than a minute ago; return whether it was said."""
        now = self._clock.monotonic()
        with self._lock:
            trouble = self._open.get(key)
            if trouble is not None and now - trouble.said < self._every:
                trouble.suppressed += 1
                return False
            if trouble is None:
                self._open[key] = _Trouble(now)
            else:
                fields["suppressed"] = trouble.suppressed
                fields["lasting"] = duration(now - trouble.began)
                trouble.said, trouble.suppressed = now, 0
        getattr(self._logger, level)(sentence, **fields)
        return True

    def recovered(self, key: str, sentence: str, **fields: Any) -> bool:  # noqa: ANN401 - fields are of any kind
        """Say that ``key`` is well again and how long it was not; nothing when nothing was wrong."""
        with self._lock:
            trouble = self._open.pop(key, None)
        if trouble is None:
            return False
        if trouble.suppressed:
            fields["suppressed"] = trouble.suppressed
        self._logger.info(sentence, lasted=duration(self._clock.monotonic() - trouble.began), **fields)
        return True

    def is_failing(self, key: str) -> bool:
        """Tell whether ``key`` is in trouble."""
        with self._lock:
            return key in self._open


class BoundLogger(Protocol):
    """What is used of a structlog logger."""

    def info(self, event: str, **fields: Any) -> Any:  # noqa: ANN401 - structlog's own shape
        """Say something ordinary."""


class _Trouble:
    __slots__ = ("began", "said", "suppressed")

    def __init__(self, now: float) -> None:
        self.began = now
        self.said = now
        self.suppressed = 0
