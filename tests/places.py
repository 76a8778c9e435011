"""Machines that servers and processes of a test run on: this one, or those of ``tests.failover.lab``."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

NEW_NETWORK: Final = 0x40000000
"""CLONE_NEWNET of unshare(2) and setns(2)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A machine.

    Attributes:
        address: where it is reached.
        network: file of its network namespace; empty for this machine's.
    """

    address: str = "127.0.0.1"
    network: str = ""

    @property
    def within(self) -> tuple[str, ...]:
        """What stands before a command that is to run there."""
        return ("nsenter", f"--net={self.network}") if self.network else ()

    def at(self, port: int) -> str:
        """Address and port as they stand in a URL."""
        return f"[{self.address}]:{port}" if ":" in self.address else f"{self.address}:{port}"

    @contextmanager
    def visited(self) -> Iterator[None]:
        """Have this thread live there: the sockets that it opens stay there."""
        if not self.network:
            yield
            return
        before, there = (os.open(path, os.O_RDONLY) for path in ("/proc/thread-self/ns/net", self.network))
        try:
            enter(there)
            yield
        finally:
            enter(before)
            os.close(before)
            os.close(there)


HERE = Place()


def enter(network: int) -> None:
    """Move this thread into a network namespace, by its open file."""
    if libc().setns(network, NEW_NETWORK):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
