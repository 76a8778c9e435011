"""When the notifier is at rest, so that pictures may be drawn and added (decision 97)."""

from __future__ import annotations

from typing import Final

from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.ports import Clock

REST: Final = 0.1
"""Seconds of rest before a picture: the signals of one close reach the list in several parts."""
_AT_REST: Final = frozenset({"empty", "suspended", "paused", Reason.DELAY, Reason.QUIET, Reason.BEHIND})
"""Why there is nothing to do for now, perhaps for hours; other waits are short, or end in trouble."""


class LaneRests:
    """Notes when messages came and which lanes rest; used by several threads, which wait for nothing here."""

    def __init__(self, clock: Clock) -> None:
        """Begin; no lane rests yet."""
        self._clock = clock
        self._came_at = float("-inf")
        self._resting_since: dict[str, float] = {}

    def messages_came(self) -> None:
        """Note that messages have just been put into lanes."""
        self._came_at = self._clock.monotonic()

    def looks(self, lane: str) -> float | None:
        """Note that a lane is looked at; return since when it rested, None when it did not."""
        return self._resting_since.pop(lane, None)

    def has_looked(self, lane: str, why: str, since: float | None, *, worked: bool) -> None:
        """Note what a look at a lane came to.

        Args:
            lane: name of the destination.
            why: there was nothing to do: reason or state of the ``LaneStep``.
            since: what ``looks`` returned.
            worked: something was settled.
        """
        if not worked and why in _AT_REST:
            self._resting_since[lane] = self._clock.monotonic() if since is None else since

    def is_busy(self, lane: str) -> bool:
        """Tell whether a lane is at work, or messages are on their way to any of them, or were a moment ago."""
        quiet_since = max(self._came_at, self._resting_since.get(lane, float("inf")))
        return self._clock.monotonic() - quiet_since < REST
