"""HTTP posts that are safe to make to an address from a configuration file.

The address is resolved and checked here and the connection is pinned to what was checked; redirects are not followed,
proxies of the environment are ignored, a reply is read up to a limit, and the whole exchange ends at one deadline,
however slowly the other side trickles. Connections are kept between posts.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ninja_daemon.adapters.network.host_names import HOST, LARGEST_PORT, addresses_of
from ninja_daemon.adapters.network.retry_after import retry_after
from ninja_daemon.core.messages.destination import Failure, Fault
from ninja_daemon.usecases.delivery.delivery_ports import DEADLINE

LARGEST_REPLY: Final = 65_536
CONNECT_LIMIT: Final = 4.0
_IDLE_LIMIT: Final = 50.0
_QUOTED: Final = 200
_NAT64: Final = ip_network("64:ff9b::/96")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]{1,2048}", re.ASCII)


class Unreached(Exception):
    """No connection came about: certainly nothing was delivered."""


class Forbidden(Exception):
    """The address is one that must not be posted to."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: its beginning.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def url_complaint(url: str, *, insecure: bool) -> str:
    """Say why a URL cannot be posted to, without quoting it (it may be a secret); empty when it can."""
    if _PRINTABLE.fullmatch(url) is None:
        return "must be a URL without spaces or control characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "must be a URL like https://example.org/path"
    allowed = ("https", "http") if insecure else ("https",)
    if parts.scheme not in allowed:
        more = "" if insecure else " (plain http only with insecure = true)"
        return f"must begin with https://{more}"
    if parts.username is not None or parts.password is not None:
        return "must hold no user or password"
    if not parts.hostname or HOST.fullmatch(parts.hostname) is None:
        return "must name a host"
    if port is not None and not 0 < port <= LARGEST_PORT:
        return "must have a port from 1 to 65535"
    if not insecure and _is_literal(parts.hostname):
        return "must name a host, not an address (an address only with insecure = true)"
    return ""


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the public internet, whatever it is wrapped in."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


def connect_checked(host: str, port: int, *, insecure: bool, deadline: float) -> socket.socket:
    """Connect to a host, but to a public address only unless ``insecure``.

    Raises:
        Forbidden: the name leads to an address that is not public.
        Unreached: it has no address, or none of them answers.
    """
    try:
        found = addresses_of(host, port, min(CONNECT_LIMIT, deadline - time.monotonic()))
    except (OSError, UnicodeError) as error:
        message = f"the name {host} has no address ({type(error).__name__})"
        raise Unreached(message) from error
    addresses = [(family, str(where[0]), where) for family, where in found]
    if not insecure and any(not is_public(address) for _, address, _ in addresses):
        message = f"{host} leads to an address that is not public; insecure = true allows it"
        raise Forbidden(message)
    problem = "no address"
    for family, _, where in addresses[:4]:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.05, min(CONNECT_LIMIT, deadline - time.monotonic())))
            connection.connect(where)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            problem = type(error).__name__ if not error.strerror else error.strerror
        else:
            return connection
    message = f"{host} does not accept connections ({problem})"
    raise Unreached(message)


def tls_context() -> ssl.SSLContext:
    """Return how connections are secured: certificates and names checked, TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Deadlined(io.RawIOBase):
    """Reads a socket, never past a deadline, however small the pieces that come."""

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
        # The file of http.client's own keeps the socket open until the answer is read, although the connection is
        # closed before when the server asks for that.
        self._file.close()
        super().close()


class _Connection(http.client.HTTPConnection):
    """A connection whose socket we made, and whose every read and write ends at the deadline."""

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
        # http.client would connect again by itself, past our checks.
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
        self, url: str, *, insecure: bool = False, deadline: float = DEADLINE, context: ssl.SSLContext | None = None
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            url: an address that ``url_complaint`` has nothing against.
            insecure: plain http and addresses that are not public are allowed.
            deadline: seconds for a whole exchange.
            context: how TLS is done; None for the usual way.
        """
        self._parts = urlsplit(url)
        self._insecure = insecure
        self._deadline = deadline
        self._context = context
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
            return Failure(Fault.AMBIGUOUS, f"the connection broke before the answer was complete ({_named(error)})")

    def _exchange(
        self, connection: _Connection, where: tuple[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        connection.request(*where, body, {"Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        content = response.read(LARGEST_REPLY)
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
        made = connect_checked(host, port, insecure=self._insecure, deadline=deadline)
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
        # A server that closed an idle connection has sent its farewell by now: then nothing may be written to it.
        return time.monotonic() - self._used < _IDLE_LIMIT and not select.select([kept], [], [], 0)[0]

    def close(self) -> None:
        """Let the connection go."""
        if self._kept is not None:
            with contextlib.suppress(OSError):
                self._kept.close()
            self._kept = None


def _named(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


# --- what an answer means --------------------------------------------------------------------------------------------

_GONE: Final = frozenset({401, 402, 403, 404, 405, 407, 410})
_AGAIN: Final = frozenset({408, 425})
_TOO_MANY: Final = 429


def failure_of(reply: Reply, *, said: str = "") -> Failure:
    """Say what an answer that is no success means.

    Args:
        reply: the answer.
        said: what the service itself gives as the reason; the beginning of the body when empty.
    """
    status = reply.status
    text = f"HTTP {status}" + (f": {said}" if said else _quoted(reply.body))
    wait = retry_after(reply.headers.get("retry-after"), time.time())
    if status == _TOO_MANY:
        return Failure(Fault.THROTTLED, text, status, wait)
    if 300 <= status < 400:  # noqa: PLR2004 - the family of redirects
        return Failure(Fault.BROKEN, f"HTTP {status}: it redirects elsewhere, and redirects are not followed", status)
    if status in _GONE:
        return Failure(Fault.BROKEN, text, status)
    if status in _AGAIN or status >= 500 or status < 300:  # noqa: PLR2004 - server errors, and what is no answer
        return Failure(Fault.AMBIGUOUS, text, status, wait)
    return Failure(Fault.REFUSED, text, status)


def _quoted(body: bytes) -> str:
    text = " ".join(body[: 2 * _QUOTED].decode("utf-8", "replace").split())
    printable = "".join(letter for letter in text if letter.isprintable())[:_QUOTED]
    return f": {printable}" if printable else ""
