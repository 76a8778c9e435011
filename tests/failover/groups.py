"""Several real Redis servers that belong together: Sentinel's three and three, and clusters."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import pytest
import redis
from redis.crc import key_slot

from ninja_daemon.adapters.redis.client import connect
from tests.places import HERE, Place
from tests.servers import RedisServer, free_port

LIMIT = 20.0
SERVICE = "mymaster"
MANUAL_FAILOVER = 6.0
"""Seconds after which a cluster has given a planned failover up."""
ASKING_RIGHTS = "+sentinel|master +sentinel|replicas +ping +hello +client|setname"
"""What a user of the Sentinels needs, as the product says it."""


class SentinelServer(RedisServer):
    """A Sentinel: the same program with a file of its own."""

    def __init__(self, directory: Path, lines: list[str], **options: Any) -> None:
        super().__init__(directory, tcp=True, **options)
        self._lines = lines

    def _command(self) -> list[str]:
        file = self.directory / "sentinel.conf"
        if not file.exists():  # Sentinel writes what it learns into it, and begins there after a restart.
            own = [f"{name} {value}" for name, value in self.where().items()] + [f"dir {self.directory}"]
            file.write_text("\n".join([*own, *self._lines]) + "\n", encoding="utf-8")
        return [*self._program(), str(file), "--sentinel"]


class SentinelGroup:
    """A master, replicas and three Sentinels.

    Args:
        directory: where each gets a folder.
        places: machines; server and Sentinel of the same number share one.
        replicas: number of replicas.
        down_after: ms of silence after which a server counts as down.
        by_name: whether Sentinel tells names instead of addresses.
        sentinel_user: who may ask the Sentinels with their password, besides the one without a name.
        sentinel_password: of the Sentinels; ``requirepass`` among the options is that of the servers.
        options: of the servers, as ``RedisServer`` takes them; ``program`` and ``tls`` hold for the Sentinels, too.
    """

    def __init__(
        self,
        directory: Path,
        *,
        places: Sequence[Place] = (HERE,) * 3,
        replicas: int = 2,
        down_after: int = 500,
        by_name: bool = False,
        sentinel_user: str = "",
        sentinel_password: str = "",
        **options: Any,
    ) -> None:
        self._user = sentinel_user
        self.password = options.pop("requirepass", "")
        secret = {"requirepass": self.password, "masterauth": self.password} if self.password else {}
        self._names: dict[str, Any] = {"replica_announce_ip": places[0].address} if by_name else {}
        self.servers = [
            RedisServer(
                directory / f"redis{number}",
                tcp=True,
                place=places[number],
                repl_diskless_sync_delay="0",
                **self._names,
                **options,
                **secret,
            )
            for number in range(1 + replicas)
        ]
        self.down_after = down_after
        self._directory = directory
        self._places = places
        self._shared = {name: options[name] for name in ("program", "tls") if name in options}
        self.sentinel_password = sentinel_password
        self.sentinels: list[SentinelServer] = []

    def start(self) -> Self:
        first, *others = self.servers
        first.start()
        for each in others:
            each.options["replicaof"] = f"{first.place.address} {first.port}"
            each.start()
        watched = [
            *(["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"] if self._names else []),
            *([f"sentinel announce-ip {first.place.address}"] if self._names else []),
            f"sentinel monitor {SERVICE} {first.place.address} {first.port} 2",
            f"sentinel down-after-milliseconds {SERVICE} {self.down_after}",
            f"sentinel failover-timeout {SERVICE} 5000",
            *([f"sentinel auth-pass {SERVICE} {self.password}"] if self.password else []),
            *([f"requirepass {self.sentinel_password}"] if self.sentinel_password else []),
            *([f"user {self._user} on >{self.sentinel_password} {ASKING_RIGHTS}"] if self._user else []),
        ]
        for number, place in enumerate(self._places):
            folder = self._directory / f"sentinel{number}"
            self.sentinels.append(SentinelServer(folder, watched, place=place, **self._shared).start())
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
        hosts = ",".join(each.place.at(each.port) for each in self.sentinels)
        named = {"sentinel_username": self._user, "sentinel_password": self.sentinel_password}
        more = options_of(self.servers) | {name: value for name, value in named.items() if value}
        who = f":{self.password}@" if self.password else ""
        return f"{scheme_of(self.servers)}+sentinel://{who}{hosts}/{SERVICE}?{urlencode(more)}"

    def client(self) -> redis.Redis:
        """A client that follows the master, for arranging and asserting; the caller closes it."""
        return connect(self.url, name="test")

    def owner(self) -> RedisServer:
        """The server that the Sentinel names which has heard of the newest failover."""
        return self.named()[1]

    def named(self, watcher: SentinelServer | None = None) -> tuple[int, RedisServer]:
        """The newest failover that any Sentinel has heard of, or one of them, and its master."""
        asked = [watcher] if watcher else [each for each in self.sentinels if each.running]
        return max(map(self._named_by, asked), key=lambda named: named[0])

    def _named_by(self, sentinel: SentinelServer) -> tuple[int, RedisServer]:
        """The number of the failover, and the master that one Sentinel names."""
        with self.sentinel_client(sentinel) as client:
            told = client.sentinel_master(SERVICE)
        return int(told["config-epoch"]), next(each for each in self.servers if each.port == told["port"])

    def in_sync(self) -> int:
        """How many replicas the master has that are connected."""
        with self.owner().client() as client:
            return int(client.info("replication")["connected_slaves"])

    def can_fail_over(self) -> bool:
        """Whether there is a replica to go on with."""
        return self.in_sync() > 0

    def fail_over(self, *how: str) -> None:
        """Begin a planned failover."""
        with self.sentinel_client(self.sentinels[0]) as client:
            wait_until(lambda: _accepted(client, how), "Sentinel to accept the failover")

    def stop(self) -> None:
        for each in (*self.sentinels, *self.servers):
            each.kill()


class ClusterGroup:
    """A cluster of three masters, with a replica each unless told otherwise; options as ``RedisServer`` takes them."""

    def __init__(self, directory: Path, *, replicas: int = 1, namespace: str = "ninja", **options: Any) -> None:
        self.namespace = namespace
        tls: dict[str, Any] = {"tls_cluster": "yes"} if options.get("tls") else {}
        self.servers = [
            RedisServer(
                directory / f"node{number}",
                tcp=True,
                cluster_enabled="yes",
                cluster_port=str(free_port()),
                cluster_node_timeout="1000",
                repl_diskless_sync_delay="0",
                **tls,
                **options,
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
            self.tell(each, "CLUSTER MEET", first.place.address, first.port, first.options["cluster-port"])
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
        who = f":{self.servers[0].password}@" if self.servers[0].password else ""
        hosts = ",".join(each.place.at(each.port) for each in self.servers[:3])
        return f"{scheme_of(self.servers)}+cluster://{who}{hosts}?{urlencode(options_of(self.servers))}"

    def client(self) -> redis.Redis:
        """A client to the owner of a namespace's slot; the caller closes it."""
        return connect(f"{self.url}&namespace={self.namespace}", name="test")

    def owner(self) -> RedisServer:
        """The server that owns the slot of the namespace, as the first that runs says."""
        slot = slot_of(self.namespace)
        found: list[RedisServer] = []

        def is_owned() -> bool:  # not for a moment in the middle of a failover
            running = next(each for each in self.servers if each.running)
            ranges = self.tell(running, "CLUSTER SLOTS")
            ports = [port for first, last, (_, port, *_), *_ in ranges if first <= slot <= last]
            found[:] = [each for each in self.servers if each.port in ports]
            return bool(found)

        wait_until(is_owned, f"an owner of slot {slot}")
        return found[0]

    def masters(self) -> list[RedisServer]:
        """The servers that run as masters."""
        return [each for each in self.servers if each.running and self.tell(each, "ROLE")[0] == "master"]

    def replica_of(self, master: RedisServer) -> RedisServer:
        """A working replica."""
        ports = {int(port) for _, port, _ in self.tell(master, "ROLE")[2]}
        return next(each for each in self.servers if each.port in ports)

    def can_fail_over(self) -> bool:
        """Whether the owner has a replica that works, where there are any."""
        owner = self.owner()
        return len(self.servers) == 3 or any(self.tell(owner, "ROLE")[2])

    def named(self, _: object = None) -> tuple[int, RedisServer]:
        """The number of the newest failover, and the owner."""
        running = next(each for each in self.servers if each.running)
        return int(self.tell(running, "CLUSTER INFO")["cluster_current_epoch"]), self.owner()

    def fail_over(self) -> None:
        """A planned failover of the owner; one that the servers give up is begun again."""
        before = self.owner()
        while self.owner() is before:
            self.tell(self.replica_of(before), "CLUSTER FAILOVER")
            given_up = time.monotonic() + MANUAL_FAILOVER
            while self.owner() is before and time.monotonic() < given_up:
                time.sleep(0.01)

    def open_slot(self, target: RedisServer) -> None:
        """Begin to move the slot, key by key, as Redis does it."""
        slot, source = slot_of(self.namespace), self.owner()
        self.tell(target, "CLUSTER SETSLOT", slot, "IMPORTING", self.id_of(source))
        self.tell(source, "CLUSTER SETSLOT", slot, "MIGRATING", self.id_of(target))

    def move_slot(self, target: RedisServer) -> None:
        """Move all keys of the slot that was opened, and close it."""
        slot, source = slot_of(self.namespace), self.owner()
        while keys := self.tell(source, "CLUSTER GETKEYSINSLOT", slot, 100):
            self.tell(source, "MIGRATE", target.place.address, target.port, "", 0, 5_000, "KEYS", *keys)
        for each in (target, source):
            self.tell(each, "CLUSTER SETSLOT", slot, "NODE", self.id_of(target))
        wait_until(lambda: self.owner() is target, "the other owner")

    def migrate_slot(self, target: RedisServer) -> None:
        """Move the slot at once, as Valkey 9 does it."""
        slot = slot_of(self.namespace)
        move = "CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", self.id_of(target)
        self.tell(self.owner(), *move)
        wait_until(lambda: self.owner() is target, "the other owner")

    def stop(self) -> None:
        for each in self.servers:
            each.kill()


def scheme_of(servers: Sequence[RedisServer]) -> str:
    """How an address of these servers begins."""
    return "redis" if servers[0].tls is None else "rediss"


def options_of(servers: Sequence[RedisServer]) -> dict[str, str]:
    """What an address of these servers says besides."""
    return {} if servers[0].tls is None else {"ssl_ca_certs": str(servers[0].tls.authority)}


def slot_of(namespace: str) -> int:
    return key_slot(f"{{{namespace}}}".encode())


def wait_until(happened: Callable[[], object], what: str, limit: float = LIMIT, step: float = 0.05) -> None:
    deadline = time.monotonic() + limit
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} must come within {limit} s")
        time.sleep(step)


def _accepted(client: redis.Redis, how: Sequence[str]) -> bool:
    try:
        return bool(client.execute_command("SENTINEL FAILOVER", SERVICE, *how))  # type: ignore[no-untyped-call]
    except redis.ResponseError:  # one is under way, or no replica is good enough yet
        return False
