"""Connections that are safe to make to an address from a configuration file: checked, then pinned to what it was."""

from __future__ import annotations

import re
import socket
import ssl
import time
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from ninja_daemon.adapters.network.host_names import HOST, LARGEST_PORT, addresses_of
from ninja_daemon.adapters.network.proxy import Proxy, ProxyRefused, tunnel

CONNECT_LIMIT: Final = 4.0


_NAT64: Final = ip_network("64:ff9b::/96")


_PRINTABLE: Final = re.compile(r"[\x21-\x7e]{1,2048}", re.ASCII)


class Unreached(Exception):
    """No connection came about: certainly nothing was delivered."""


class Forbidden(Exception):
    """The address is one that must not be posted to."""


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


def connected(host: str, port: int, *, insecure: bool, deadline: float, proxy: Proxy | None = None) -> socket.socket:
    """Connect to a host, through a proxy where there is one; see ``connect_checked``.

    Raises:
        Forbidden: the name leads to an address that is not public, or the proxy does not let us through.
        Unreached: it has no address, or none of them answers; or so it is with the proxy.
    """
    if proxy is None:
        return connect_checked(host, port, insecure=insecure, deadline=deadline)
    made = connect_checked(proxy.host, proxy.port, insecure=True, deadline=deadline)
    try:
        tunnel(made, proxy, host, port, deadline)
    except ProxyRefused as error:
        made.close()
        raise Forbidden(str(error)) from error
    except OSError as error:
        made.close()
        message = f"the proxy {proxy.host} does not answer ({named(error)})"
        raise Unreached(message) from error
    return made


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


def named(error: BaseException) -> str:
    """Return what an error says, without what it may quote."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
