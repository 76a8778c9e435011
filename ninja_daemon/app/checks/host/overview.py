"""The machine around the product: firewall, ssh, updates, clock, memory, file modes, disk. Reads, and never changes.

Most of it is in files that everybody may read; what only root may see is said to be unknown, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.host.files import check_disk, check_modes
from ninja_daemon.app.checks.host.machine import SUBJECT, Host, Unknown
from ninja_daemon.app.checks.host.network import check_firewall, check_open_ports, redis_ports
from ninja_daemon.app.checks.host.ssh import check_ssh
from ninja_daemon.app.settings.environment import Environment

_SMALL: Final = 2 * 1024**2
"""Kilobytes of memory below which a machine should have swap."""
_REDIS_NAMES: Final = ("redis-server", "valkey-server")


def check_host(environment: Environment, host: Host | None = None) -> Iterator[Finding]:
    """Look at the machine around the product."""
    host = Host() if host is None else host
    looks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("firewall", lambda: check_firewall(host)),
        ("open_ports", lambda: check_open_ports(host, redis_ports(environment))),
        ("ssh", lambda: check_ssh(host)),
        ("updates", lambda: _updates(host)),
        ("clock", lambda: _clock(host)),
        ("memory", lambda: _memory(host)),
        ("files", lambda: check_modes(host)),
        ("disk", lambda: check_disk(environment.state_dir)),
    )
    for name, look in looks:
        try:
            yield from look()
        except Unknown as unknown:
            cure = "run it as root to know: sudo ninja-daemon check --host; or look yourself"
            yield Finding(Level.INFO, f"host.{name}.unknown", SUBJECT, str(unknown), cure)


def _updates(host: Host) -> Iterator[Finding]:
    """Security updates come by themselves."""
    if not host.has("etc/apt"):
        yield Finding(
            Level.INFO, "host.updates", SUBJECT, "whether updates come by themselves is not known: no apt here"
        )
        return
    said = "".join(host.text(place) or "" for place in host.matching("etc/apt/apt.conf.d/*"))
    values = re.findall(r'^\s*APT::Periodic::Unattended-Upgrade\s+"(\w+)"', said, re.MULTILINE)
    if host.has("usr/bin/unattended-upgrade") and values and values[-1] not in {"0", ""}:
        yield Finding(Level.OK, "host.updates", SUBJECT, "security updates come by themselves")
        return
    cure = "apt install unattended-upgrades; dpkg-reconfigure -plow unattended-upgrades"
    yield Finding(Level.WARNING, "host.updates", SUBJECT, "security updates do not come by themselves", cure)


def _clock(host: Host) -> Iterator[Finding]:
    """The clock follows network time: closes are computed from it."""
    said = (host.ask(["timedatectl", "show", "--property=NTPSynchronized", "--value"]) or "").strip()
    if said == "yes" or host.has("run/systemd/timesync/synchronized"):
        yield Finding(Level.OK, "host.clock", SUBJECT, "the clock follows network time")
    elif said == "no":
        cause = "the clock does not follow network time: candles would be asked for at wrong moments"
        yield Finding(Level.WARNING, "host.clock", SUBJECT, cause, "timedatectl set-ntp true")
    else:
        cause = "whether the clock follows network time is not known: timedatectl does not tell"
        cure = "is systemd-timesyncd or chrony running? `ninja-daemon check` compares with the broker's clock"
        yield Finding(Level.INFO, "host.clock.unknown", SUBJECT, cause, cure)


def _memory(host: Host) -> Iterator[Finding]:
    """What Redis says about it at its start, where Redis is on this machine."""
    if not any(host.has(f"usr/bin/{name}") for name in _REDIS_NAMES):
        return
    if (host.text("proc/sys/vm/overcommit_memory") or "1").strip() != "1":
        cause = "vm.overcommit_memory is not 1: Redis may fail to write its file when memory is short"
        cure = "echo vm.overcommit_memory=1 > /etc/sysctl.d/60-redis.conf; sysctl --system"
        yield Finding(Level.INFO, "host.overcommit", SUBJECT, cause, cure)
    if "[always]" in (host.text("sys/kernel/mm/transparent_hugepage/enabled") or ""):
        cause = "transparent huge pages are always on: Redis's memory grows and its answers stall while it saves"
        cure = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, and transparent_hugepage=madvise at boot"
        yield Finding(Level.INFO, "host.hugepages", SUBJECT, cause, cure)
    sizes = dict(re.findall(r"^(MemTotal|SwapTotal):\s+(\d+)", host.text("proc/meminfo") or "", re.MULTILINE))
    if sizes.get("SwapTotal") == "0" and int(sizes.get("MemTotal", _SMALL)) < _SMALL:
        cause = f"{int(sizes['MemTotal']) // 1024} MB of memory and no swap: an update may end with a process killed"
        cure = (
            "fallocate -l 1G /swapfile; chmod 600 /swapfile; mkswap /swapfile; swapon /swapfile; the same in /etc/fstab"
        )
        yield Finding(Level.INFO, "host.swap", SUBJECT, cause, cure)
