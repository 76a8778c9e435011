"""Several real Redis servers that belong together, on loopback ports: Sentinel's three and three.

Fixture: ``start_group``. Everything is killed at the end; logs and data are in the test's folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from tests.servers import RedisServer

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
        self.until(self._is_complete, "Sentinel to know all servers")
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

    def master(self) -> RedisServer:
        """The server that the first working Sentinel names."""
        running = next(each for each in self.sentinels if each.running)
        with self.sentinel_client(running) as client:
            port = client.sentinel_master(SERVICE)["port"]
        return next(each for each in self.servers if each.port == port)

    def in_sync(self) -> int:
        """How many replicas the master has that are connected."""
        with self.master().client() as client:
            return int(client.info("replication")["connected_slaves"])

    def fail_over(self) -> None:
        """A planned failover, begun and waited for."""
        before = self.master()
        with self.sentinel_client(self.sentinels[0]) as client:
            self.until(lambda: _accepted(client), "Sentinel to accept the failover")
        self.until(lambda: self.master() is not before, "another master")

    def kill_master(self) -> RedisServer:
        """Kill the master and wait for the next one; return the one that is dead."""
        dead = self.master()
        dead.kill()
        self.until(lambda: self.master() is not dead, "another master")
        return dead

    def until(self, happened: Callable[[], object], what: str, limit: float = LIMIT) -> None:
        deadline = time.monotonic() + limit
        while not happened():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} must come within {limit} s:\n{self.sentinels[0].log()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        for each in (*self.sentinels, *self.servers):
            each.kill()


def _accepted(client: redis.Redis) -> bool:
    try:
        return bool(client.execute_command("SENTINEL FAILOVER", SERVICE))  # type: ignore[no-untyped-call]
    except redis.ResponseError:  # one is under way, or no replica is good enough yet
        return False


@pytest.fixture
def start_group(tmp_path: Path) -> Iterator[Callable[..., SentinelGroup]]:
    """Start groups with options, as many as the test needs."""
    groups: list[SentinelGroup] = []

    def start(**options: Any) -> SentinelGroup:
        groups.append(SentinelGroup(tmp_path / f"group{len(groups)}", **options))
        return groups[-1].start()

    yield start
    for group in groups:
        group.stop()
