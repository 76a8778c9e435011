"""Look-ups of host names that end in time.

The system's look-up takes no deadline and cannot be interrupted: with name servers that swallow questions it lasts half
a minute and more. So it runs in a thread that is given up when it takes too long. A second caller with the same name
meanwhile waits for the look-up that is under way: a resolver that hangs costs one thread a name, however often it is
asked.
"""

from __future__ import annotations

import re
import socket
import threading
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

HOST: Final = re.compile(r"[A-Za-z0-9._\-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
"""A host name or an address, as it may stand in settings."""
LARGEST_PORT: Final = 65_535
Address: TypeAlias = tuple[socket.AddressFamily, tuple[Any, ...]]
"""Family, and what a socket of it connects to."""


class _LookUp:
    """One question to the system."""

    def __init__(self, host: str, port: int) -> None:
        self.done = threading.Event()
        self.found: list[Address] = []
        self.error: OSError | UnicodeError | None = None
        self._asked = (host, port)

    def run(self) -> None:
        host, port = self._asked
        try:
            self.found = _asked_system(host, port)
        except (OSError, UnicodeError) as error:
            self.error = error
        finally:
            with _lock:
                _under_way.pop(self._asked, None)
            self.done.set()


_under_way: Final[dict[tuple[str, int], _LookUp]] = {}
_lock: Final = threading.Lock()


def addresses_of(host: str, port: int, seconds: float) -> list[Address]:
    """Return where a host can be reached, the system's preference first; an address is its own.

    Raises:
        TimeoutError: the look-up took longer than ``seconds``.
        OSError, UnicodeError: there is no such name, or it cannot be one.
    """
    if _is_address(host):
        return _asked_system(host, port)
    with _lock:
        look_up = _under_way.get((host, port))
        if look_up is None:
            look_up = _under_way[host, port] = _LookUp(host, port)
            threading.Thread(target=look_up.run, name=f"look-up {host}", daemon=True).start()
    if not look_up.done.wait(max(0.0, seconds)):
        message = f"the look-up of the name {host} took longer than {seconds:.3g} s"
        raise TimeoutError(message)
    if look_up.error is not None:
        # A new one each time: several threads may raise what one look-up found.
        raise type(look_up.error)(*look_up.error.args)
    return look_up.found


def _asked_system(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in found]


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True
