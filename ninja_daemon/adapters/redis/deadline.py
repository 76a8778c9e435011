"""One deadline for a command and all of its replies, however slowly these trickle in; and pipelines packed quickly.

redis-py's own limit is for each read from the socket: a reply that comes byte by byte never exceeds it. Its packing of
a pipeline looks at every argument several times, which a wake of many strategies feels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import hiredis
import redis
from redis._parsers.hiredis import _HiredisParser
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError, TimeoutError as RedisTimeoutError
from redis.utils import SENTINEL

_LATE: Final = 0.25
"""Seconds after which a reply is late enough to look whether the server is still the one to ask."""


class DeadlineParser(_HiredisParser):
    """Reads replies until a moment that the connection sets whenever it sends.

    Attributes:
        deadline: that moment; None before anything was sent.
        is_moved: tells, while a reply is late, whether another server is in charge by now; None where there is but one.
    """

    deadline: float | None = None
    is_moved: Callable[[], bool] | None = None

    def read_from_socket(self, timeout: Any = SENTINEL, raise_on_timeout: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - redis-py's own shape
        """Read what has come, for no longer than is left."""
        if timeout is not SENTINEL or self.deadline is None:
            return super().read_from_socket(timeout=timeout, raise_on_timeout=raise_on_timeout)  # type: ignore[no-untyped-call]
        while (left := self.deadline - time.monotonic()) > 0:
            with suppress(RedisTimeoutError):
                return super().read_from_socket(timeout=left if self.is_moved is None else min(left, _LATE))  # type: ignore[no-untyped-call]
            if self.is_moved is not None and self.is_moved():
                message = "another server has become the master meanwhile"
                raise RedisConnectionError(message)
        message = "the replies to a command must come within its time, did not"
        raise RedisTimeoutError(message)


_PACKED_AT_ONCE: Final = 16
"""Commands of a pipeline that are sent together, so that the server works on them while the next are packed."""
_LONG: Final = 4_096
"""Bytes of a command from which on it is sent at once."""


class Later(NamedTuple):
    """Arguments of a command that are only worked out when it is packed: while the server works on those before it.

    Attributes:
        arguments: returns them.
    """

    arguments: Callable[[], Sequence[str | int]]


def _packed(command: tuple[Any, ...]) -> bytes:
    name = command[0]
    if isinstance(command[-1], Later):
        command = (*command[:-1], *command[-1].arguments())
    if " " in name:  # redis-py names a subcommand together with its command; the server wants them apart
        command = (*name.split(), *command[1:])
    try:
        packed: bytes = hiredis.pack_command(command)
    except UnicodeEncodeError:
        packed = hiredis.pack_command(_as_bytes(command))
    return packed


def _as_bytes(command: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn what was read with bytes that are no text back into these bytes."""
    return tuple(part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in command)


class Timed:
    """Mixed into a connection of redis-py."""

    socket_timeout: float | None
    is_moved: Callable[[], bool] | None = None
    _parser: Any

    def pack_commands(self, commands: Sequence[tuple[Any, ...]]) -> Iterator[bytes]:
        """Pack a pipeline whose arguments are texts, bytes and numbers."""
        pieces: list[bytes] = []
        for command in commands:
            pieces.append(_packed(command))
            if len(pieces) == _PACKED_AT_ONCE or len(pieces[-1]) >= _LONG:
                yield b"".join(pieces)
                pieces = []
        if pieces:
            yield b"".join(pieces)

    def send_command(self, *command: Any, **options: Any) -> None:  # noqa: ANN401 - redis-py's own shape
        """Send a single command, packed by redis-py; nothing is sent before it is packed."""
        try:
            super().send_command(*command, **options)  # type: ignore[misc]
        except UnicodeEncodeError:
            super().send_command(*_as_bytes(command), **options)  # type: ignore[misc]

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002 - redis-py's own shape
        """Send, and let the time run."""
        super().send_packed_command(command, check_health)  # type: ignore[misc]
        if isinstance(self._parser, DeadlineParser) and self.socket_timeout is not None:
            self._parser.deadline = time.monotonic() + self.socket_timeout
            self._parser.is_moved = self.is_moved


class _TimedConnection(Timed, Connection):
    """Over TCP."""


class _TimedSSLConnection(Timed, SSLConnection):
    """Over TLS."""


class _TimedUnixConnection(Timed, UnixDomainSocketConnection):
    """Over a socket of this machine."""


TIMED: Final[dict[type[Any], type[Any]]] = {
    Connection: _TimedConnection,
    SSLConnection: _TimedSSLConnection,
    UnixDomainSocketConnection: _TimedUnixConnection,
}
"""For each of redis-py's connections the one with a deadline."""


def knows_later(client: redis.Redis) -> bool:
    """Tell whether the client's connections work arguments out when they pack; those that we did not make do not."""
    return issubclass(client.connection_pool.connection_class, Timed)
