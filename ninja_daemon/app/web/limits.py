"""A connection's input with an end: a limit of bytes and one of seconds for each request."""

from __future__ import annotations

import io
import socket
from http.client import LineTooLong
from time import monotonic
from typing import Final

BYTES: Final = 16_384
"""Of a request, its headers included."""
SECONDS: Final = 10.0
"""For a request to arrive, and for a piece of an answer to be taken."""
IDLE: Final = 30.0
"""For the next request on a kept connection to begin."""


class LimitedInput(io.RawIOBase):
    """Reads from a socket until the request has used up its bytes or its time."""

    def __init__(self, connection: socket.socket) -> None:
        """Read nothing yet; ``begin`` sets the limits."""
        self._connection = connection
        self._left = 0
        self._end = 0.0

    def begin(self, seconds: float) -> None:
        """Set the limits of the next request anew."""
        self._left = BYTES
        self.finish_within(seconds)

    def finish_within(self, seconds: float) -> None:
        """Set the time anew for the rest of a request that has begun."""
        self._end = monotonic() + seconds

    def readable(self) -> bool:
        """Return True: that is what it is for."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer
        """Read what there is.

        Raises:
            TimeoutError: the time is over, however much trickles in.
            LineTooLong: the request is longer than is allowed.
        """
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer)
        self._left -= size
        if self._left < 0:
            raise LineTooLong("request")  # noqa: EM101 - the library's word
        return size
