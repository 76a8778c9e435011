"""Log records as entries of the systemd journal, with fields that ``journalctl FIELD=value`` finds.

The native protocol of journald: one datagram an entry, a memory file for what is too large for one. Everything in a
record is redacted, escaped and cut before it comes here. A journal that is full or gone blocks nobody: the record goes
to standard error instead.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Mapping
from typing import Final, TextIO

SOCKET: Final = "/run/systemd/journal/socket"
_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_LONGEST_NAME: Final = 64


def is_journal(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether what is written to ``stream`` goes to the journal anyway, as lines ($JOURNAL_STREAM says so)."""
    named = (os.environ if environ is None else environ).get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"


class JournalSocket:
    """The way to journald; connected anew whenever it was lost."""

    def __init__(self, path: str = SOCKET) -> None:
        """Name the socket.

        Args:
            path: where journald listens.
        """
        self._path = path
        self._socket: socket.socket | None = None

    def send(self, fields: Iterable[tuple[str, str]]) -> bool:
        """Send one entry; False when it could not be handed over."""
        entry = b"".join(_encoded(name, value) for name, value in fields)
        # The second try is for a journald that has been restarted.
        return self._sent(entry) or self._sent(entry)

    def close(self) -> None:
        """Let the socket go."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _sent(self, entry: bytes) -> bool:
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.settimeout(0.0)
                self._socket.connect(self._path)
            self._socket.send(entry)
        except OSError as error:
            if self._socket is not None and error.errno in _TOO_LARGE:
                return self._sent_as_file(self._socket, entry)
            self.close()
            return False
        return True

    def _sent_as_file(self, line: socket.socket, entry: bytes) -> bool:
        try:
            handle = os.memfd_create("journal-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError:
            return False
        try:
            os.write(handle, entry)
            fcntl.fcntl(handle, fcntl.F_ADD_SEALS, _SEALS)
            line.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))])
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


_TOO_LARGE: Final = frozenset({errno.EMSGSIZE, errno.ENOBUFS})


def _encoded(name: str, value: str) -> bytes:
    text = value.encode("utf-8", "replace")
    if b"\n" not in text:
        return b"%s=%s\n" % (name.encode(), text)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(text)), text)


def field_name(name: str) -> str:
    """Return a name as the journal takes it: capitals, digits and underscores, with our prefix."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name).strip("_").upper()
    return f"NINJA_{plain}"[:_LONGEST_NAME]
