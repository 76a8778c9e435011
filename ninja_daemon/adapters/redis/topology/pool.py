"""The connection pool that belongs to an address with several hosts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from redis.connection import Connection, SSLConnection, parse_url
from redis.sentinel import (
    MasterNotFoundError,
    SentinelConnectionPoolProxy,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from ninja_daemon.adapters.redis.deadline import Timed
from ninja_daemon.adapters.redis.topology.address import ManyHosts
from ninja_daemon.adapters.redis.topology.cluster import OwnerPool, ToOwner
from ninja_daemon.adapters.redis.topology.sentinel import MasterPool, Sentinels


class _ToMaster(Timed):
    """Mixed into a connection that Sentinel leads: a server that hangs is left when it is the master no more."""

    connection_pool: SentinelConnectionPoolProxy
    host: str
    port: int

    def is_moved(self) -> bool:
        """Ask Sentinel whether another server is the master by now."""
        pool = self.connection_pool
        with suppress(MasterNotFoundError):
            return bool(pool.sentinel_manager.discover_master(pool.service_name) != (self.host, self.port))
        return False


class TimedSentinelConnection(_ToMaster, SentinelManagedConnection):
    """To the master that Sentinel names."""


class TimedSentinelSSLConnection(_ToMaster, SentinelManagedSSLConnection):
    """To the master that Sentinel names, over TLS."""


class TimedOwnerConnection(Timed, ToOwner, Connection):
    """To the server of a cluster that owns the slot."""


class TimedOwnerSSLConnection(Timed, ToOwner, SSLConnection):
    """To the server of a cluster that owns the slot, over TLS."""


def pool_for(where: ManyHosts, options: Mapping[str, Any], limits: Mapping[str, Any]) -> MasterPool | OwnerPool:
    """Return a pool that has not connected yet.

    Args:
        where: the address.
        options: of every connection, and of the pool, unless the address says otherwise.
        limits: options that nothing undoes.

    Raises:
        ValueError: an option of the address cannot be read.
    """
    given: dict[str, Any] = {**options, **parse_url(where.server_url()), **limits}  # type: ignore[no-untyped-call]
    given.pop("connection_class", None)
    asking = {
        "ssl": where.is_encrypted,
        "retry": options["retry"],
        "client_name": options["client_name"],
        "socket_timeout": limits["socket_connect_timeout"],
        "socket_connect_timeout": limits["socket_connect_timeout"],
        **{name: value for name, value in given.items() if name.startswith("ssl_")},
    }
    if where.kind == "cluster":
        asking |= {name: given.get(name) for name in ("username", "password")}
        given["connection_class"] = TimedOwnerSSLConnection if where.is_encrypted else TimedOwnerConnection
        return OwnerPool(where.hosts, where.options.get("namespace", ""), asking, **given)
    asking |= {name: where.options.get(f"sentinel_{name}") for name in ("username", "password")}
    given["connection_class"] = TimedSentinelSSLConnection if where.is_encrypted else TimedSentinelConnection
    return MasterPool(where.service, Sentinels(where.hosts, asking), **given)
