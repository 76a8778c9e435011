"""Connections to the server of a cluster that owns the namespace's slot.

redis-py's cluster client finds out who owns what. Commands go through plain connections all the same: its own pipelines
ask the server about every script, and never work again after the death of the node that they ask. All keys of a
namespace lie in one slot, so one server is enough.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from redis.connection import ConnectionPool
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError as RedisConnectionError,
    RedisClusterException,
    SlotNotCoveredError,
    TryAgainError,
)

if TYPE_CHECKING:
    from redis.cluster import RedisCluster

_MOVED: Final = (AskError, ClusterDownError, TryAgainError, RedisConnectionError)
"""What says that the owner may be another one by now; ``MovedError`` is an ``AskError``."""


class OwnerPool(ConnectionPool):
    """Connections to today's owner of one slot."""

    def __init__(
        self,
        hosts: Sequence[tuple[str, int]],
        namespace: str,
        options: Mapping[str, Any],
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Connect to nothing yet.

        Args:
            hosts: any of the cluster, in the order in which they are asked.
            namespace: whose slot it is.
            options: of the connections that ask for the topology.
            more: of the connections to the owner, and of the pool.
        """
        super().__init__(**more)
        self.connection_kwargs["owner_pool"] = self
        self._hosts = hosts
        self._tagged = f"{{{namespace}}}"
        self._options = options
        self._cluster: RedisCluster | None = None
        self._owner: tuple[str, int] | None = None
        self._is_stale = True
        self._finding = threading.Lock()

    def get_connection(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - redis-py's own shape
        """Return a connection to the owner.

        Raises:
            RedisError: the cluster cannot be asked, or says that the slot has no owner.
        """
        self.owner()
        return super().get_connection()

    def owner(self) -> tuple[str, int]:
        """Return the owner's address; the cluster is asked again when a reply said that it may be wrong.

        Raises:
            RedisError: the cluster cannot be asked, or says that the slot has no owner.
        """
        with self._finding:
            if self._is_stale or self._owner is None:
                found = self._found()
                if found != self._owner:
                    self._owner = found
                    self.disconnect(inuse_connections=False)
                self._is_stale = False
            return self._owner

    def _found(self) -> tuple[str, int]:
        try:
            if self._cluster is None:
                from redis.cluster import ClusterNode, RedisCluster  # noqa: PLC0415 - not without a cluster

                nodes = [ClusterNode(*host) for host in self._hosts]  # type: ignore[no-untyped-call]
                self._cluster = RedisCluster(startup_nodes=nodes, require_full_coverage=False, **self._options)
            else:
                self._cluster.nodes_manager.initialize()
            node: Any = self._cluster.get_node_from_key(self._tagged)  # type: ignore[no-untyped-call]
        except SlotNotCoveredError as error:
            message = "nobody owns the slot of the namespace"
            raise ClusterDownError(message) from error
        except RedisClusterException as error:
            reason = str(error).rpartition("reachable node: ")[2]  # behind what redis-py says each time
            message = f"no server of the cluster can be asked: {reason}"
            raise RedisConnectionError(message) from error
        return str(node.host), int(node.port)

    def doubt(self) -> None:
        """Ask the cluster again before the next command."""
        self._is_stale = True

    @property
    def masters(self) -> int:
        """How many masters the cluster has, as far as is known."""
        return 0 if self._cluster is None else len(self._cluster.get_primaries())  # type: ignore[no-untyped-call]

    def owns_connection(self, connection: Any) -> bool:  # noqa: ANN401 - redis-py's own shape
        """Tell whether a connection that comes back leads to the owner still."""
        return (connection.host, connection.port) == self._owner and bool(super().owns_connection(connection))

    def close(self) -> None:
        """Let all connections go."""
        super().close()
        if self._cluster is not None:
            self._cluster.close()


class ToOwner:
    """Mixed into a connection of redis-py: leads to the owner, and doubts it when a reply gives a reason to."""

    host: str
    port: int
    _sock: Any

    def __init__(self, *, owner_pool: OwnerPool, **options: Any) -> None:  # noqa: ANN401 - redis-py's own shape
        """Belong to a pool."""
        self._owner_pool = owner_pool
        super().__init__(**options)

    def connect(self) -> None:
        """Connect to today's owner."""
        if not self._sock:
            self.host, self.port = self._owner_pool.owner()
        try:
            super().connect()  # type: ignore[misc]
        except _MOVED:
            self._owner_pool.doubt()
            raise

    def read_response(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - redis-py's own shape
        """Read a reply."""
        try:
            return super().read_response(*arguments, **options)  # type: ignore[misc]
        except _MOVED:
            self._owner_pool.doubt()
            raise
