"""Several real Redis servers that belong together, on loopback ports: Sentinel's three and three, and clusters."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import redis
from redis.crc import key_slot

from ninja_daemon.adapters.redis.client import connect
from tests.servers import RedisServer, free_port

LIMIT = 20.0
SERVICE = "mymaster"


class SentinelServer(RedisServer):
    """A Sentinel: the same program with a file of its own."""

    def __init__(self, directory: Path, lines: list[str]) -> None:
        super().__init__(directory, tcp=True)
        self._lines = lines

    def _command(self) -> list[str]:
        file = self.directory / "sentinel.conf"
        if not file.exists():  # Sentinel writes what it learns into it, and begins there after a restart.
            own = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.directory}"]
            file.write_text("\n".join([*own, *self._lines]) + "\n", encoding="utf-8")
        return [super()._command()[0], str(file), "--sentinel"]


class SentinelGroup:
    """A master, replicas and three Sentinels.

    Args:
        directory: where each gets a folder.
        replicas: number of replicas.
        down_after: ms of silence after which a server counts as down.
        options: of the servers, as ``RedisServer`` takes them.
        sentinel_password: of the Sentinels; ``requirepass`` among the options is that of the servers.
    """

    def __init__(
        self,
        directory: Path,
        *,
        replicas: int = 2,
        down_after: int = 500,
        sentinel_password: str = "",
        **options: Any,
    ) -> None:
        self.password = options.pop("requirepass", "")
        secret = {"requirepass": self.password, "masterauth": self.password} if self.password else {}
        self.servers = [
            RedisServer(directory / f"redis{number}", tcp=True, repl_diskless_sync_delay="0", **options, **secret)
            for number in range(1 + replicas)
        ]
        self.down_after = down_after
        self._directory = directory
        self.sentinel_password = sentinel_password
        self.sentinels: list[SentinelServer] = []

    def start(self) -> Self:
        first, *others = self.servers
        first.start()
        for each in others:
            each.options["replicaof"] = f"127.0.0.1 {first.port}"
            each.start()
        watched = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {first.port} 2",
            f"sentinel down-after-milliseconds {SERVICE} {self.down_after}",
            f"sentinel failover-timeout {SERVICE} 5000",
            *([f"sentinel auth-pass {SERVICE} {self.password}"] if self.password else []),
            *([f"requirepass {self.sentinel_password}"] if self.sentinel_password else []),
        ]
        for number in range(3):
            self.sentinels.append(SentinelServer(self._directory / f"sentinel{number}", watched).start())
        wait_until(self._is_complete, "Sentinel to know all servers")
        return self

    def _is_complete(self) -> bool:
        return (
            all(
                self._told(each, "num-slaves") == len(self.servers) - 1 and self._told(each, "num-other-sentinels") == 2
                for each in self.sentinels
            )
            and self.in_sync() == len(self.servers) - 1
        )

    def _told(self, sentinel: SentinelServer, name: str) -> object:
        with self.sentinel_client(sentinel) as client:
            return client.sentinel_master(SERVICE)[name]

    def sentinel_client(self, sentinel: SentinelServer) -> redis.Redis:
        return sentinel.client(password=self.sentinel_password or None)

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        more = f"?sentinel_password={self.sentinel_password}" if self.sentinel_password else ""
        return f"redis+sentinel://{f':{self.password}@' if self.password else ''}{hosts}/{SERVICE}{more}"

    def client(self) -> redis.Redis:
        """A client that follows the master, for arranging and asserting; the caller closes it."""
        return connect(self.url, name="test")

    def owner(self) -> RedisServer:
        """The server that the first working Sentinel names."""
        running = next(each for each in self.sentinels if each.running)
        with self.sentinel_client(running) as client:
            port = client.sentinel_master(SERVICE)["port"]
        return next(each for each in self.servers if each.port == port)

    def in_sync(self) -> int:
        """How many replicas the master has that are connected."""
        with self.owner().client() as client:
            return int(client.info("replication")["connected_slaves"])

    def fail_over(self) -> None:
        """A planned failover, begun and waited for."""
        before = self.owner()
        with self.sentinel_client(self.sentinels[0]) as client:
            wait_until(lambda: _accepted(client), "Sentinel to accept the failover")
        wait_until(lambda: self.owner() is not before, "another master")

    def stop(self) -> None:
        for each in (*self.sentinels, *self.servers):
            each.kill()


class ClusterGroup:
    """A cluster of three masters, with a replica each unless told otherwise."""

    def __init__(self, directory: Path, *, replicas: int = 1, namespace: str = "ninja") -> None:
        self.namespace = namespace
        self.servers = [
            RedisServer(
                directory / f"node{number}",
                tcp=True,
                cluster_enabled="yes",
                cluster_port=str(free_port()),
                cluster_node_timeout="1000",
                repl_diskless_sync_delay="0",
            )
            for number in range(3 * (1 + replicas))
        ]

    def start(self) -> Self:
        for each in self.servers:
            each.start()
        first, *others = self.servers
        for number in range(3):
            last = 16_383 if number == 2 else 5_461 * (number + 1) - 1
            self.tell(self.servers[number], "CLUSTER ADDSLOTSRANGE", 5_461 * number, last)
            self.tell(self.servers[number], "CLUSTER SET-CONFIG-EPOCH", number + 1)
        for each in others:
            self.tell(each, "CLUSTER MEET", "127.0.0.1", first.port, first.options["cluster-port"])
        wait_until(lambda: all(self._knows(each) == len(self.servers) for each in self.servers), "all to know all")
        for number, each in enumerate(self.servers[3:]):
            self.tell(each, "CLUSTER REPLICATE", self.id_of(self.servers[number % 3]))
        wait_until(self._is_complete, "the cluster")
        return self

    def _knows(self, server: RedisServer) -> int:
        return str(self.tell(server, "CLUSTER NODES")).count("'connected': True")

    def _is_complete(self) -> bool:
        states = [self.tell(each, "CLUSTER INFO")["cluster_state"] == "ok" for each in self.servers]
        if not all(states):
            return False
        roles = [self.tell(each, "ROLE") for each in self.servers[3:]]
        return all(role[0] == "slave" and role[3] == "connected" for role in roles)

    def tell(self, server: RedisServer, *command: Any) -> Any:
        """Send one command to one server."""
        with server.client() as client:
            return client.execute_command(*command)

    def id_of(self, server: RedisServer) -> str:
        return str(self.tell(server, "CLUSTER MYID"))

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{each.port}' for each in self.servers[:3])}"

    def client(self) -> redis.Redis:
        """A client to the owner of a namespace's slot; the caller closes it."""
        return connect(f"{self.url}?namespace={self.namespace}", name="test")

    def owner(self) -> RedisServer:
        """The server that owns the slot of the namespace, as the first that runs says."""
        slot, running = slot_of(self.namespace), next(each for each in self.servers if each.running)
        for first, last, (_, port, *_), *_ in self.tell(running, "CLUSTER SLOTS"):
            if first <= slot <= last:
                return next(each for each in self.servers if each.port == port)
        pytest.fail(f"nobody owns slot {slot}")

    def masters(self) -> list[RedisServer]:
        """The servers that run as masters."""
        return [each for each in self.servers if each.running and self.tell(each, "ROLE")[0] == "master"]

    def replica_of(self, master: RedisServer) -> RedisServer:
        """A working replica."""
        ports = {int(port) for _, port, _ in self.tell(master, "ROLE")[2]}
        return next(each for each in self.servers if each.port in ports)

    def fail_over(self) -> None:
        """A planned failover of the owner, waited for."""
        new = self.replica_of(self.owner())
        self.tell(new, "CLUSTER FAILOVER")
        wait_until(lambda: self.owner() is new, "another owner")

    def open_slot(self, target: RedisServer) -> None:
        """Begin to move the slot, key by key, as Redis does it."""
        slot, source = slot_of(self.namespace), self.owner()
        self.tell(target, "CLUSTER SETSLOT", slot, "IMPORTING", self.id_of(source))
        self.tell(source, "CLUSTER SETSLOT", slot, "MIGRATING", self.id_of(target))

    def move_slot(self, target: RedisServer) -> None:
        """Move all keys of the slot that was opened, and close it."""
        slot, source = slot_of(self.namespace), self.owner()
        while keys := self.tell(source, "CLUSTER GETKEYSINSLOT", slot, 100):
            self.tell(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
        for each in (target, source):
            self.tell(each, "CLUSTER SETSLOT", slot, "NODE", self.id_of(target))
        wait_until(lambda: self.owner() is target, "the other owner")

    def stop(self) -> None:
        for each in self.servers:
            each.kill()


def slot_of(namespace: str) -> int:
    return key_slot(f"{{{namespace}}}".encode())


def wait_until(happened: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} must come within {limit} s")
        time.sleep(0.05)


def _accepted(client: redis.Redis) -> bool:
    try:
        return bool(client.execute_command("SENTINEL FAILOVER", SERVICE))  # type: ignore[no-untyped-call]
    except redis.ResponseError:  # one is under way, or no replica is good enough yet
        return False
