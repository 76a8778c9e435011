"""An SMTP client on a connection to a checked address, with one deadline for everything."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from typing import Final

from ninja_daemon.adapters.network.connecting import Forbidden, Unreached, connected, named, tls_context
from ninja_daemon.adapters.network.proxy import Proxy
from ninja_daemon.adapters.network.reachability import TIMEOUT, Endpoint, Trouble

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
        """Whether the connection is encrypted."""
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


# --- how a mail server wants to be spoken to ------------------------------------------------------------------------


def smtp_trouble(endpoint: Endpoint, proxy: Proxy | None, *, starttls: bool) -> Trouble | None:
    """Connect to a mail server and start TLS; return the problem found. No message is sent."""
    client = SmtpClient(endpoint, time.monotonic() + TIMEOUT, proxy)
    try:
        client.open(tls_context() if endpoint.tls else None)
        if not starttls:
            return None
        if not client.has_extn("starttls"):
            return Trouble("the mail server offers no STARTTLS", 'try security = "tls" with port = 465')
        client.starttls(context=tls_context())
    except (Forbidden, Unreached) as error:
        return Trouble(str(error))
    except ssl.SSLCertVerificationError as error:
        return Trouble(f"the certificate of {endpoint.host} is not accepted ({error.verify_message})")
    except ssl.SSLError as error:
        if endpoint.tls:
            return Trouble(
                f'port {endpoint.port} does not speak TLS from the first byte, as security = "tls" asks for',
                'set security = "starttls" (port 587), or port = 465',
            )
        return Trouble(f"no secure connection to {endpoint.host} ({error.reason or type(error).__name__})")
    except (OSError, smtplib.SMTPException) as error:
        return _mute(endpoint, proxy, error)
    finally:
        client.close()
    return None


def _mute(endpoint: Endpoint, proxy: Proxy | None, error: Exception) -> Trouble:
    """Explain why a server sends no greeting: it may expect TLS."""
    if not endpoint.tls and _speaks_tls(endpoint, proxy):
        return Trouble(
            f"port {endpoint.port} speaks TLS from the first byte and never answers STARTTLS",
            'set security = "tls" for port 465, or port = 587',
        )
    return Trouble(f"port {endpoint.port} of {endpoint.host} does not greet as a mail server does ({named(error)})")


def _speaks_tls(endpoint: Endpoint, proxy: Proxy | None) -> bool:
    deadline = time.monotonic() + TIMEOUT
    try:
        with connected(
            endpoint.host, endpoint.port, insecure=endpoint.insecure, deadline=deadline, proxy=proxy
        ) as made:
            made.settimeout(TIMEOUT)
            with tls_context().wrap_socket(made, server_hostname=endpoint.host):
                return True
    except ssl.SSLCertVerificationError:
        return True
    except (OSError, ValueError, Forbidden, Unreached):
        return False
