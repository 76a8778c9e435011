"""Reached from outside: the firewall, and Redis' port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.host.machine import SUBJECT, Host
from ninja_daemon.app.settings.addresses import REDIS_PORT
from ninja_daemon.app.settings.environment import Environment

_LISTENING: Final = "0A"
"""State of a socket in /proc/net/tcp."""


def check_firewall(host: Host) -> Iterator[Finding]:
    """Unrequested connections should be refused: by ufw, nftables, firewalld or plain iptables."""
    found = _ufw(host) or _nftables(host) or _iptables(host)
    if found:
        yield Finding(
            Level.OK, "host.firewall", SUBJECT, f"what comes from outside is refused unless allowed ({found})"
        )
        return
    cause = "no firewall of this machine refuses what comes from outside (one of the hoster's cannot be seen from here)"
    cure = "apt install ufw; ufw default deny incoming; ufw allow OpenSSH; ufw enable"
    yield Finding(Level.WARNING, "host.firewall", SUBJECT, cause, cure)


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


def redis_ports(environment: Environment) -> frozenset[int]:
    """Return the usual port, and that of our Redis where it is on this machine."""
    host, _, rest = environment.redis_label.rpartition(":")
    port = rest.partition("/")[0]
    ours = {int(port)} if host in {"127.0.0.1", "[::1]"} and port.isdecimal() else set[int]()
    return frozenset({REDIS_PORT, *ours})


def check_open_ports(host: Host, ports: frozenset[int]) -> Iterator[Finding]:
    """Check that Redis listens on this machine only."""
    public = {
        f"port {port} of {'all addresses' if address.is_unspecified else address}"
        for address, port in _listening(host)
        if port in ports and not address.is_loopback
    }
    if public:
        cause = f"Redis listens on {', '.join(sorted(public))}: anybody who reaches it can try passwords"
        cure = "bind 127.0.0.1 -::1 in its configuration, or let `make install-redis` set it up"
        yield Finding(Level.ERROR, "host.redis_public", SUBJECT, cause, cure)
    else:
        yield Finding(Level.OK, "host.redis_public", SUBJECT, "Redis does not listen for other machines")


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
