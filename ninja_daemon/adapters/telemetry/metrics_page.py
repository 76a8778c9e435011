"""The page of metrics over HTTP, with the health of the process."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple

from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ninja_daemon.adapters.telemetry.metrics import MetricValue, exposed
from ninja_daemon.core.errors import ConfigError

_LIMIT: Final = 5.0
"""Seconds that a watcher may take over its request."""


class Health(NamedTuple):
    """An answer to a health check.

    Attributes:
        good: 200 or 503.
        reasons: one sentence each, also when all is well.
    """

    good: bool
    reasons: tuple[str, ...]


class Monitor:
    """The HTTP server; a watcher that hangs holds up one thread of its own for five seconds."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        readings: Callable[[], Iterable[MetricValue]],
        alive: Callable[[], Health],
        ready: Callable[[], Health],
    ) -> None:
        """Bind the address; nothing is answered before ``start``.

        Args:
            address: loopback and port; 0 for any port.
            readings: the figures, asked for at ``/metrics``.
            alive: asked at ``/livez``: does work go on?
            ready: asked at ``/readyz``: can it do all of its work?

        Raises:
            ConfigError: the port is taken.
        """
        pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/metrics": lambda: (200, CONTENT_TYPE_LATEST, exposed(readings)),
            "/livez": lambda: _health(alive()),
            "/readyz": lambda: _health(ready()),
        }
        self._server = _bound(address)
        self._server.pages = pages
        self._thread = threading.Thread(target=self._server.serve_forever, name="monitor", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    pages: Mapping[str, Callable[[], tuple[int, str, bytes]]]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client has gone away."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _LIMIT
    server_version = "ninja-daemon"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        status, kind, body = (404, "text/plain", b"/metrics /livez /readyz\n") if page is None else page()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each look."""


def _bound(address: tuple[str, int]) -> _Server:
    try:
        return (_Server6 if ":" in address[0] else _Server)(address, _Handler)
    except OSError as error:
        message = f"NINJA_METRICS must name a free port, {address[0]}:{address[1]} was not ({error.strerror})"
        raise ConfigError(message) from error


def _health(health: Health) -> tuple[int, str, bytes]:
    body = json.dumps({"good": health.good, "reasons": list(health.reasons)}) + "\n"
    return (200 if health.good else 503), "application/json", body.encode()
