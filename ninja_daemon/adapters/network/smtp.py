"""An SMTP client on a connection to a checked address, with one deadline for everything."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from typing import Final

from ninja_daemon.adapters.network.connecting import connected
from ninja_daemon.adapters.network.proxy import Proxy
from ninja_daemon.adapters.network.reachability import Endpoint

_LONGEST: Final = 60.0
"""Seconds for one answer; the deadline is usually sooner."""


class SmtpClient(smtplib.SMTP):
    """An SMTP client on a connection to a checked address, with one deadline for everything."""

    def __init__(self, endpoint: Endpoint, deadline: float, proxy: Proxy | None = None) -> None:
        """Prepare; nothing is connected yet.

        Args:
            endpoint: the mail server.
            deadline: when everything has to be over, by the monotonic clock.
            proxy: on the way there; None to go straight.
        """
        super().__init__(timeout=_LONGEST, local_hostname="ninja-daemon.invalid")
        self._host = endpoint.host
        self._where = (endpoint.host, endpoint.port)
        self._insecure = endpoint.insecure
        self._deadline = deadline
        self._proxy = proxy
        self._tls: ssl.SSLContext | None = None

    def open(self, tls: ssl.SSLContext | None) -> None:
        """Connect, secured from the first byte when ``tls`` is given, and greet."""
        self._tls = tls
        code, text = self.connect(*self._where)
        if code != 220:  # noqa: PLR2004 - "ready"
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()

    @property
    def secured(self) -> bool:
        """Whether what is said is encrypted."""
        return isinstance(self.sock, ssl.SSLSocket)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        made = connected(host, port, insecure=self._insecure, deadline=self._deadline, proxy=self._proxy)
        made.settimeout(self._left())
        return made if self._tls is None else self._tls.wrap_socket(made, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer within the deadline; see the library."""
        if self.sock is not None:
            self.sock.settimeout(self._left())
        return super().getreply()

    def _left(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining
