"""Processes of the benchmarks: told what to do on their standard input, one JSON object a line, they answer so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import redis

from ninja_daemon.adapters.redis.own_server.embedded import EmbeddedRedis

ROOT: Final = Path(__file__).resolve().parent.parent
_STOP_LIMIT: Final = 10.0


class Child:
    """A module of the benchmarks as a process of its own; its first line says that it is ready."""

    def __init__(self, module: str, *arguments: str, inherits: Sequence[int] = (), tree: Path = ROOT) -> None:
        """Start it and wait until it is ready.

        Args:
            module: of the benchmarks.
            arguments: its own.
            inherits: numbers of open files that it keeps.
            tree: whose product it uses, and whose other benchmarks.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "benchmarks" / f"{module}.py"), *arguments],
            cwd=tree,
            env=clean_environment(PYTHONPATH=str(tree)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=inherits,
        )
        self.ready = self._read()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, **told: object) -> dict[str, Any]:
        """Tell it something and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            message = f"a process of the benchmarks ended with {self._process.wait()}"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        """Run."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it: it reads the end of its input."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def clean_environment(**more: str) -> dict[str, str]:
    """Return an environment in which nothing of the user's settings is left."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    home = {"HOME": tempfile.gettempdir(), "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}
    return kept | home | more


@contextmanager
def redis_server(directory: Path) -> Iterator[EmbeddedRedis]:
    """Run a Redis-compatible server with an append-only file, as the product does."""
    with EmbeddedRedis(directory / "redis") as server:
        yield server


@contextmanager
def watching(url: str) -> Iterator[redis.Redis]:
    """Look into Redis from outside."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        yield client
