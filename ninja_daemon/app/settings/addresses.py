"""Addresses in the environment: that of Redis and that of the broker. No message quotes what may hold a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ninja_daemon.adapters.network.host_names import HOST
from ninja_daemon.adapters.redis.topology.address import FORMS, kind_of, read_many_hosts
from ninja_daemon.app.settings.values import Refused, shown

REDIS_PORT: Final = 6_379
_API_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~\-]+)*", re.ASCII)
_DATABASE: Final = re.compile(r"\d{1,12}", re.ASCII)
_API: Final = "the base of a REST server such as https://api-fxpractice.oanda.com"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is.

    Attributes:
        url: with user and password inside.
        label: without credentials: ``127.0.0.1:6379/0``, ``/run/redis.sock/0`` or ``sentinel:mymaster/0``.
        passwords: what the logs must not show.
    """

    url: str
    label: str
    passwords: tuple[str, ...] = ()


def redis_of_parts(host: str, port: int, database: int, password: str) -> RedisAddress:
    """Make an address of the four values of the setup guide.

    Raises:
        Refused: the host cannot be one.
    """
    secret = quote(password, safe="")
    if host.startswith("/"):
        query = f"password={secret}&db={database}" if password else f"db={database}"
        return RedisAddress(f"unix://{quote(host)}?{query}", f"{host}/{database}")
    bare = host.removeprefix("[").removesuffix("]")
    if HOST.fullmatch(bare) is None:
        raise Refused(("", f"must be a host name, an address or the path of a socket, was {shown(host)}"))
    where = f"[{bare}]" if ":" in bare else bare
    url = f"redis://{f':{secret}@' if password else ''}{where}:{port}/{database}"
    return RedisAddress(url, f"{_normal_host(bare)}:{port}/{database}")


def redis_of_url(url: str, **extra: str) -> RedisAddress:
    """Check an address.

    Args:
        url: of one server, or with several hosts.
        extra: options that an address with several hosts is completed with; empty ones are left out.

    Raises:
        Refused: it cannot be one; nothing of it is quoted but its scheme.
    """
    if kind := kind_of(url):
        return _many_hosts(url, kind, extra)
    try:
        parts = urlsplit(url)
        label = _label(parts)
    except ValueError as error:
        allowed = "redis://host:port/db, rediss://host:port/db or unix:///path/to/socket?db=0"
        raise Refused(("", f"must be {allowed}, was {str(error) or 'not an address'}")) from None
    queried = [value for name, value in _queried(parts) if name == "password"]
    return RedisAddress(url, label, tuple(unquote(text) for text in (parts.password, *queried) if text))


def _many_hosts(url: str, kind: str, extra: Mapping[str, str]) -> RedisAddress:
    try:
        where = read_many_hosts(url)
    except ValueError as error:
        raise Refused(("", f"must be {FORMS[kind]}, or rediss+{kind}://… with TLS, was {error}")) from None
    whole = where.with_options(**extra)
    return RedisAddress(whole, where.label, read_many_hosts(whole).passwords)


def _queried(parts: SplitResult) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    return [(name, value) for name, _, value in pairs]


def _label(parts: SplitResult) -> str:
    if parts.scheme not in {"redis", "rediss", "unix"}:
        message = f"{parts.scheme}://…" if parts.netloc else "without a scheme that is known"
        raise ValueError(message)
    database = dict(_queried(parts)).get("db", "")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            message = "without the path of a socket"
            raise ValueError(message)
        return f"{unquote(parts.path)}/{_database(database)}"
    try:
        port = parts.port or REDIS_PORT
    except ValueError:
        message = "with a port that is none"
        raise ValueError(message) from None
    return f"{_normal_host(parts.hostname or 'localhost')}:{port}/{_database(database or parts.path.strip('/'))}"


def _database(text: str) -> int:
    if text and _DATABASE.fullmatch(text) is None:
        message = "with a database that is not a number"
        raise ValueError(message)
    return int(text or 0)


def _normal_host(host: str) -> str:
    """Write one host in one way, so that labels can be compared."""
    host = host.lower()
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6


def broker_url(url: str) -> str:
    """Return the base of the broker's server, without a slash at its end.

    Raises:
        Refused: it cannot be one, or would show the token to the network.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Refused(("", f"must be {_API}, was not an address")) from None
    path = parts.path.rstrip("/")
    if parts.scheme not in {"http", "https"} or not host or HOST.fullmatch(host) is None:
        raise Refused(("", f"must be {_API}, was something else"))
    if parts.username is not None or parts.password is not None:
        cure = "the token belongs in OANDA_ACCESS_TOKEN"
        raise Refused(("", f"must be {_API}, was an address with a user in it; {cure}"))
    if parts.query or parts.fragment or _API_PATH.fullmatch(path) is None or {".", ".."} & set(path.split("/")):
        raise Refused(("", f"must be {_API}, with nothing behind it, was an address with more behind it"))
    if parts.scheme == "http" and not is_loopback(host):
        reason = "the token would travel in clear text (plain http is for this machine only)"
        raise Refused(("", f"must be https, was {shown(url)}; {reason}"))
    return url.rstrip("/").removesuffix("/v3")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is certainly this machine."""
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
