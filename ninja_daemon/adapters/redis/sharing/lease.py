"""The lease that makes one of several daemons the active one, and what its holder says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

import redis

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.scripts import Call, answered, run_scripts, script
from ninja_daemon.adapters.redis.topology.servers import failover_epoch
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.usecases.ports import Lease

_LONGEST_DECLARATION: Final = 8_000_000
"""Bytes; 34 a strategy, so that more than 200,000 have room."""
_FENCES_OF_A_FAILOVER: Final = 2**32
"""Fences that are given out between two failovers: the number of the failover stands in front of them."""


class RedisLease(NamedTuple):
    """The lease of a namespace, or of one of its shards."""

    client: redis.Redis
    keys: Keys

    def take(self, token: str, seconds: float, dead: str = "") -> Lease:
        """Take or keep the lease under ``token``.

        After a failover both sides of a cut network may give the lease out, and would count on from the same number:
        the fence begins with the number of the failover, which only the newer side knows.

        Args:
            token: who asks.
            seconds: life of the lease.
            dead: a holder that is known to be dead.

        Raises:
            StoreUnavailable: Redis did not answer, or a key of the lease is of the wrong type.
        """
        with translated_errors():
            floor = failover_epoch(self.client) * _FENCES_OF_A_FAILOVER
        keys = (self.keys.leader, self.keys.epoch, self.keys.fence)
        call = Call(script("lease"), keys, (token, int(seconds * 1000), dead, floor))
        reply = answered(run_scripts(self.client, [call])[0])
        if reply[0] == "HELD":
            return Lease(held=True, fence=int(reply[1]), is_new=reply[2] == "taken")
        if reply[0] == "OTHER":
            return Lease(held=False, holder=str(reply[1])[:200], remaining=max(0, int(reply[2])) / 1000)
        message = f"{reply[1]} must be a string, was a {reply[2]}; delete it"
        raise StoreUnavailable(message)

    def holder(self) -> str:
        """Return the token of the active daemon; empty when there is none, or when the key holds something else.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with translated_errors():
            is_there = self.client.type(self.keys.leader) == "string"
            return str(self.client.getrange(self.keys.leader, 0, 199)) if is_there else ""

    def release(self, token: str) -> None:
        """Give the lease back, if it is ours.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        answered(run_scripts(self.client, [Call(script("release"), (self.keys.leader,), (token,))])[0])

    def declare(self, holder: str, settings: Mapping[str, str]) -> None:
        """Say under which settings the holder of the lease works: hashes by strategy name.

        Raises:
            StoreUnavailable: Redis did not take it.
        """
        with translated_errors():
            self.client.set(
                self.keys.settings, json.dumps({"schema": 1, "holder": holder, "strategies": dict(settings)})
            )

    def declared(self, holder: str) -> Mapping[str, str] | None:
        """Return what this holder of the lease has declared; None when that is not known.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with translated_errors():
            text = self.client.getrange(self.keys.settings, 0, _LONGEST_DECLARATION)
        try:
            fields = json.loads(str(text))
            settings = fields["strategies"] if fields["holder"] == holder else None
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return {str(name): str(value) for name, value in settings.items()} if isinstance(settings, dict) else None
