"""A way out through a proxy, where the configuration names one: a tunnel by CONNECT, for https and all else alike.

The proxy finds the other side's address, so whether that is a public one cannot be checked from here.
"""

from __future__ import annotations

import base64
import re
import socket
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from ninja_daemon.adapters.network.host_names import HOST, LARGEST_PORT
from ninja_daemon.core.secret import Secret

_LONGEST_ANSWER: Final = 8_192
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_SHAPE: Final = "must be a proxy like http://proxy.example.org:3128"


class ProxyRefused(Exception):
    """The proxy answers, and does not let us through."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is, and the header that lets us in; empty for none."""

    host: str
    port: int
    authorization: str = ""


def proxy_complaint(url: str) -> str:
    """Say why an address cannot be a proxy's, without quoting it (it may hold a password); empty when it can."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _SHAPE
    if parts.scheme != "http" or not parts.hostname or HOST.fullmatch(parts.hostname) is None:
        return f"{_SHAPE} (it is spoken to by plain http; what goes through it is encrypted all the same)"
    if port is None or not 0 < port <= LARGEST_PORT:
        return f"{_SHAPE}, with a port from 1 to 65535"
    return f"{_SHAPE}, with nothing behind it" if parts.path.strip("/") or parts.query or parts.fragment else ""


def proxy_of(url: Secret) -> Proxy:
    """Read an address that ``proxy_complaint`` has nothing against."""
    parts = urlsplit(url.reveal())
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(parts.hostname or "", parts.port or 0, authorization)


def tunnel(made: socket.socket, proxy: Proxy, host: str, port: int, deadline: float) -> None:
    """Ask a proxy, on a connection to it, to pass on what follows.

    Raises:
        ProxyRefused: it does not.
        OSError: it did not answer in time.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    lines += [f"Proxy-Authorization: {proxy.authorization}"] if proxy.authorization else []
    made.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        made.settimeout(left)
        # Byte by byte: what comes behind the answer belongs to the other side.
        byte = made.recv(1)
        if not byte or len(answer) > _LONGEST_ANSWER:
            message = "it hung up"
            raise ConnectionError(message)
        answer += byte
    status = _STATUS.match(answer)
    if status is None or not status[1].startswith(b"2"):
        said = "something that is no HTTP" if status is None else f"HTTP {status[1].decode()}"
        message = f"the proxy {proxy.host} answers {said} to a connection to {host}"
        raise ProxyRefused(message)
