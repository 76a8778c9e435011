"""One deadline for a command and all of its replies, however slowly these trickle in.

redis-py's own limit is for each read from the socket: a reply that comes byte by byte never exceeds it.
"""

from __future__ import annotations

import time
from typing import Any, Final

from redis._parsers.hiredis import _HiredisParser
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.utils import SENTINEL


class DeadlineParser(_HiredisParser):
    """Reads replies until a moment that the connection sets whenever it sends."""

    deadline: float | None = None

    def read_from_socket(self, timeout: Any = SENTINEL, raise_on_timeout: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - redis-py's own shape
        """Read what has come, for no longer than is left."""
        if timeout is SENTINEL and self.deadline is not None:
            timeout = self.deadline - time.monotonic()
            if timeout <= 0:
                message = "the replies to a command must come within its time, did not"
                raise RedisTimeoutError(message)
        return super().read_from_socket(timeout=timeout, raise_on_timeout=raise_on_timeout)  # type: ignore[no-untyped-call]


class _Timed:
    socket_timeout: float | None
    _parser: Any

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002 - redis-py's own shape
        """Send, and let the time run."""
        super().send_packed_command(command, check_health)  # type: ignore[misc]
        if isinstance(self._parser, DeadlineParser) and self.socket_timeout is not None:
            self._parser.deadline = time.monotonic() + self.socket_timeout


class _TimedConnection(_Timed, Connection):
    """Over TCP."""


class _TimedSSLConnection(_Timed, SSLConnection):
    """Over TLS."""


class _TimedUnixConnection(_Timed, UnixDomainSocketConnection):
    """Over a socket of this machine."""


TIMED: Final[dict[type[Any], type[Any]]] = {
    Connection: _TimedConnection,
    SSLConnection: _TimedSSLConnection,
    UnixDomainSocketConnection: _TimedUnixConnection,
}
"""For each of redis-py's connections the one with a deadline."""
