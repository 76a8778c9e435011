"""The servers behind an address with several hosts, for people and as fields of ``--json``."""

from __future__ import annotations

from ninja_daemon.adapters.redis.topology.servers import Servers
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.words import counted


def servers_fields(servers: Servers) -> dict[str, object]:
    """Return the fields; instants in UTC."""
    at = servers.failed_over_at
    return {
        "kind": servers.kind,
        "master": servers.master,
        "epoch": servers.epoch,
        "failed_over_at": None if at is None else format_moment(at),
        "replicas": servers.replicas,
        "in_sync": servers.in_sync,
        "sentinels": servers.watchers if servers.kind == "sentinel" else None,
        "masters": servers.watchers if servers.kind == "cluster" else None,
    }


def servers_sentence(servers: Servers) -> list[tuple[str, str]]:
    """Return the parts of a line with the colour of each, the most important first."""
    parts = [(f"master {servers.master}", "")]
    if servers.in_sync is None:
        parts.append((counted(servers.replicas, "replica"), ""))
    else:
        lacks = servers.in_sync < servers.replicas or not servers.replicas
        parts.append(
            (f"{servers.in_sync} of {counted(servers.replicas, 'replica')} in sync", "yellow" if lacks else "")
        )
    if servers.failed_over_at is None:
        parts.append(("no failover yet" if not servers.epoch else f"epoch {servers.epoch}", "dim"))
    else:
        when = format_moment(servers.failed_over_at)[:16].replace("T", " ")
        parts.append((f"failover {servers.epoch} at {when}", ""))
    return parts
