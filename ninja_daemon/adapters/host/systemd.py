"""Tells systemd the state of a service (sd_notify): ready, status, alive, stopping."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Final

_LONGEST_STATUS: Final = 300


class ServiceManager:
    """The socket of systemd. Nothing is sent where there is none, and a failed send is ignored."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Read where systemd listens.

        Args:
            environ: where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are; None for the process's own.
        """
        environ = os.environ if environ is None else environ
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog = _watchdog(environ)
        """Seconds within which systemd wants to hear that we work; None when it does not."""
        self._status = ""

    def ready(self) -> None:
        """Say that the service has started."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Say that it has begun to stop."""
        self._tell("STOPPING=1")

    def works(self) -> None:
        """Say that work goes on; without it for ``watchdog`` seconds systemd kills and restarts the service."""
        if self.watchdog is not None:
            self._tell("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """Say in one line how it is, for ``systemctl status``; nothing when that has not changed."""
        line = " ".join(sentence.split())[:_LONGEST_STATUS]
        if line != self._status:
            self._status = line
            self._tell(f"STATUS={line}")

    def _tell(self, state: str) -> None:
        if self._address is None:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.settimeout(0.0)
            line.sendto(state.encode("utf-8", "replace"), self._address)


def _address(name: str) -> str | None:
    """Return the socket's address; an abstract one begins with a zero byte, written ``@``."""
    if not name.startswith(("/", "@")):
        return None
    return "\0" + name[1:] if name.startswith("@") else name


def _watchdog(environ: Mapping[str, str]) -> float | None:
    microseconds, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0 or process not in {"", str(os.getpid())}:
        return None
    return int(microseconds) / 1e6
