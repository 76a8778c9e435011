"""A Redis-compatible server of our own, for machines that have none: ``up`` and ``demo`` start it as a child.

The server listens on a unix socket inside its directory and on no network port, writes every command to an append-only
file there, and never evicts.

How it dies with its parent
    By the keeper of ``kept_process``, which sees this process end however it ends.

How two are kept apart
    A lock file in the directory is held by this process and handed on to the server. The lock is free once both are
    gone, so a new start can never meet a server that is still writing the same files.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Final, Self
from urllib.parse import quote

import redis

from ninja_daemon.adapters.host.kept_process import KEEPER
from ninja_daemon.adapters.redis.client import connect, translated_errors
from ninja_daemon.adapters.redis.own_server.directory_lock import take_lock
from ninja_daemon.adapters.redis.own_server.server_program import ServerProgram, find_server
from ninja_daemon.core.errors import ConfigError, StoreUnavailable

LONGEST_SOCKET_PATH: Final = 103
"""Bytes that fit into every system's socket address, the closing zero byte not counted."""
START_LIMIT: Final = 30.0
"""Seconds until the server must have read its files and answer."""
STOP_LIMIT: Final = 10.0
"""Seconds that the server gets to write its files when asked to stop, before it is killed."""


class EmbeddedRedis:
    """The server in one directory, from ``start()`` to ``stop()``; also a context manager.

    What it has been told survives a stop, a crash of either process and a reboot, up to about a second of writes in
    the last case.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._socket = self._directory / "redis.sock"
        self._log = self._directory / "redis.log"
        self._lock: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client connects to; for ``REDIS_URL``."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def running(self) -> bool:
        """Whether the server that we started is still there."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> Self:
        """Start the server and return when it answers.

        Raises:
            ConfigError: no server program, a directory that cannot be used, or one whose server runs already.
        """
        if self.running:
            return self
        self.stop()
        program = find_server()
        self._prepare_directory()
        self._lock = take_lock(self._directory)
        try:
            self._socket.unlink(missing_ok=True)  # left by a crash: the lock says that nobody listens
            self._keeper = self._launch(program)
            self._wait_until_it_answers(program)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server, which writes its files first; nothing happens when it does not run."""
        if self._keeper is not None:
            _close(self._keeper.stdin)
            try:
                self._keeper.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(self._keeper.pid, signal.SIGKILL)
                self._keeper.wait()
            self._keeper = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _prepare_directory(self) -> None:
        length = len(os.fsencode(self._socket))
        if length > LONGEST_SOCKET_PATH:
            message = (
                f"the path of the Redis socket must be at most {LONGEST_SOCKET_PATH} bytes, "
                f"{self._socket} is {length}; set NINJA_STATE_DIR to a shorter path"
            )
            raise ConfigError(message)
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            message = f"the directory of the Redis server cannot be made: {self._directory} ({error.strerror})"
            raise ConfigError(message) from error

    def _launch(self, program: ServerProgram) -> subprocess.Popen[bytes]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-use-rdb-preamble": "no",  # commands only: a file that servers of other versions read too
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        server = [str(program.path), *(word for name, value in options.items() for word in (f"--{name}", value))]
        lock = self._lock if self._lock is not None else -1
        with self._log.open("wb") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "sh", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the server ourselves
                pass_fds=(lock,),  # inherited by keeper and server on purpose: the lock is free when both are gone
            )

    def _wait_until_it_answers(self, program: ServerProgram) -> None:
        client = connect(self.url, name="embedded")
        deadline = time.monotonic() + START_LIMIT
        try:
            while not _answers(client):
                if self._has_ended(within=0.02) or time.monotonic() > deadline:
                    message = (
                        f"the Redis server {program.path} did not start: {self._last_words()} "
                        f"(all of it in {self._log}); move {self._directory} away to begin with an empty one"
                    )
                    raise ConfigError(message)
        finally:
            client.close()

    def _has_ended(self, *, within: float) -> bool:
        if self._keeper is None:
            return True
        try:
            self._keeper.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:300]


def _answers(client: redis.Redis) -> bool:
    try:
        with translated_errors():
            return bool(client.ping())
    except StoreUnavailable:  # not listening yet, or still reading its files
        return False


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        pipe.close()
