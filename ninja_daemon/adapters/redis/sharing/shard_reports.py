"""Who leads which shard, as far as Redis tells; reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.sharing.members import RedisMembers
from ninja_daemon.adapters.stored.reports import heartbeat_fields
from ninja_daemon.usecases.lifetimes import LEASE
from ninja_daemon.usecases.sharing.sharding import Member

_MOST: Final = 1_024
_ADDED: Final = ("wakes", "looks", "evaluated", "fetched", "signals", "hits", "rebuilds", "firsts", "kept_commits")
_LEAD: Final = 3
"""Values that are read for each shard."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """One shard.

    Attributes:
        shard: its number.
        holder: token of the process that leads it; empty for none.
        fence: number of its lease.
    """

    shard: int
    holder: str
    fence: int

    @property
    def process(self) -> tuple[str, str] | None:
        """Host and number of the process that leads it; None for none."""
        parts = self.holder.split("|")
        return (parts[1], parts[3]) if len(parts) > 3 else None  # noqa: PLR2004 - a token's parts


@dataclass(frozen=True, slots=True)
class ShardReports:
    """The shards of a namespace.

    Attributes:
        shards: in their order.
        members: that live.
        daemon: the heartbeats of the processes that lead shards, added up; None when there is none.
    """

    shards: tuple[ShardReport, ...]
    members: tuple[Member, ...]
    daemon: Mapping[str, Any] | None

    @property
    def uncovered(self) -> list[int]:
        """The shards that nobody leads."""
        return [one.shard for one in self.shards if not one.holder]


def read_shards(client: redis.Redis, keys: Keys) -> ShardReports | None:
    """Return the shards; None where there is one lease.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        try:
            stored: Any = client.get(keys.shards)
        except NoPermissionError:
            return None  # rights from before there were shards
        count = int(stored) if str(stored).isdecimal() else 1
        if not 1 < count <= _MOST:
            return None
        pipeline = client.pipeline(transaction=False)
        for shard in range(count):
            own = Keys(keys.prefix[1:-2], shard)
            pipeline.get(own.leader)
            pipeline.get(own.epoch)
            pipeline.get(own.heartbeat)
        found = pipeline.execute()
    members = [one for one in RedisMembers(client, keys).read() if one.age <= LEASE]
    shards = tuple(
        ShardReport(shard, str(found[_LEAD * shard] or ""), int(found[_LEAD * shard + 1] or 0))
        for shard in range(count)
    )
    return ShardReports(shards, tuple(members), _added(found[2::_LEAD]))


def _added(heartbeats: Sequence[object]) -> Mapping[str, Any] | None:
    """Add up the heartbeats of several processes; of one process's, the newest counts."""
    parsed = [fields for text in heartbeats if (fields := heartbeat_fields(text, "", [])) is not None]
    newest: dict[tuple[object, object], Mapping[str, Any]] = {}
    for fields in parsed:
        process = (fields.get("host"), fields.get("pid"))
        if process not in newest or _written(fields) > _written(newest[process]):
            newest[process] = fields
    if not newest:
        return None
    those = list(newest.values())
    latest = max(those, key=_written)
    whole: dict[str, Any] = dict(latest)
    whole.pop("shard", None)
    whole["last_wake"] = max((str(one["last_wake"]) for one in those if one.get("last_wake")), default=None)
    whole["strategies"] = sum(_numbers(one.get("strategies") for one in parsed))
    for name in _ADDED:
        whole[name] = sum(_numbers(one.get(name) for one in those))
    whole["waiting"] = {name: why for one in those for name, why in dict(one.get("waiting") or {}).items()}
    return whole


def _written(heartbeat: Mapping[str, Any]) -> str:
    return str(heartbeat.get("at"))


def _numbers(values: Iterable[object]) -> list[int]:
    return [value for value in values if isinstance(value, int)]
