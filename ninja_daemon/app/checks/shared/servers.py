"""Several Redis servers that belong together: whether a failover is quick, and loses nothing that it need not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ninja_daemon.adapters.redis.topology.servers import Servers
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.lifetimes import LEASE

_LONGEST_SILENCE: Final = 10.0
"""Seconds; with the choice of another master it must stay within the life of the daemon's lease."""
_LEAST_REPLICAS: Final = {"sentinel": 2, "cluster": 1}
_LEAST_WATCHERS: Final = 3


def check_servers(servers: Servers, subject: str) -> Iterator[Finding]:
    """Judge how the servers belong together."""
    least = _LEAST_REPLICAS[servers.kind]
    if servers.replicas < least:
        cause = (
            f"the master has {counted(servers.replicas, 'replica')}: after one failover there is none left for the next"
        )
        yield Finding(Level.WARNING, "redis.replicas", subject, cause, f"have {least}, on machines of their own")
    elif servers.in_sync is not None and servers.in_sync < servers.replicas:
        cause = f"{servers.in_sync} of {servers.replicas} replicas are in sync with the master {servers.master}"
        cure = "look at `redis-cli INFO replication` on the master and at the logs of the others"
        yield Finding(Level.WARNING, "redis.in_sync", subject, cause, cure)
    if servers.watchers < _LEAST_WATCHERS:
        who = "Sentinel" if servers.kind == "sentinel" else "master of the cluster"
        cause = f"{servers.watchers} {who} has a vote: when one is gone, no other master may be chosen"
        yield Finding(Level.WARNING, "redis.votes", subject, cause, "have three, on machines of their own")
    if servers.down_after is not None and servers.down_after > _LONGEST_SILENCE:
        cause = (
            f"down-after-milliseconds is {servers.down_after:g} s: with a lease of {LEASE:g} s, the daemon's lease is "
            "over before another master is chosen"
        )
        yield Finding(
            Level.WARNING, "redis.down_after", subject, cause, "set it to 5000 (SENTINEL SET … in each Sentinel)"
        )
    if servers.needs_replicas is False:
        yield _takes_writes_alone(subject)


def _takes_writes_alone(subject: str) -> Finding:
    cause = (
        "min-replicas-to-write is 0: a master that is cut off goes on taking writes that vanish later; they are "
        "derived again, and signals that were delivered meanwhile are kept back by the ledger of this machine only"
    )
    cure = "redis-cli CONFIG SET min-replicas-to-write 1 and min-replicas-max-lag 2, on every server"
    return Finding(Level.WARNING, "redis.min_replicas", subject, cause, cure)
