"""Connections to Redis 7 or Valkey, and the translation of redis-py's errors into ours.

redis-py repeats commands after a lost reply and waits a minute on a hung server unless told otherwise, so every limit
is set here and nothing is repeated by the client. Whatever writes is a script that may safely run twice.
"""

from __future__ import annotations

import grp
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from redis.backoff import NoBackoff
from redis.client import Redis
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    InvalidResponse,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
    TryAgainError,
)
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from ninja_daemon import __version__
from ninja_daemon.adapters.redis.deadline import TIMED, DeadlineParser
from ninja_daemon.adapters.redis.topology.address import kind_of, read_many_hosts
from ninja_daemon.adapters.redis.topology.sentinel import SentinelRefused
from ninja_daemon.core.errors import ConfigError, StoreDenied, StoreUnavailable

SOCKET_TIMEOUT: Final = 2.0
"""Seconds that any single command may take; a hung server is noticed after this long."""
CONNECT_TIMEOUT: Final = 1.0
OUR_NAMES: Final = "ninja-"
"""How the names of our connections begin."""

_CAUSES: Final = {
    "OOM": "Redis is out of memory (maxmemory reached); nothing is lost, free memory or raise maxmemory",
    "MISCONF": "Redis cannot write to its disk and refuses writes; look at its log and at the free space",
    "READONLY": "this Redis is a read-only replica; point REDIS_URL at the primary",
    "LOADING": "Redis is still loading its data",
    "BUSY": "Redis is busy with a long script",
    "NOREPLICAS": "Redis has too few replicas to take writes (min-replicas-to-write)",
    "UNBLOCKED": "Redis changed its role",
    "DB index": "Redis has no database of this number; correct REDIS_DB, or the number at the end of REDIS_URL",
}
"""What Redis says by the first word of its error."""

_KINDS: Final[dict[type[RedisError], str]] = {
    AuthenticationError: "Redis does not accept the user or password; set REDIS_PASSWORD or put it inside REDIS_URL",
    AuthorizationError: "Redis does not accept the user or password; set REDIS_PASSWORD or put it inside REDIS_URL",
    NoPermissionError: (
        "the Redis user lacks a permission ({}); give it the one that is named (ACL SETUSER), or put the user into "
        "REDIS_URL that is meant for this"
    ),
    InvalidResponse: "what answers at this address is not Redis",
    RedisTimeoutError: f"Redis did not answer within {SOCKET_TIMEOUT:g} s",
    MovedError: "the cluster has moved our keys to another server, which is asked from now on",
    AskError: "the cluster is moving our keys to another server and serves them again when it is done",
    TryAgainError: "the cluster is moving our keys to another server and serves them again when it is done",
    MasterDownError: "Redis has lost its primary",
    ClusterDownError: "the cluster does not serve our keys at the moment; nothing is lost, look at CLUSTER INFO",
    BusyLoadingError: _CAUSES["LOADING"],
    OutOfMemoryError: _CAUSES["OOM"],
    ReadOnlyError: _CAUSES["READONLY"],
}
"""What redis-py has an exception of its own for."""
_DENIED_IN_SCRIPT: Final = "can't run this command"
"""How Redis 7.0 says that the user lacks a right inside a script; later servers say NOPERM and name the command."""
_SOCKET: Final = re.compile(r" connecting to (/.*?)\. ")


def connect(url: str, *, name: str, socket_timeout: float = SOCKET_TIMEOUT, max_connections: int = 64) -> Redis:
    """Return a client that has not connected yet.

    Args:
        url: of one server, or of several as the environment completes it; credentials inside.
        name: shown by CLIENT LIST, behind ``OUR_NAMES``.
        socket_timeout: seconds that a command may take; longer than any blocking wait that is asked for.
        max_connections: connections at most; one that is wanted beyond them is refused, so it exceeds the threads.

    Raises:
        ConfigError: the URL cannot be read.
    """
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        "encoding_errors": "surrogateescape",
        "client_name": f"{OUR_NAMES}{name}/{__version__}",
        "max_connections": max_connections,
    }
    try:
        if kind_of(url):
            from ninja_daemon.adapters.redis.topology.pool import pool_for  # noqa: PLC0415 - brings all of redis-py

            return Redis.from_pool(pool_for(read_many_hosts(url), options, _limits(socket_timeout)))
        client = Redis.from_url(url, **options)
    except (ValueError, TypeError) as error:
        message = (
            f"REDIS_URL must be redis://host:port/db, rediss://… or unix:///path/to/socket ({type(error).__name__})"
        )
        raise ConfigError(message) from None
    _limit(client, socket_timeout)
    return client


def _limit(client: Redis, socket_timeout: float) -> None:
    # After the URL was read: options inside it must not undo the limits that everything here relies on.
    pool = client.connection_pool
    pool.connection_class = TIMED[pool.connection_class]
    pool.connection_kwargs.update(_limits(socket_timeout))


def _limits(socket_timeout: float) -> dict[str, Any]:
    return {
        "parser_class": DeadlineParser,
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "health_check_interval": 15,
    }


def is_on_this_machine(url: str) -> bool:
    """Tell whether a Redis URL leads to this machine: a socket, or a loopback address."""
    if kind_of(url):
        return False
    address = urlsplit(url)
    return address.scheme == "unix" or (address.hostname or "localhost") in {"localhost", "127.0.0.1", "::1"}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what redis-py raises into ``StoreUnavailable``, with a text that holds the cause and no secret."""
    try:
        yield
    except RedisError as error:
        raise unavailable(error) from error
    except OSError as error:
        message = f"Redis cannot be reached ({type(error).__name__})"
        raise StoreUnavailable(message) from error


def unavailable(error: RedisError) -> StoreUnavailable:
    """Return what an error of redis-py, or a reply that is one, means for the caller."""
    denials = AuthenticationError | AuthorizationError | NoPermissionError | SentinelRefused
    is_denied = isinstance(error, denials)
    return (StoreDenied if is_denied else StoreUnavailable)(explain(error))


def explain(error: RedisError) -> str:
    """Say in one sentence what is wrong, with the cure."""
    for kind, meaning in _KINDS.items():
        if isinstance(error, kind):
            return meaning.format(_first_line(error))
    text = _first_line(error)
    if isinstance(error, MasterNotFoundError):
        return text
    if _DENIED_IN_SCRIPT in text:
        return _KINDS[NoPermissionError].replace("{}", text)
    for word, meaning in _CAUSES.items():
        if text.startswith(word):
            return meaning
    if isinstance(error, ResponseError):
        return f"Redis refused a command ({text})"
    if isinstance(error.__context__, PermissionError) and (match := _SOCKET.search(text)):
        return f"Redis' socket is not open to this user ({text}); give it {_group_of(match[1])}"
    return f"Redis cannot be reached ({text})"


def _group_of(socket: str) -> str:
    """Name the group that may use a socket, as far as that can be seen from outside."""
    try:
        return f"the group {grp.getgrgid(Path(socket).stat().st_gid).gr_name}"
    except (OSError, KeyError):
        return "the group that the socket belongs to"


def _first_line(error: BaseException) -> str:
    text = str(error).splitlines()
    return text[0][:160] if text else type(error).__name__
