"""The machine around the product: firewall, ssh, updates, clock, memory, file modes, disk. Reads, and never changes.

Most of it is in files that everybody may read; what only root may see is said to be unknown, never guessed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.settings.environment import Environment

SETTINGS: Final = "etc/ninja-daemon"
REDIS_PORT: Final = 6379
_SUBJECT: Final = "this machine"
_LIMIT: Final = 3.0
_LARGEST: Final = 262_144
_LISTENING: Final = "0A"
"""State of a socket in /proc/net/tcp."""
_ROOM: Final = 500 * 1024**2
_LEAST_ROOM: Final = 50 * 1024**2
_SMALL: Final = 2 * 1024**2
"""Kilobytes of memory below which a machine should have swap."""
_DEEPEST_INCLUDE: Final = 4
_SSH_CURE: Final = "in /etc/ssh/sshd_config.d/10-keys.conf; systemctl reload ssh"
_REDIS_NAMES: Final = ("redis-server", "valkey-server")


class _Unknown(Exception):
    """Something is there and may not be read."""


def ask(command: Sequence[str]) -> str | None:
    """Return what a program of this machine prints; None when it is not there, fails, or takes too long."""
    path = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command that only reads
            [path, *command[1:]], capture_output=True, text=True, errors="replace", timeout=_LIMIT, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Host:
    """A machine to look at.

    Attributes:
        root: where its files are; ``/``, or a folder that stands for it in tests.
        ask: what its programs say.
    """

    root: Path = Path("/")
    ask: Callable[[Sequence[str]], str | None] = ask

    def at(self, place: str) -> Path:
        """Return where a file is."""
        return self.root / place

    def text(self, place: str) -> str | None:
        """Return the text of a file, None when there is none.

        Raises:
            _Unknown: it may not be read.
        """
        try:
            with self.at(place).open("rb") as file:
                return file.read(_LARGEST).decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = f"/{place} cannot be read ({error.strerror})"
            raise _Unknown(message) from error

    def has(self, place: str) -> bool:
        """Tell whether something is there."""
        try:
            return self.at(place).exists()
        except OSError:
            return False

    def matching(self, pattern: str) -> list[str]:
        """Return the places that a pattern names, in their order."""
        try:
            return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))
        except OSError:
            return []


def check_host(environment: Environment, host: Host | None = None) -> Iterator[Finding]:
    """Look at the machine around the product."""
    host = Host() if host is None else host
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("firewall", lambda: _firewall(host)),
        ("open_ports", lambda: _open_ports(host, _redis_ports(environment))),
        ("ssh", lambda: _ssh(host)),
        ("updates", lambda: _updates(host)),
        ("clock", lambda: _clock(host)),
        ("memory", lambda: _memory(host)),
        ("files", lambda: _modes(host)),
        ("disk", lambda: _disk(environment.state_dir)),
    )
    for name, look in looks:
        try:
            yield from look()
        except _Unknown as unknown:
            cure = "run it as root to know: sudo ninja-daemon check --host; or look yourself"
            yield Finding(Level.INFO, f"host.{name}.unknown", _SUBJECT, str(unknown), cure)


# --- reached from outside --------------------------------------------------------------------------------------------


def _firewall(host: Host) -> Iterator[Finding]:
    """Whatever is not asked for should be refused: by ufw, nftables, firewalld or plain iptables."""
    found = _ufw(host) or _nftables(host) or _iptables(host)
    if found:
        yield Finding(
            Level.OK, "host.firewall", _SUBJECT, f"what comes from outside is refused unless allowed ({found})"
        )
        return
    cause = "no firewall of this machine refuses what comes from outside (one of the hoster's cannot be seen from here)"
    cure = "apt install ufw; ufw default deny incoming; ufw allow OpenSSH; ufw enable"
    yield Finding(Level.WARNING, "host.firewall", _SUBJECT, cause, cure)


def _ufw(host: Host) -> str:
    is_on = re.search(r"^ENABLED=yes\b", host.text("etc/ufw/ufw.conf") or "", re.MULTILINE)
    policy = re.search(r'^DEFAULT_INPUT_POLICY="?(\w+)', host.text("etc/default/ufw") or "", re.MULTILINE)
    return "ufw" if is_on and policy and policy[1] in {"DROP", "REJECT"} else ""


def _nftables(host: Host) -> str:
    rules = host.ask(["nft", "list", "ruleset"])
    if rules is None and host.has("etc/systemd/system/sysinit.target.wants/nftables.service"):
        rules = host.text("etc/nftables.conf")
    for chain in re.split(r"\bchain\s", rules or "")[1:]:
        if "hook input" in chain and re.search(r"policy drop|^\s*(drop|reject)\b", chain, re.MULTILINE):
            return "nftables"
    return ""


def _iptables(host: Host) -> str:
    saved = host.text("etc/iptables/rules.v4") or ""
    if ":INPUT DROP" in saved or "-P INPUT DROP" in (host.ask(["iptables", "-S", "INPUT"]) or ""):
        return "iptables"
    return ""


def _redis_ports(environment: Environment) -> frozenset[int]:
    """Return the usual port, and that of our Redis where it is on this machine."""
    host, _, rest = environment.redis_label.rpartition(":")
    port = rest.partition("/")[0]
    ours = {int(port)} if host in {"127.0.0.1", "[::1]"} and port.isdecimal() else set[int]()
    return frozenset({REDIS_PORT, *ours})


def _open_ports(host: Host, ports: frozenset[int]) -> Iterator[Finding]:
    """Redis speaks to this machine alone."""
    public = {
        f"port {port} of {'all addresses' if address.is_unspecified else address}"
        for address, port in _listening(host)
        if port in ports and not address.is_loopback
    }
    if public:
        cause = f"Redis listens on {', '.join(sorted(public))}: whoever reaches it may try passwords"
        cure = "bind 127.0.0.1 -::1 in its configuration, or let `make install-redis` set it up"
        yield Finding(Level.ERROR, "host.redis_public", _SUBJECT, cause, cure)
    else:
        yield Finding(Level.OK, "host.redis_public", _SUBJECT, "Redis does not listen for other machines")


def _listening(host: Host) -> Iterator[tuple[IPv4Address | IPv6Address, int]]:
    for place in ("proc/net/tcp", "proc/net/tcp6"):
        for line in (host.text(place) or "").splitlines()[1:]:
            words = line.split()
            if len(words) > 3 and words[3] == _LISTENING:  # noqa: PLR2004 - the fourth column is the state
                address, _, port = words[1].partition(":")
                yield _address(address), int(port, 16)


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address as the kernel prints it: words of four bytes, each in the machine's order."""
    raw = b"".join(bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8))
    if len(raw) == 4:  # noqa: PLR2004 - IPv4
        return IPv4Address(raw)
    found = IPv6Address(raw)
    return found.ipv4_mapped or found


# --- ssh -------------------------------------------------------------------------------------------------------------


def _ssh(host: Host) -> Iterator[Finding]:
    """Keys only, and nobody comes in as root by a password."""
    text = host.text("etc/ssh/sshd_config")
    if text is None:
        yield Finding(Level.INFO, "host.ssh", _SUBJECT, "no ssh server is configured")
        return
    unread: list[str] = []
    settings = _sshd_settings(host, text, unread)
    passwords = settings.get("passwordauthentication", "yes")
    if passwords != "no":
        yield _unless_unread(
            unread,
            Finding(
                Level.WARNING,
                "host.ssh_password",
                _SUBJECT,
                "ssh accepts passwords, which are guessed all day long",
                f"log in by a key, then PasswordAuthentication no {_SSH_CURE}",
            ),
        )
    root = settings.get("permitrootlogin", "prohibit-password")
    if root == "yes":
        yield _unless_unread(
            unread,
            Finding(
                Level.WARNING,
                "host.ssh_root",
                _SUBJECT,
                "ssh lets root in with a password",
                f"PermitRootLogin prohibit-password (or no) {_SSH_CURE}",
            ),
        )
    if passwords == "no" and root != "yes":
        yield Finding(Level.OK, "host.ssh", _SUBJECT, "ssh wants keys")


def _unless_unread(unread: Sequence[str], finding: Finding) -> Finding:
    """Turn a doubt into what it is when a file that may say otherwise could not be read."""
    if not unread:
        return finding
    cause = f"whether {finding.cause.split(',')[0]} is not known: {', '.join(unread)} cannot be read"
    return Finding(Level.INFO, f"{finding.code}.unknown", finding.subject, cause, "sshd -T as root tells")


def _sshd_settings(host: Host, text: str, unread: list[str], depth: int = 0) -> dict[str, str]:
    """Return the server's global settings; the first value of each counts, as sshd has it."""
    settings: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split("#", 1)[0].replace("=", " ", 1).split(None, 1)
        if len(words) != 2:  # noqa: PLR2004 - a key and the rest
            continue
        key, value = words[0].lower(), words[1].strip().strip('"')
        if key == "match":
            break
        if key == "include" and depth < _DEEPEST_INCLUDE:
            for included in _included(host, value, unread):
                settings = {**_sshd_settings(host, included, unread, depth + 1), **settings}
        else:
            settings.setdefault(key, value.lower())
    return settings


def _included(host: Host, patterns: str, unread: list[str]) -> Iterator[str]:
    for pattern in patterns.split():
        place = pattern.lstrip("/") if pattern.startswith("/") else f"etc/ssh/{pattern}"
        for found in host.matching(place):
            try:
                yield host.text(found) or ""
            except _Unknown:
                unread.append(f"/{found}")


# --- kept up ---------------------------------------------------------------------------------------------------------


def _updates(host: Host) -> Iterator[Finding]:
    """Security updates come by themselves."""
    if not host.has("etc/apt"):
        yield Finding(
            Level.INFO, "host.updates", _SUBJECT, "whether updates come by themselves is not known: no apt here"
        )
        return
    said = "".join(host.text(place) or "" for place in host.matching("etc/apt/apt.conf.d/*"))
    values = re.findall(r'^\s*APT::Periodic::Unattended-Upgrade\s+"(\w+)"', said, re.MULTILINE)
    if host.has("usr/bin/unattended-upgrade") and values and values[-1] not in {"0", ""}:
        yield Finding(Level.OK, "host.updates", _SUBJECT, "security updates come by themselves")
        return
    cure = "apt install unattended-upgrades; dpkg-reconfigure -plow unattended-upgrades"
    yield Finding(Level.WARNING, "host.updates", _SUBJECT, "security updates do not come by themselves", cure)


def _clock(host: Host) -> Iterator[Finding]:
    """The clock follows network time: closes are computed from it."""
    said = (host.ask(["timedatectl", "show", "--property=NTPSynchronized", "--value"]) or "").strip()
    if said == "yes" or host.has("run/systemd/timesync/synchronized"):
        yield Finding(Level.OK, "host.clock", _SUBJECT, "the clock follows network time")
    elif said == "no":
        cause = "the clock does not follow network time: candles would be asked for at wrong moments"
        yield Finding(Level.WARNING, "host.clock", _SUBJECT, cause, "timedatectl set-ntp true")
    else:
        cause = "whether the clock follows network time is not known: timedatectl does not tell"
        cure = "is systemd-timesyncd or chrony running? `ninja-daemon check` compares with the broker's clock"
        yield Finding(Level.INFO, "host.clock.unknown", _SUBJECT, cause, cure)


# --- memory, files, disk ---------------------------------------------------------------------------------------------


def _memory(host: Host) -> Iterator[Finding]:
    """What Redis says about it at its start, where Redis is on this machine."""
    if not any(host.has(f"usr/bin/{name}") for name in _REDIS_NAMES):
        return
    if (host.text("proc/sys/vm/overcommit_memory") or "1").strip() != "1":
        cause = "vm.overcommit_memory is not 1: Redis may fail to write its file when memory is short"
        cure = "echo vm.overcommit_memory=1 > /etc/sysctl.d/60-redis.conf; sysctl --system"
        yield Finding(Level.INFO, "host.overcommit", _SUBJECT, cause, cure)
    if "[always]" in (host.text("sys/kernel/mm/transparent_hugepage/enabled") or ""):
        cause = "transparent huge pages are always on: Redis's memory grows and its answers stall while it saves"
        cure = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, and transparent_hugepage=madvise at boot"
        yield Finding(Level.INFO, "host.hugepages", _SUBJECT, cause, cure)
    sizes = dict(re.findall(r"^(MemTotal|SwapTotal):\s+(\d+)", host.text("proc/meminfo") or "", re.MULTILINE))
    if sizes.get("SwapTotal") == "0" and int(sizes.get("MemTotal", _SMALL)) < _SMALL:
        cause = f"{int(sizes['MemTotal']) // 1024} MB of memory and no swap: an update may end with a process killed"
        cure = (
            "fallocate -l 1G /swapfile; chmod 600 /swapfile; mkswap /swapfile; swapon /swapfile; the same in /etc/fstab"
        )
        yield Finding(Level.INFO, "host.swap", _SUBJECT, cause, cure)


def _modes(host: Host) -> Iterator[Finding]:
    """Nobody but root changes the settings, nobody but root reads the credentials."""
    if not host.has(SETTINGS):
        return
    wrong = [*_writable(host), *_readable(host)]
    yield from wrong
    if not wrong:
        cause = "only root may change the settings and read the credentials"
        yield Finding(Level.OK, "host.files", f"/{SETTINGS}", cause)


def _writable(host: Host) -> Iterator[Finding]:
    for place in (SETTINGS, f"{SETTINGS}/ninja.toml", f"{SETTINGS}/ninja.env", f"{SETTINGS}/credentials"):
        mode = _mode(host, place)
        if mode is not None and mode & (stat.S_IWGRP | stat.S_IWOTH):
            cause = f"others than its owner may write to it (mode {mode:o}): they could send signals elsewhere"
            yield Finding(Level.WARNING, "host.files_writable", f"/{place}", cause, f"chmod go-w /{place}")


def _readable(host: Host) -> Iterator[Finding]:
    folder = f"{SETTINGS}/credentials"
    mode = _mode(host, folder)
    if mode is None or not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return  # nobody else gets into it, whatever the modes inside
    yield Finding(
        Level.WARNING,
        "host.credentials",
        f"/{folder}",
        f"others than root may look into it (mode {mode:o})",
        f"chmod 700 /{folder}; chmod 600 /{folder}/*",
    )
    for place in host.matching(f"{folder}/**/*"):
        inner = _mode(host, place) if host.at(place).is_file() else None
        if inner is not None and inner & (stat.S_IRWXG | stat.S_IRWXO):
            cause = f"others than root may read this secret (mode {inner:o})"
            yield Finding(Level.WARNING, "host.credentials", f"/{place}", cause, f"chmod 600 /{place}")


def _mode(host: Host, place: str) -> int | None:
    try:
        return stat.S_IMODE(host.at(place).stat().st_mode)
    except OSError:
        return None


def _disk(state_dir: Path) -> Iterator[Finding]:
    """The journal needs room, most of all while Redis is away."""
    nearest = next((path for path in (state_dir, *state_dir.parents) if path.exists()), Path("/"))
    try:
        found = os.statvfs(nearest)
    except OSError as error:
        message = f"the room at {nearest} is not known ({error.strerror})"
        raise _Unknown(message) from error
    room = found.f_bavail * found.f_frsize
    no_names = found.f_files > 0 and found.f_favail == 0
    subject = f"state directory {state_dir}"
    if room >= _ROOM and not no_names:
        yield Finding(Level.OK, "host.disk", subject, f"{room // 1024**2} MB are free")
        return
    cause = "no more files can be made on its disk" if no_names else f"only {room // 1024**2} MB are free on its disk"
    level = Level.ERROR if no_names or room < _LEAST_ROOM else Level.WARNING
    yield Finding(
        level, "host.disk", subject, cause, "make room: journalctl --vacuum-size=200M; apt clean; older backups"
    )
