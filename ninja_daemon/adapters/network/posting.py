"""HTTP posts that are safe to make to an address from a configuration file.

The address is resolved and checked here, and the connection goes to the checked address. Redirects are not followed.
Proxies of the environment are ignored. A reply is read up to a limit. The whole exchange ends at one deadline, however
slowly the other side answers. Connections are kept between posts.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ninja_daemon.adapters.network.answers import Reply
from ninja_daemon.adapters.network.connecting import Forbidden, Unreached, connected, named, tls_context
from ninja_daemon.adapters.network.proxy import proxy_of
from ninja_daemon.core.messages.destination import Failure, Fault
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import DEADLINE

LARGEST_REPLY: Final = 65_536
_IDLE_LIMIT: Final = 50.0


class _Deadlined(io.RawIOBase):
    """Reads a socket until a deadline, however small the pieces are that come."""

    def __init__(self, connection: socket.socket, file: io.IOBase, left: Callable[[], float]) -> None:
        super().__init__()
        self._connection = connection
        self._file = file
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._connection.settimeout(self._left())
        return self._connection.recv_into(buffer)

    def close(self) -> None:
        # http.client's own file keeps the socket open until the answer is read. The connection is closed earlier when
        # the server asks for that.
        self._file.close()
        super().close()


class _Connection(http.client.HTTPConnection):
    """A connection over a socket that we made. Each read and write ends at the deadline."""

    def __init__(self, host: str, port: int, made: socket.socket) -> None:
        super().__init__(host, port)
        self.sock = made
        self.deadline = 0.0
        self.response_class = self._response  # type: ignore[assignment]

    def left(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def connect(self) -> None:
        # http.client would connect again by itself, without our checks.
        raise http.client.NotConnected

    def send(self, data: object) -> None:
        self.sock.settimeout(self.left())
        super().send(data)  # type: ignore[arg-type]

    def _response(self, made: socket.socket, *arguments: object, **options: object) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(made, *arguments, **options)  # type: ignore[arg-type]
        response.fp = io.BufferedReader(_Deadlined(made, response.fp, self.left))
        return response


class Poster:
    """Posts to one address over a kept connection. For one thread."""

    def __init__(
        self,
        url: str,
        *,
        insecure: bool = False,
        deadline: float = DEADLINE,
        context: ssl.SSLContext | None = None,
        proxy: Secret | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            url: an address that ``url_complaint`` has nothing against.
            insecure: plain http and addresses that are not public are allowed.
            deadline: seconds for a whole exchange.
            context: how TLS is done; None for the usual way.
            proxy: address of a proxy that ``proxy_complaint`` has nothing against; None to go straight.
        """
        self._parts = urlsplit(url)
        self._insecure = insecure
        self._deadline = deadline
        self._context = context
        self._proxy = None if proxy is None else proxy_of(proxy)
        self.largest = LARGEST_REPLY
        """Bytes of an answer that are read."""
        self._kept: _Connection | None = None
        self._used = 0.0

    @property
    def parts(self) -> SplitResult:
        """The address, taken apart."""
        return self._parts

    def post(
        self, body: bytes, headers: Mapping[str, str], *, target: str | None = None, method: str = "POST"
    ) -> Reply | Failure:
        """Post ``body`` and return the answer, or what became of it instead.

        Args:
            body: what to send.
            headers: besides Host and Content-Length.
            target: path and query, when they are not those of the address.
            method: of the request.
        """
        deadline = time.monotonic() + self._deadline
        try:
            connection = self._connection(deadline)
        except Forbidden as error:
            return Failure(Fault.BROKEN, str(error))
        except Unreached as error:
            return Failure(Fault.UNREACHED, str(error))
        connection.deadline = deadline
        try:
            return self._exchange(connection, (method, target or self._target()), body, headers)
        except TimeoutError:
            self.close()
            return Failure(Fault.AMBIGUOUS, f"no complete answer within {self._deadline:g} s")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Failure(Fault.AMBIGUOUS, f"the connection broke before the answer was complete ({named(error)})")

    def _exchange(
        self, connection: _Connection, line: tuple[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        connection.request(*line, body, {"Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        content = response.read(self.largest)
        if response.isclosed() and not response.will_close:
            self._used = time.monotonic()
        else:
            self.close()
        return Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

    def _target(self) -> str:
        query = f"?{self._parts.query}" if self._parts.query else ""
        return f"{self._parts.path or '/'}{query}"

    def _connection(self, deadline: float) -> _Connection:
        if self._kept is not None:
            if self._kept.sock is not None and self._is_alive(self._kept.sock):
                return self._kept
            self.close()
        host = self._parts.hostname or ""
        secured = self._parts.scheme == "https"
        port = self._parts.port or (443 if secured else 80)
        made = connected(host, port, insecure=self._insecure, deadline=deadline, proxy=self._proxy)
        if secured:
            made = self._secured(made, host)
        self._kept = _Connection(host, port, made)
        self._kept.default_port = 443 if secured else 80
        return self._kept

    def _secured(self, made: socket.socket, host: str) -> ssl.SSLSocket:
        if self._context is None:
            self._context = tls_context()
        try:
            return self._context.wrap_socket(made, server_hostname=host)
        except (OSError, ValueError) as error:
            made.close()
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
            message = f"no secure connection to {host} ({reason})"
            raise Unreached(message) from error

    def _is_alive(self, kept: socket.socket) -> bool:
        # A server that closed an idle connection has already sent the end of the stream. Nothing may be written then.
        return time.monotonic() - self._used < _IDLE_LIMIT and not select.select([kept], [], [], 0)[0]

    def close(self) -> None:
        """Let the connection go."""
        if self._kept is not None:
            with contextlib.suppress(OSError):
                self._kept.close()
            self._kept = None
