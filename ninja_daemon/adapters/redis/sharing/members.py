"""The daemons that share one namespace, and the number of shards on which they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import redis
from redis.exceptions import NoPermissionError

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.queue.guarded_write import checked
from ninja_daemon.adapters.redis.scripts import Call, run_scripts, script
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.usecases.sharing.sharding import Member

_FORGOTTEN_AFTER: Final = 3_600_000
"""Milliseconds; until then ``status`` may name a member that is gone."""


class RedisMembers(NamedTuple):
    """The members of a namespace."""

    client: redis.Redis
    keys: Keys

    def tick(self, token: str, egress: str) -> Sequence[Member]:
        """Leave a sign of life, and return those of all.

        Raises:
            StoreUnavailable: Redis did not answer, or the key is of the wrong type.
        """
        call = Call(script("members"), (self.keys.members,), (token, egress, _FORGOTTEN_AFTER))
        reply: Any = checked(run_scripts(self.client, [call])[0])
        return [
            Member(reply[at], reply[at + 3], int(reply[at + 1]) / 1_000, int(reply[at + 2]) / 1_000)
            for at in range(0, len(reply), 4)
        ]

    def read(self) -> Sequence[Member]:
        """Return the signs of life without leaving one.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with translated_errors():
            clock: Any = self.client.time()
            stored: Any = self.client.hgetall(self.keys.members)
        now, found = clock[0] * 1_000 + clock[1] // 1_000, []
        for token, text in stored.items():
            at, first, egress = (*str(text).split(" ", 2), "", "", "")[:3]
            if at.isdecimal() and first.isdecimal():
                found.append(Member(str(token), egress, max(0, now - int(at)) / 1_000, (now - int(first)) / 1_000))
        return found

    def leave(self, token: str) -> None:
        """Take the sign of life away.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with translated_errors():
            self.client.hdel(self.keys.members, token)


def agreed_count(client: redis.Redis, keys: Keys, count: int) -> None:
    """Make sure that the namespace is divided into that many shards; the first one that asks decides.

    Args:
        client: made by ``client.connect``.
        keys: of the namespace, of no shard.
        count: what the configuration says.

    Raises:
        ConfigError: it is divided otherwise.
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        stored = _stored_count(client, keys, count)
    if str(stored or "1") == str(count):
        return
    message = (
        f"[shards] count must be {stored or 1}, as this namespace was begun with, was {count}. To change it: stop all "
        f"its daemons, then redis-cli DEL '{keys.shards}' '{keys.epoch}' '{keys.fence}', then start them again"
    )
    raise ConfigError(message)


def _stored_count(client: redis.Redis, keys: Keys, count: int) -> str | None:
    """Return what the namespace was begun with, and begin it; None where it has one lease."""
    try:
        stored: Any = client.get(keys.shards)
    except NoPermissionError:
        if count == 1:
            return None  # The user's rights are older than shards: nobody can have divided the namespace.
        raise
    if stored is not None or count == 1:
        return None if stored is None else str(stored)
    if client.exists(keys.epoch, keys.fence):
        return None
    client.set(keys.shards, str(count), nx=True)
    return str(client.get(keys.shards))
