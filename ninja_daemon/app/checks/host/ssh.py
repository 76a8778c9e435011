"""The ssh server: keys only, and nobody comes in as root by a password."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.host.machine import SUBJECT, Host, Unknown

_DEEPEST_INCLUDE: Final = 4
_SSH_CURE: Final = "in /etc/ssh/sshd_config.d/10-keys.conf; systemctl reload ssh"


def check_ssh(host: Host) -> Iterator[Finding]:
    """Keys only, and nobody comes in as root by a password."""
    text = host.text("etc/ssh/sshd_config")
    if text is None:
        yield Finding(Level.INFO, "host.ssh", SUBJECT, "no ssh server is configured")
        return
    unread: list[str] = []
    settings = _sshd_settings(host, text, unread)
    passwords = settings.get("passwordauthentication", "yes")
    root = settings.get("permitrootlogin", "prohibit-password")
    if passwords != "no":
        cause = "ssh accepts passwords, which are guessed all day long"
        yield _doubtful(unread, "password", cause, f"log in by a key, then PasswordAuthentication no {_SSH_CURE}")
    if root == "yes":
        cause = "ssh lets root in with a password"
        yield _doubtful(unread, "root", cause, f"PermitRootLogin prohibit-password (or no) {_SSH_CURE}")
    if passwords == "no" and root != "yes":
        yield Finding(Level.OK, "host.ssh", SUBJECT, "ssh wants keys")


def _doubtful(unread: Sequence[str], what: str, cause: str, cure: str) -> Finding:
    """Return the finding, as a doubt when a file that may say otherwise could not be read."""
    if not unread:
        return Finding(Level.WARNING, f"host.ssh_{what}", SUBJECT, cause, cure)
    cause = f"whether {cause.split(',', maxsplit=1)[0]} is not known: {', '.join(unread)} cannot be read"
    return Finding(Level.INFO, f"host.ssh_{what}.unknown", SUBJECT, cause, "sshd -T as root tells")


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
            except Unknown:
                unread.append(f"/{found}")
