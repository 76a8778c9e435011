"""What is asked of the servers behind a client, whichever way they belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError

from ninja_daemon.adapters.redis.topology.cluster import OwnerPool
from ninja_daemon.adapters.redis.topology.sentinel import MasterPool

_FRESH: Final = 2
"""Seconds since a replica has last confirmed what it has; it does so every second."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers behind an address with several hosts, at one moment.

    Attributes:
        kind: ``sentinel`` or ``cluster``.
        master: host and port of the server that takes writes.
        epoch: number of the failover that made it the master, 0 for none.
        failed_over_at: epoch seconds of that failover as Sentinel remembers it; None for none, or where nobody does.
        replicas: that Sentinel knows, or that are connected to the owner of our slot.
        in_sync: replicas that follow the master within two seconds; None when it does not tell.
        watchers: Sentinels that watch it, or masters of the cluster.
        down_after: seconds of silence after which the master counts as down; None where it is not told.
        needs_replicas: whether the master refuses writes without replicas (min-replicas-to-write); None if unknown.
    """

    kind: str
    master: str
    epoch: int
    failed_over_at: float | None
    replicas: int
    in_sync: int | None
    watchers: int
    down_after: float | None
    needs_replicas: bool | None


def failover_epoch(client: redis.Redis) -> int:
    """Return the number of the last failover, 0 where there is no such thing; asks Sentinel, or the cluster, now.

    Raises:
        RedisError: nobody can say which server is the master.
    """
    pool = client.connection_pool
    if isinstance(pool, OwnerPool):
        return int(_cluster(client)["cluster_current_epoch"])
    return pool.ask().epoch if isinstance(pool, MasterPool) else 0


def working_replicas(client: redis.Redis) -> int:
    """Return how many replicas must have a write that counts: those that work, at least one.

    Raises:
        RedisError: it cannot be found out.
    """
    pool = client.connection_pool
    if isinstance(pool, MasterPool):
        return max(1, pool.working_replicas())
    return max(1, int(_replication(client).get("connected_slaves", 0)))


def servers(client: redis.Redis, now: float) -> Servers | None:
    """Return the servers behind an address with several hosts; None for that of one server.

    Args:
        client: made by ``client.connect``.
        now: epoch seconds.

    Raises:
        RedisError: Sentinel or the master does not answer.
    """
    pool = client.connection_pool
    if isinstance(pool, OwnerPool):
        return _of_cluster(client, pool)
    if not isinstance(pool, MasterPool):
        return None
    master = pool.ask()
    info = _replication(client)
    return Servers(
        kind="sentinel",
        master=f"{master.host}:{master.port}",
        epoch=master.epoch,
        failed_over_at=now - master.since if master.epoch else None,
        replicas=master.replicas,
        in_sync=_in_sync(info) if info else None,
        watchers=master.sentinels,
        down_after=master.down_after_ms / 1_000,
        needs_replicas="min_slaves_good_slaves" in info if info else None,
    )


def _of_cluster(client: redis.Redis, pool: OwnerPool) -> Servers:
    info, (host, port) = _replication(client), pool.owner()
    return Servers(
        kind="cluster",
        master=f"{host}:{port}",
        epoch=failover_epoch(client),
        failed_over_at=None,
        replicas=int(info.get("connected_slaves", 0)),
        in_sync=_in_sync(info) if info else None,
        watchers=pool.masters,
        down_after=None,
        needs_replicas="min_slaves_good_slaves" in info if info else None,
    )


def _cluster(client: redis.Redis) -> Mapping[str, Any]:
    answer: Any = client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    return answer if isinstance(answer, dict) else dict(line.split(":", 1) for line in str(answer).split())


def _replication(client: redis.Redis) -> Mapping[str, Any]:
    try:
        answer: Any = client.info("replication")
    except NoPermissionError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _in_sync(info: Mapping[str, Any]) -> int:
    replicas = [value for name, value in info.items() if name.startswith("slave") and isinstance(value, dict)]
    return sum(each.get("state") == "online" and int(each.get("lag", _FRESH + 1)) <= _FRESH for each in replicas)
