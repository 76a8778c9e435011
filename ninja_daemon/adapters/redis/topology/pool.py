"""The connection pool that belongs to an address with several hosts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from typing import Any, Final

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

_ANSWERS_WITHIN: Final = 0.2
"""Seconds that a late reply waits for Sentinel's answer; a Sentinel that hangs is waited for by nobody."""


class _Question(Thread):
    """Asks Sentinel for the master.

    Attributes:
        master: what it has answered; None while it has not, and when it names none.
    """

    def __init__(self, pool: SentinelConnectionPoolProxy) -> None:
        super().__init__(name="sentinel", daemon=True)
        self._pool = pool
        self.master: tuple[str, int] | None = None

    def run(self) -> None:
        """Ask."""
        with suppress(MasterNotFoundError):
            self.master = self._pool.sentinel_manager.discover_master(self._pool.service_name)


class _ToMaster(Timed):
    """Mixed into a connection that Sentinel leads: a server that hangs is left when it is the master no more."""

    connection_pool: SentinelConnectionPoolProxy
    host: str
    port: int
    _question: _Question | None = None

    def is_moved(self) -> bool:
        """Tell whether Sentinel names another server as the master by now, as far as it answers."""
        if self._question is None:
            self._question = _Question(self.connection_pool)
            self._question.start()
        self._question.join(_ANSWERS_WITHIN)
        if self._question.is_alive():
            return False
        master, self._question = self._question.master, None
        return master not in {None, (self.host, self.port)}


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
