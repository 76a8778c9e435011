"""This process among those that share the work: who else lives, which shards are ours, our part of the limits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from ninja_daemon.adapters.host.lease_token import is_dead
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.usecases.lifetimes import LEASE
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.sharing.sharding import Member, entitled, owner_of

_TICK: Final = 4.0
"""Seconds between two signs of life; a little less than between two renewals of a lease, which ask for them."""
_FAILED_FOR: Final = 0.4
"""Seconds for which a failure answers all shards of the process."""


class Register(Protocol):
    """Where members leave signs of life."""

    def tick(self, token: str, egress: str) -> Sequence[Member]:
        """Leave one, and return those of all; raises StoreUnavailable."""

    def leave(self, token: str) -> None:
        """Take ours away; raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the others know of this process.

    Attributes:
        token: names it.
        egress: name of the address by which it reaches the broker.
        count: number of shards, by its configuration.
    """

    token: str
    egress: str
    count: int


class Membership:
    """Asked by all shards of a process; one of them looks every few seconds, for all.

    Attributes:
        changes: how often those among whom the shards are divided have changed.
    """

    changes = 0

    def __init__(
        self,
        register: Register,
        identity: Identity,
        clock: Clock,
        *,
        agree: Callable[[], None],
        divide: Callable[[int, int], None],
    ) -> None:
        """Know nobody yet.

        Args:
            register: where members leave signs of life.
            identity: who we are.
            clock: time.
            agree: makes sure that the namespace has that many shards; raises ConfigError.
            divide: called with the number of members that share the broker's limits, and our place among them.
        """
        self._register = register
        self._identity = identity
        self._clock = clock
        self._agree = agree
        self._divide = divide
        self._agreed = False
        self._entitled: Sequence[str] | None = None
        self._looked_at = float("-inf")
        self._failure: tuple[float, StoreUnavailable] | None = None
        self._lock = threading.Lock()
        # Until the number is known, as many as can have work at all.
        divide(identity.count, 0)

    def refresh(self) -> None:
        """Leave a sign of life and look at the others', unless that was done just now.

        Raises:
            StoreUnavailable: Redis did not answer.
            ConfigError: the namespace is divided otherwise.
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._failure is not None and now - self._failure[0] < _FAILED_FOR:
                raise self._failure[1]
            if now - self._looked_at < _TICK:
                return
            try:
                self._look(now)
            except StoreUnavailable as error:
                self._failure = (self._clock.monotonic(), error)
                raise
            self._failure = None

    def _look(self, now: float) -> None:
        if not self._agreed:
            self._agree()
            self._agreed = True
        found = self._register.tick(self._identity.token, self._identity.egress)
        live = [one for one in found if one.age <= LEASE and not is_dead(one.token)]
        beside = sorted(one.token for one in live if one.egress == self._identity.egress)
        self._divide(len(beside), beside.index(self._identity.token))
        found_now = sorted(entitled(live))
        self.changes += found_now != self._entitled
        self._entitled = found_now
        self._looked_at = now

    def owns(self, shard: int) -> bool:
        """Tell whether a shard is ours to ask for."""
        if self._entitled is None:
            return True  # Redis was away from the start; the daemon that led here may go on alone.
        return owner_of(shard, self._entitled) == self._identity.token

    def has_lost_one(self) -> bool:
        """Tell whether a member of this machine has died since the last look, which is then made again at once."""
        has_died = any(is_dead(token) for token in self._entitled or ())
        if has_died:
            self._looked_at = float("-inf")
        return has_died

    def leave(self) -> None:
        """Let the others have our shards at once."""
        with suppress(StoreUnavailable):
            self._register.leave(self._identity.token)


class ShardSeat:
    """The seat of one shard; see ``Seat``."""

    def __init__(self, membership: Membership, shard: int) -> None:
        """Have looked at nobody yet."""
        self._membership = membership
        self._shard = shard
        self._seen = 0

    def refresh(self) -> None:
        """Look at the others."""
        self._membership.refresh()
        self._seen = self._membership.changes

    def is_ours(self) -> bool:
        """Tell whether the shard is ours to ask for."""
        return self._membership.owns(self._shard)

    def must_look(self) -> bool:
        """Tell whether a member of this machine has died, or another shard has seen that members came or went."""
        return self._membership.has_lost_one() or self._membership.changes != self._seen


class Agreed:
    """The seat where there is one lease: everybody asks for it, once it is certain that there is only one."""

    def __init__(self, agree: Callable[[], None]) -> None:
        """Take what makes certain; it raises ConfigError."""
        self._agree: Callable[[], None] | None = agree

    def refresh(self) -> None:
        """Make certain, once."""
        if self._agree is not None:
            self._agree()
            self._agree = None

    def is_ours(self) -> bool:
        """Everybody may have it."""
        return True

    def must_look(self) -> bool:
        """Nothing happens to others that would matter."""
        return False
