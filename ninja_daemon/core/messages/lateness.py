"""Signals that grew late while they waited for their destination: through quiet hours, a pause, a delay, an outage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ninja_daemon.core.messages.message import Entry


@dataclass(frozen=True, slots=True)
class Lateness:
    """How old a signal may become.

    Attributes:
        allowed: ``max_signal_age`` in seconds, by strategy; where there is none it is one candle.
    """

    allowed: Mapping[str, int] = field(default_factory=dict)

    def seen_at(self, entries: tuple[Entry, ...], now: float) -> tuple[Entry, ...]:
        """Return the messages of a lane as they are at ``now``: signals that grew late since are marked so."""
        return tuple(self._marked(entry) if self._is_late(entry, now) else entry for entry in entries)

    def _is_late(self, entry: Entry, now: float) -> bool:
        signal = entry.signal
        if signal is None or signal.late:
            return False
        # What came late to the list was judged by the daemon: only the wait here counts.
        since = max(entry.accepted, signal.close_time)
        return now - since > self.allowed.get(signal.strategy, signal.close_time - signal.time)

    @staticmethod
    def _marked(entry: Entry) -> Entry:
        assert entry.signal is not None  # noqa: S101 - only signals are late
        return replace(entry, signal=entry.signal._replace(late=True))
