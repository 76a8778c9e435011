"""Redis or Valkey on this machine, set up so that it keeps what it accepted and listens to this machine alone."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ninja_install import host
from ninja_install.host import put, ran, say, stop, systemctl
from ninja_install.layout import Layout

_DROP_IN: Final = "ninja-daemon.conf"
_ACL: Final = "ninja-daemon.acl"
_REWRITE_LIMIT: Final = 300.0
_START_LIMIT: Final = 60.0
_OUR_SETTINGS: Final = """\
# Made by `make install-redis` of ninja-daemon, read at the end of {main}, so that it has the last word.
# Change what you like below; the installer puts this file back only when it is gone.

# This machine alone, by loopback and by a socket for members of the group {user}.
bind 127.0.0.1 -::1
protected-mode yes
port 6379
unixsocket {socket}
unixsocketperm 770

# Who may do what: nobody without a password, each only what is his.
aclfile {acl}

# Only keys that can be made again (averages) have a lifetime, and only those may be evicted. allkeys-lru would evict
# the signals themselves: the list, the cursors and the lanes are keys like any other.
maxmemory 256mb
maxmemory-policy volatile-lru

# What was accepted is on disk within a second. Snapshots alone would lose the last minutes in a crash.
appendonly yes
appendfsync everysec
save ""
save 3600 1 300 100 60 10000
stop-writes-on-bgsave-error yes

loglevel notice
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A distribution's server.

    Attributes:
        name: ``redis`` or ``valkey``: its user, group, folder and programs are named by it.
    """

    name: str

    @property
    def package(self) -> str:
        """Package and service have the same name."""
        return f"{self.name}-server"

    @property
    def folder(self) -> Path:
        """Its configuration."""
        return Path("/etc") / self.name

    @property
    def main(self) -> Path:
        """The configuration as the distribution made it."""
        return self.folder / f"{self.name}.conf"

    @property
    def client(self) -> str:
        """The command line client."""
        return f"{self.name}-cli"


def install(layout: Layout, asked: str | None) -> None:
    """Install the server where it is missing, and have it read our settings.

    Raises:
        StopError: there is no such package, its configuration contradicts ours, or it does not come up.
    """
    host.require_root()
    server = _chosen(asked)
    host.ensure_packages([server.package])
    systemctl("enable", "--quiet", "--now", server.package)
    text = _foreign(server)
    template = (layout.source / "config" / "redis" / "users.acl.example").read_text(encoding="utf-8")
    urls = _make_users(layout, users_of(template))
    begin_appending(server, text)
    changed = _write(server, layout, template, urls)
    if changed:
        systemctl("restart", server.package)
    _prove(server, urls["operator"])
    say(f"{server.package} listens at 127.0.0.1:6379 and {_socket(server)}; passwords in {layout.credentials}")


def _chosen(asked: str | None) -> Server:
    if asked is not None:
        return Server(asked)
    for name in ("redis", "valkey"):
        if Server(name).main.is_file():
            return Server(name)
    return Server("redis" if host.available("redis-server") else "valkey")


def _socket(server: Server) -> str:
    return f"/run/{server.name}/{server.package}.sock"


def _foreign(server: Server) -> str:
    """Return the server's own configuration, without our line.

    Raises:
        StopError: it names users of its own, which cannot stand beside a file of users.
    """
    text = server.main.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() != _include(server)]
    for line in lines:
        if re.match(r"\s*(user|aclfile)\s", line):
            stop(
                f"{server.main} must leave users to {_ACL}, has {' '.join(line.split()[:2])!r}: move what it needs to "
                f"{server.folder / _ACL} and take the line out"
            )
    return "\n".join(lines) + "\n"


def _include(server: Server) -> str:
    return f"include {server.folder / _DROP_IN}"


def _make_users(layout: Layout, users: Sequence[str]) -> dict[str, str]:
    """Return a URL for each user, with the password that it has or a new one."""
    layout.credentials.mkdir(parents=True, exist_ok=True)
    layout.settings.chmod(0o755)
    layout.credentials.chmod(0o700)
    urls = {}
    for user in users:
        path = layout.credentials / f"{user}_redis_url"
        known = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
        if known and urlsplit(known).username != user:
            stop(f"{path} must be of the user {user}, names another server or user: move it away, then run this again")
        urls[user] = known or f"redis://{user}:{secrets.token_urlsafe(32)}@127.0.0.1:6379/0"
        put(path, urls[user] + "\n", 0o600, ("root", "root"))
    return urls


def password_of(url: str) -> str:
    """Return the password inside a URL."""
    return unquote(urlsplit(url).password or "")


def users_of(template: str) -> list[str]:
    """Return the names of the users that need a password."""
    return re.findall(r"(?m)^user (\w+) on #\w+_PASSWORD_SHA256 ", template)


def acl_of(template: str, urls: Mapping[str, str], namespace: str) -> str:
    """Return the file of users: the template with the hashes of their passwords, and with the namespace."""
    text = "".join(f"{line}\n" for line in template.splitlines() if line.startswith("user "))
    for user, url in urls.items():
        digest = hashlib.sha256(password_of(url).encode()).hexdigest()
        text = text.replace(f"#{user.upper()}_PASSWORD_SHA256", f"#{digest}")
    return text.replace("{ninja}", f"{{{namespace}}}")


def settings_of(server: Server, acl: Path) -> str:
    """Return the settings that the server is to read last."""
    return _OUR_SETTINGS.format(main=server.main, user=server.name, socket=_socket(server), acl=acl)


def namespace_of(layout: Layout) -> str:
    """Return the prefix of our keys, as the services are told it."""
    path = layout.settings / "ninja.env"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    match = re.search(r"^\s*NINJA_NAMESPACE=[\"']?([A-Za-z0-9_.\-]+)", text, re.MULTILINE)
    return match[1] if match else "ninja"


def _write(server: Server, layout: Layout, template: str, urls: dict[str, str]) -> bool:
    """Write users and settings, and one line into the distribution's file; return whether anything is new."""
    owner = ("root", server.name)
    acl, drop_in = server.folder / _ACL, server.folder / _DROP_IN
    changed = put(acl, acl_of(template, urls, namespace_of(layout)), 0o640, owner)
    if not drop_in.is_file():
        text = settings_of(server, acl)
        changed = put(drop_in, text, 0o640, owner)
        say(f"made {drop_in}:")
        say("".join(f"    {line}\n" for line in text.splitlines() if line and not line.startswith("#")).rstrip())
    before = server.main.read_text(encoding="utf-8")
    if _include(server) not in before.splitlines():
        kept = server.main.with_name(f"{server.main.name}.before-ninja-daemon.{datetime.now(UTC):%Y%m%dT%H%M%S}")
        shutil.copy2(server.main, kept)
        mode = server.main.stat().st_mode & 0o777
        put(server.main, f"{before.rstrip()}\n\n{_include(server)}\n", mode, (server.main.owner(), server.main.group()))
        say(f"added to {server.main}: {_include(server)} (as it was: {kept})")
        changed = True
    return changed


def begin_appending(server: Server, text: str) -> None:
    """Have a server that keeps snapshots only begin its append-only file while it runs.

    Started anew with an append-only file that is not there yet, it would not read its snapshot: it would come up empty.

    Raises:
        StopError: it does not let itself be asked, or the file is not finished in time.
    """
    if re.search(r"^\s*appendonly\s+yes\b", text, re.MULTILINE) or (server.folder / _DROP_IN).is_file():
        return
    match = re.search(r"^\s*requirepass\s+\"?([^\s\"]+)", text, re.MULTILINE)
    environ = {"REDISCLI_AUTH": match[1]} if match else {}

    def ask(*words: str) -> str:
        return ran([server.client, "--no-auth-warning", *words], environ=environ, limit=30).stdout

    deadline = time.monotonic() + _START_LIMIT
    while "PONG" not in (said := ran([server.client, "ping"], environ=environ, check=False, limit=30).stdout):
        if "NOAUTH" in said or time.monotonic() > deadline:
            stop(f"{server.package} must answer before its settings are changed, said {said.strip()[:200]!r}")
        time.sleep(0.2)
    if "aof_enabled:1" in ask("info", "persistence"):
        return
    ask("config", "set", "appendonly", "yes")
    deadline = time.monotonic() + _REWRITE_LIMIT
    while True:
        told = ask("info", "persistence")
        if re.search(
            r"aof_rewrite_in_progress:0\b.*aof_rewrite_scheduled:0\b.*aof_last_bgrewrite_status:ok", told, re.DOTALL
        ):
            return
        if time.monotonic() > deadline:
            stop(
                f"{server.package} must finish its append-only file in {_REWRITE_LIMIT:.0f} s, did not: is there room?"
            )
        time.sleep(0.2)


def _prove(server: Server, url: str) -> None:
    """Ask the server, as a user of ours, whether it has taken the settings.

    Raises:
        StopError: it has not.
    """
    environ = {"REDISCLI_AUTH": password_of(url)}
    address = urlsplit(url)
    by_socket = ["-s", unquote(address.path)] if address.scheme == "unix" else []
    command = [server.client, *by_socket, "--user", str(address.username), "--no-auth-warning", "info"]
    deadline = time.monotonic() + _START_LIMIT
    told = ""
    while "loading:0" not in told:
        if time.monotonic() > deadline:
            stop(f"{server.package} must be up in {_START_LIMIT:.0f} s, was not: journalctl -u {server.package} -n 30")
        told = ran(command, environ=environ, check=False, limit=30).stdout
        time.sleep(0.1)
    for wanted in ("maxmemory_policy:volatile-lru", "aof_enabled:1", "maxmemory:268435456"):
        if wanted not in told:
            said = re.search(rf"{wanted.partition(':')[0]}:\S*", told)
            complaint = f"{server.package} says {said[0] if said else 'nothing of it'}, not {wanted}"
            host.complain(f"{complaint}: {server.folder / _DROP_IN} was changed")
