"""Whether a server can be reached at all, and what time it thinks it is. Sends no secret and asks for nothing."""

from __future__ import annotations

import http.client
import socket
import ssl
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from ninja_daemon.usecases.ports import Clock

TIMEOUT: Final = 5.0
"""Seconds for a connection, and for the first line of an answer."""
_PORTS: Final = {"http": 80, "https": 443, "smtp": 25, "smtps": 465}


def unreachable_because(host: str, port: int, *, tls: bool) -> str | None:
    """Return why nobody answers at an address, in a few words; None when somebody does."""
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
            if tls:
                with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
                    return None
            return None
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not accepted ({error.verify_message})"
    except (OSError, ValueError) as error:
        return _words(error)


def url_unreachable_because(url: str) -> str | None:
    """Do the same for the host of a URL, whose text is kept out of the answer."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "it is not an address"
    if not host or (port is None and parts.scheme not in _PORTS):
        return "it is not an address"
    return unreachable_because(host, port or _PORTS[parts.scheme], tls=parts.scheme in {"https", "smtps"})


def clock_ahead(url: str, clock: Clock) -> float | None:
    """Return by how many seconds a web server's clock is ahead of ours, to about a second; None when it is silent."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    before = clock.now()
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        date = connection.getresponse().getheader("Date")
        middle = (before + clock.now()) / 2
        # The header is cut to whole seconds: on the average it is half a second old.
        return None if date is None else parsedate_to_datetime(date).timestamp() + 0.5 - middle
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, socket.gaierror):
        return "its name is not known to the name server"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
