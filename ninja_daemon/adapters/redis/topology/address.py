"""Addresses that name several servers: ``redis+sentinel://…`` and ``redis+cluster://…``. Needs no client library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlencode

from ninja_daemon.adapters.network.host_names import HOST, LARGEST_PORT

_USUAL_PORT: Final = {"sentinel": 26_379, "cluster": 6_379}
FORMS: Final = {
    "sentinel": "redis+sentinel://[user:password@]host:port[,host:port]/SERVICE[/DB]",
    "cluster": "redis+cluster://[user:password@]host:port[,host:port]",
}
"""How each kind is written, for messages."""
_WHOLE: Final = re.compile(r"(rediss?)\+(sentinel|cluster)://([^/?#]*)(/[^?#]*)?(?:\?([^#]*))?(#.*)?", re.DOTALL)
_HOST: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(\d{1,5}))?", re.ASCII)
_SERVICE: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,5}", re.ASCII)


def kind_of(url: str) -> str:
    """Return ``sentinel``, ``cluster``, or an empty string for an address of one server."""
    kind = url.partition("://")[0].partition("+")[2]
    return kind if kind in FORMS else ""


@dataclass(frozen=True, slots=True)
class ManyHosts:
    """An address that was read.

    Attributes:
        kind: ``sentinel`` or ``cluster``.
        is_encrypted: TLS to the servers and to the Sentinels.
        userinfo: user and password of the servers as they stand in the address, quoted; empty for none.
        hosts: name or address without brackets, and port, as they were named.
        service: Sentinel's name of the master; empty in a cluster.
        database: its number, 0 in a cluster.
        options: everything behind the question mark, as redis-py names it.
    """

    kind: str
    is_encrypted: bool
    userinfo: str
    hosts: tuple[tuple[str, int], ...]
    service: str
    database: int
    options: Mapping[str, str]

    @property
    def label(self) -> str:
        """Where Redis is, without credentials and without the address of today's master."""
        if self.kind == "sentinel":
            return f"sentinel:{self.service}/{self.database}"
        return f"cluster:{','.join(sorted(_written(*host) for host in self.hosts))}"

    @property
    def passwords(self) -> tuple[str, ...]:
        """What the logs must not show."""
        named = (unquote(self.userinfo.partition(":")[2]), self.options.get("password", ""))
        return tuple(each for each in (*named, self.options.get("sentinel_password", "")) if each)

    def with_options(self, **options: str) -> str:
        """Return the whole address again, with further options unless they are empty."""
        scheme = f"redis{'s' if self.is_encrypted else ''}+{self.kind}"
        hosts = ",".join(_written(*host) for host in self.hosts)
        path = f"/{self.service}/{self.database}" if self.service else ""
        query = urlencode({**self.options, **{name: value for name, value in options.items() if value}})
        who = f"{self.userinfo}@" if self.userinfo else ""
        return f"{scheme}://{who}{hosts}{path}{'?' if query else ''}{query}"

    def server_url(self) -> str:
        """Return an address of one server, without its host, that redis-py reads user, password and options from."""
        ours = {"sentinel_username", "sentinel_password", "namespace"}
        query = urlencode({name: value for name, value in self.options.items() if name not in ours})
        who = f"{self.userinfo}@" if self.userinfo else ""
        return f"redis{'s' if self.is_encrypted else ''}://{who}/{self.database}{'?' if query else ''}{query}"


def read_many_hosts(url: str) -> ManyHosts:
    """Read an address.

    Raises:
        ValueError: it is not one; the text says what it was, and quotes no password.
    """
    kind = kind_of(url)
    found = _WHOLE.fullmatch(url)
    if found is None:
        message = f"redis+{kind}://, which must begin with redis or rediss"
        raise ValueError(message)
    userinfo, _, hosts = found[3].rpartition("@")
    if found[6]:
        message = "an address with a # in it (write %23 inside a password)"
        raise ValueError(message)
    service, database = (_service if kind == "sentinel" else _no_service)((found[4] or "").strip("/"))
    return ManyHosts(
        kind=kind,
        is_encrypted=found[1] == "rediss",
        userinfo=userinfo,
        hosts=tuple(_host(each, _USUAL_PORT[kind]) for each in hosts.split(",")),
        service=service,
        database=database,
        options=_options(found[5] or ""),
    )


def _service(path: str) -> tuple[str, int]:
    name, _, database = path.partition("/")
    if _SERVICE.fullmatch(unquote(name)) is None or name.isdigit():
        message = "without the name that Sentinel has for the master (mymaster in its sample configuration)"
        raise ValueError(message)
    if database and _NUMBER.fullmatch(database) is None:
        message = "with a database that is not a number"
        raise ValueError(message)
    return unquote(name), int(database or 0)


def _no_service(path: str) -> tuple[str, int]:
    if path not in {"", "0"}:
        message = "with a database behind it; a cluster has none, use a NINJA_NAMESPACE of its own instead"
        raise ValueError(message)
    return "", 0


def _host(text: str, usual_port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text.strip())
    host = "" if found is None else found[1].removeprefix("[").removesuffix("]")
    if found is None or HOST.fullmatch(host) is None:
        message = "with a host that is none (several are parted by commas, an IPv6 address stands in brackets)"
        raise ValueError(message)
    port = int(found[2] or usual_port)
    if not 0 < port <= LARGEST_PORT:
        message = "with a port that is none"
        raise ValueError(message)
    return host.lower(), port


def _options(query: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {unquote(name): unquote(value.replace("+", " ")) for name, _, value in pairs}


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{quote(host)}:{port}"
