"""What the daemon says while Redis is away, and the alerts that it hands to the notifier."""

from __future__ import annotations

import threading
from typing import Final

from structlog.typing import FilteringBoundLogger

from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.ports import Clock, DaemonStore

_TELL_AFTER: Final = 60.0
"""Seconds after which the operator is alerted that Redis is away; a restart of Redis is shorter."""


class Outage:
    """Whether the store can be reached, and who has been told; safe to use from several threads."""

    def __init__(self, store: DaemonStore, clock: Clock, log: FilteringBoundLogger, troubles: Recurring) -> None:
        """Suppose that it can be reached."""
        self._store = store
        self._clock = clock
        self._log = log
        self._troubles = troubles
        self._since: float | None = None
        self._is_told = False
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float | None:
        """How long the store has been away; None while it is there."""
        with self._lock:
            return None if self._since is None else self._clock.monotonic() - self._since

    def failed(self, error: StoreUnavailable, *, is_active: bool) -> None:
        """Log that the store cannot be reached; alert the operator after a minute."""
        goes_on = self._store.away is not None and is_active
        what_now = (
            "nothing is lost, signals wait in the local journal and are delivered from there"
            if goes_on
            else "nothing is lost, the daemon catches up later"
        )
        self._troubles.failed("redis.down", f"{error}; {what_now}", event_id="redis.down")
        now = self._clock.monotonic()
        with self._lock:
            self._since = now if self._since is None else self._since
            is_news = not self._is_told and now - self._since > _TELL_AFTER
            self._is_told |= is_news
        if is_news:
            self.alert("redis_away", "warning", f"Redis has been away for a minute: {error}; {what_now}")

    def ended(self) -> bool:
        """Note that the store answers; return whether it had been away."""
        was_away = self._troubles.recovered("redis.down", "Redis is back", event_id="redis.up")
        with self._lock:
            is_news, self._since, self._is_told = self._is_told, None, False
        if is_news:
            self.alert("redis_back", "info", "Redis is back, and what waited for it is listed.")
        return was_away

    def say_replayed(self) -> None:
        """Log what became of the commits that waited for Redis."""
        for replayed in self._store.replayed():
            self._log.info(
                f"replayed to Redis: {counted(replayed.commits, 'commit')}; "
                f"{counted(replayed.signals, 'signal')} listed now",
                event_id="journal.replayed",
            )
            for name in replayed.derived_again:
                self._log.warning(
                    f"{name}: Redis came back with another candle than it was left with; "
                    "its waiting commits are dropped and derived again from the broker",
                    event_id="journal.derived_again",
                    strategy=name,
                )

    def alert(self, kind: str, severity: str, text: str) -> None:
        """Alert the operator through the notifier."""
        try:
            self._store.alert(kind, severity, text, self._clock.now())
        except StoreUnavailable as error:
            self._log.warning("an alert could not be handed to the notifier", reason=str(error), alert=text)
