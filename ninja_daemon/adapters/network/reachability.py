"""Whether a server can be reached at all, and what time it thinks it is. Sends no secret and asks for nothing."""

from __future__ import annotations

import http.client
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ninja_daemon.adapters.network.connecting import Forbidden, Unreached, connected, tls_context
from ninja_daemon.adapters.network.proxy import Proxy
from ninja_daemon.usecases.ports import Clock

TIMEOUT: Final = 5.0
"""Seconds for a connection, and for the first line of an answer."""
_PORTS: Final = {"http": 80, "https": 443}


class Endpoint(NamedTuple):
    """A server to connect to.

    Attributes:
        tls: whether the connection is secured from its first byte.
        insecure: whether addresses that are not public are allowed.
    """

    host: str
    port: int
    tls: bool
    insecure: bool


def endpoint_of_url(url: str, *, insecure: bool) -> Endpoint:
    """Return where the server of a web address is."""
    parts = urlsplit(url)
    return Endpoint(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "https", insecure)


class Trouble(NamedTuple):
    """What is wrong with the way to somebody.

    Attributes:
        reason: in a few words.
        cure: empty when there is none in particular.
    """

    reason: str
    cure: str = ""


def unreachable_because(endpoint: Endpoint, proxy: Proxy | None = None) -> str | None:
    """Return why nobody can be spoken to there, in a few words; None when somebody can. Nothing is sent."""
    host, port, tls, insecure = endpoint
    deadline = time.monotonic() + TIMEOUT
    try:
        with connected(host, port, insecure=insecure, deadline=deadline, proxy=proxy) as connection:
            if tls:
                with tls_context().wrap_socket(connection, server_hostname=host):
                    return None
            return None
    except ssl.SSLCertVerificationError as error:
        return f"the certificate of {host} is not accepted ({error.verify_message})"
    except (Forbidden, Unreached) as error:
        return str(error)
    except (OSError, ValueError) as error:
        return f"no secure connection to {host} ({type(error).__name__})"


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
