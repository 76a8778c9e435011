"""The HTTP server: safe by default, and small. It reads requests, checks who is meant, and sends what the site answers.

Loopback unless told; no cookie, no request that changes anything; a foreign ``Host`` is turned away, so that no page of
the web can read this one through a name that it has pointed here.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Collection
from socketserver import TCPServer
from typing import Final, TypeAlias

from ninja_daemon.app.web.events import READERS
from ninja_daemon.app.web.handler import Handler, SiteServer
from ninja_daemon.app.web.site import Site
from ninja_daemon.core.errors import ConfigError

CONNECTIONS: Final = READERS + 64
"""At once; more are turned away."""
_Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]
_OURS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


class WebServer(SiteServer):
    """Answers in threads of its own; at most ``CONNECTIONS`` of them."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        site: Site,
        hosts: Collection[str] = (),
        on_error: Callable[[BaseException | None], None] = lambda _: None,
    ) -> None:
        """Bind the address; nothing is answered before ``start``.

        Args:
            address: host and port; 0 for any port.
            site: what is shown.
            hosts: names besides those of this machine under which it may be asked.
            on_error: called in the thread of a request that an unexpected error has ended.

        Raises:
            ConfigError: the address cannot be used.
        """
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.site = site
        self.hosts = _OURS | {host.lower().rstrip(".") for host in hosts}
        self._on_error = on_error
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        try:
            super().__init__(address, Handler)
        except OSError as error:
            message = (
                f"--listen must name a free address of this machine, {address[0]}:{address[1]} was not ({error}); "
                "try another port"
            )
            raise ConfigError(message) from error
        self._thread = threading.Thread(target=self.serve_forever, name="web", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; event readers are let go."""
        self.site.stream.stop()
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()

    def process_request(self, request: _Request, client_address: object) -> None:
        """Answer in a thread, or say at once that there are too many."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        if isinstance(request, socket.socket):
            with contextlib.suppress(OSError):
                request.settimeout(0.0)
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: _Request, client_address: object) -> None:
        """Answer, and give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def server_bind(self) -> None:
        """Bind without asking a name server for our own name, as the library would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def handle_error(self, request: object, client_address: object) -> None:
        """Report an unexpected error."""
        del request, client_address
        self._on_error(sys.exception())
