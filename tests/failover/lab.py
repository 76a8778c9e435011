"""Machines without hardware: network namespaces, and a router between them that can swallow packets.

The thread that enters the lab lives in the router's namespace, with every thread and process that it starts afterwards:
broker, receiver and test reach every machine. What the router swallows vanishes without a word: sockets stay open, as
with a pulled cable. Everything is gone with the process that made it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from tests.places import NEW_NETWORK, Place, enter, libc

_FIRST_RULE: Final = 10


@dataclass(frozen=True, slots=True)
class Lab:
    """Machines on one router; made by ``lab``."""

    places: tuple[Place, ...]

    def cut(self, some: Iterable[Place], others: Iterable[Place]) -> None:
        """Let no packet through between two groups of machines any more."""
        pairs = list(product(some, others))
        for one, other in [*pairs, *((other, one) for one, other in pairs)]:
            _run(f"ip rule add pref {_FIRST_RULE} from {one.address} to {other.address} blackhole")

    def heal(self) -> None:
        """Let all packets through again."""
        while _rules():
            _run(f"ip rule del pref {_FIRST_RULE}")

    def others(self, place: Place) -> list[Place]:
        """All machines but one."""
        return [each for each in self.places if each is not place]

    @contextmanager
    def loses(self, place: Place, share: float) -> Iterator[None]:
        """Swallow everything to and from a machine for this share of the time, in bursts of some 20 ms."""
        over = threading.Event()

        def flap() -> None:
            while not over.is_set():
                self.cut([place], self.others(place))
                time.sleep(0.02)
                self.heal()
                over.wait(0.02 / share - 0.02)

        thread = threading.Thread(target=flap)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def lab(machines: int) -> Iterator[Lab]:
    """Move this thread into a network of its own with that many machines; skip the test where that is not allowed."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    with ExitStack() as stack:
        stack.callback(os.close, before)
        _unshare()
        stack.callback(enter, before)
        _run("ip link set lo up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
        yield Lab(tuple(stack.enter_context(_machine(number)) for number in range(1, machines + 1)))


@contextmanager
def _machine(number: int) -> Iterator[Place]:
    """A namespace with one network card, for as long as the process lives that holds it."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; read -r _"], stdin=-1, stdout=-1)
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdout.readline()
    network = f"10.77.{number}"
    place = Place(f"{network}.2", f"/proc/{holder.pid}/ns/net")
    inside = " ".join(place.within)
    for command in (
        f"ip link add lab{number} type veth peer name eth0 netns {holder.pid}",
        f"ip addr add {network}.1/24 dev lab{number}",
        f"ip link set lab{number} up",
        f"{inside} ip link set lo up",
        f"{inside} ip addr add {network}.2/24 dev eth0",
        f"{inside} ip link set eth0 up",
        f"{inside} ip route add default via {network}.1",
    ):
        _run(command)
    try:
        yield place
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def _unshare() -> None:
    if libc().unshare(NEW_NETWORK):
        reason = os.strerror(ctypes.get_errno())
        pytest.skip(f"network namespaces cannot be made here ({reason}); run this test as root of a whole machine")


def _run(command: str) -> None:
    subprocess.run(command.split(), check=True, capture_output=True)


def _rules() -> bool:
    found = subprocess.run(["ip", "rule", "list", "pref", str(_FIRST_RULE)], capture_output=True, check=True)
    return bool(found.stdout.strip())
