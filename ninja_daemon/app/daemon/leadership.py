"""Who works: one object for each lease. It takes and keeps the lease, and compares settings with another holder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.app.daemon.part import Part
from ninja_daemon.app.daemon.same_settings import declare, difference
from ninja_daemon.app.daemon.troubles.outage import Outage
from ninja_daemon.core.errors import ConfigError, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.lifetimes import HEARTBEAT, LEASE
from ninja_daemon.usecases.ports import Clock, DaemonStore, Lease

_TOLERANCE: Final = 60.0
"""Seconds for which a standby accepts an active daemon with other settings."""


class Leadership:
    """This daemon's side of one lease."""

    def __init__(
        self,
        store: DaemonStore,
        clock: Clock,
        part: Part,
        *,
        outage: Outage,
        troubles: Recurring,
        begin: Callable[[], None],
        end: Callable[[], None],
    ) -> None:
        """Hold nothing yet.

        Args:
            store: where the lease is.
            clock: time.
            part: which part of the work the lease is for.
            outage: hears whether the store answers.
            troubles: what is said once.
            begin: called when everything must be tried at once: the lease is new, or Redis is back.
            end: called whenever another daemon works.
        """
        self._store = store
        self._clock = clock
        self._log = part.log()
        self._outage = outage
        self._troubles = troubles
        self._begin = begin
        self._end = end
        self._seat = part.seat
        self._token = part.token or holder_token("run")
        self._state: bool | None = None
        self._declared = False
        self._differs_since: float | None = None
        self._other_until: float | None = None
        self.takeover_seconds: float | None = None
        """Seconds from the end of another one's lease to ours, when we last took over; None before."""

    @property
    def is_active(self) -> bool:
        """Whether this daemon holds the lease."""
        return self._state is True

    @property
    def word(self) -> str:
        """The state for people."""
        return {True: "active", False: "standing by", None: "starting"}[self._state]

    def renew(self, strategies: Sequence[Strategy], heartbeat: Callable[[bool], str]) -> None:
        """Take or keep the lease, leave a heartbeat, and begin to work when the lease is new.

        Args:
            strategies: what this daemon watches.
            heartbeat: makes its text, told whether this daemon is the active one.

        Raises:
            ConfigError: the active daemon watches something else.
        """
        try:
            self._refresh()
            if not self.is_active and not self._seat.is_ours():
                self._leave_to_others()
                return
            lease = self._store.lease(self._token, LEASE)
            # Only the active daemon writes the heartbeat; a standby's would make `status` look idle.
            if lease.held:
                self._store.report(heartbeat(True), HEARTBEAT)  # noqa: FBT003 - a callable has no names
        except StoreUnavailable as error:
            self._without_store(error, heartbeat)
            return
        finally:
            self._outage.say_replayed()
        if self._outage.ended():
            self._begin()
        if lease.held and (lease.is_new or not self._declared):
            self._declared = declare(self._store, self._token, strategies)
        self._hear(lease, strategies)

    def _hear(self, lease: Lease, strategies: Sequence[Strategy]) -> None:
        """Work, or let work, by what came of asking for the lease."""
        if not lease.held:
            self._other_until = self._clock.monotonic() + lease.remaining
            self._compare(lease.holder, strategies)
            self.stand_by(lease.holder)
            return
        if self._state and not lease.is_new:
            return
        sentence = "this daemon is the active one"
        if self._state:
            # What was acknowledged before may be gone, and is derived again now.
            sentence = "this daemon is the active one still, by a new lease: Redis failed over or was set back"
        elif self._other_until is not None:
            self.takeover_seconds = max(0.0, self._clock.monotonic() - self._other_until)
        self._log.info(sentence, event_id="leader.active", fence=lease.fence)
        self._state = True
        self._begin()

    def _refresh(self) -> None:
        """List the other members. An active daemon tries its lease even when that fails: the store names the fault."""
        try:
            self._seat.refresh()
        except StoreUnavailable:
            if self._state is False:
                raise

    def _leave_to_others(self) -> None:
        self._outage.ended()
        self.stand_by("the member that it belongs to")

    def hand_over(self) -> None:
        """Give the lease to the member that it belongs to now."""
        self.release()
        self.stand_by("the member that it belongs to")

    def _without_store(self, error: StoreUnavailable, heartbeat: Callable[[bool], str]) -> None:
        self._outage.failed(error, is_active=self.is_active)
        self._declared = False
        if self._state is None and self._store.led_here():
            self._log.info(
                "this machine's daemon was the active one when Redis was lost; it goes on alone",
                event_id="leader.alone",
            )
            self._state = True
            self._begin()
        if self._store.away is not None:
            with suppress(StoreUnavailable):
                self._store.report(heartbeat(self.is_active), HEARTBEAT)

    def settings_changed(self) -> None:
        """Declare or compare the settings again; two daemons take the same file over one after the other."""
        self._declared = False
        self._differs_since = None

    def stand_by(self, holder: str = "") -> None:
        """Let another daemon work."""
        if self._state is not False:
            sentence = "another daemon is the active one; this one stands by"
            self._log.info(sentence, event_id="leader.standby", holder=holder or "unknown")
        self._state = False
        self._end()

    def release(self, farewell: str = "") -> None:
        """Leave the last heartbeat and give the lease back, so that another daemon need not wait until it runs out."""
        if not self._state:
            return
        try:
            if farewell:
                self._store.report(farewell, HEARTBEAT)
            self._store.release(self._token)
        except StoreUnavailable as error:
            self._log.info("the lease could not be given back and will run out by itself", reason=str(error))

    def _compare(self, holder: str, strategies: Sequence[Strategy]) -> None:
        """Find out whether the active daemon watches the same strategies.

        Raises:
            ConfigError: it does not. A daemon that has run before waits a little: settings of a pair are changed one
                after the other.
        """
        if holder.startswith("once|"):
            return
        problem = difference(self._store, holder, strategies)
        if problem is None:
            return  # It has not said so yet; the next tick asks again.
        now = self._clock.monotonic()
        if not problem:
            self._differs_since = None
            self._troubles.recovered("settings", "the active daemon watches the same", event_id="settings.same")
            return
        self._differs_since = now if self._differs_since is None else self._differs_since
        if self._state is not None and now - self._differs_since < _TOLERANCE:
            self._troubles.failed("settings", problem, level="error", event_id="settings.differ")
            return
        raise ConfigError(problem)
