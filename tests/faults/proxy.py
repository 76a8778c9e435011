"""A wire to Redis that lies: a TCP proxy in front of a real server, with toxics to put in and take out while it runs.

::

    with Proxy(redis_server) as proxy:
        lost = proxy.add(LoseReply(needle=script("commit").digest, times=1))
        ...  # clients connect to proxy.url
        assert lost.struck == 1

Requests are taken apart into commands, so that a toxic strikes one command of a pipeline and not its neighbours.
Replies go through as bytes, and what befalls a reply befalls all replies to what was sent along with the command.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self, TypeVar
from urllib.parse import quote

from tests.servers import RedisServer

_CHUNK: Final = 65_536
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)
_PATIENCE: Final = 5.0
_END: Final = b"\r\n"


# --- what can go wrong -----------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Toxic:
    """Something that befalls commands.

    Attributes:
        needle: text that the command must contain; any command without one.
        times: how often it strikes at most; without it until it is taken out.
        chance: how likely it is for each command that fits.
        draw: decides, where chance does.
        struck: how often it has struck so far.
    """

    needle: str = ""
    times: int | None = None
    chance: float = 1.0
    draw: random.Random = field(default_factory=lambda: random.Random(0))
    struck: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def strikes(self, command: bytes) -> bool:
        """Decide about a command, and count."""
        with self.lock:
            if self.needle.encode() not in command or self.struck == self.times:
                return False
            if self.chance < 1.0 and self.draw.random() >= self.chance:
                return False
            self.struck += 1
            return True


class LoseRequest(Toxic):
    """The connection breaks before the command arrives."""


class LoseReply(Toxic):
    """The command arrives and is carried out; the connection breaks before its reply comes."""


class Way(Enum):
    """Directions in which a wire can be dead."""

    THERE = "there"
    BACK = "back"
    BOTH = "both"


@dataclass(kw_only=True)
class BlackHole(Toxic):
    """The connection stays open, and from this command on nothing comes through any more."""

    way: Way = Way.BOTH


@dataclass(kw_only=True)
class Delay(Toxic):
    """The reply comes that many seconds late."""

    seconds: float = 0.1


@dataclass(kw_only=True)
class Trickle(Toxic):
    """The reply comes byte by byte, each that many seconds after the other."""

    seconds: float = 0.05


@dataclass(kw_only=True)
class Garbage(Toxic):
    """The command arrives; something else comes in the place of its reply."""

    instead: bytes = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@dataclass(kw_only=True)
class Truncate(Toxic):
    """The command arrives; only the first bytes of its reply come, then the connection ends."""

    keep: int = 3


_T = TypeVar("_T", bound=Toxic)


# --- the wire --------------------------------------------------------------------------------------------------------


class Proxy:
    """Listens on a loopback port for as long as the block lasts.

    Attributes:
        connections: how many were accepted so far.
    """

    def __init__(self, server: RedisServer) -> None:
        """Choose the server behind; it may be killed, restarted and paused while the proxy runs."""
        self.connections = 0
        self._server = server
        self._toxics: list[Toxic] = []
        self._wires: set[_Wire] = set()
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """What clients connect to instead of the server."""
        secret = f":{quote(self._server.password, safe='')}@" if self._server.password is not None else ""
        return f"redis://{secret}127.0.0.1:{self._door.getsockname()[1]}/0"

    def add(self, toxic: _T) -> _T:
        """Put a toxic in."""
        with self._lock:
            self._toxics.append(toxic)
        return toxic

    def remove(self, toxic: Toxic) -> None:
        """Take a toxic out; wires that it has spoilt stay so."""
        with self._lock:
            self._toxics.remove(toxic)

    @contextmanager
    def suffering(self, toxic: _T) -> Iterator[_T]:
        """Have a toxic in for the length of a block."""
        self.add(toxic)
        try:
            yield toxic
        finally:
            self.remove(toxic)

    def cut(self) -> int:
        """Break every open connection with a reset; return how many these were."""
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.reset()
        return len(wires)

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def striking(self, command: bytes) -> Toxic | None:
        """The toxic that befalls a command, if one does."""
        with self._lock:
            toxics = list(self._toxics)
        return next((toxic for toxic in toxics if toxic.strikes(command)), None)

    def forget(self, wire: _Wire) -> None:
        """Know that a wire has ended."""
        with self._lock:
            self._wires.discard(wire)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                upstream = self._connected()
            except OSError:
                _reset(client)
                continue
            wire = _Wire(self, client, upstream)
            with self._lock:
                self.connections += 1
                self._wires.add(wire)
            self._run(wire.carry_there)
            self._run(wire.carry_back)

    def _connected(self) -> socket.socket:
        if self._server.port:
            return socket.create_connection(("127.0.0.1", self._server.port), _PATIENCE)
        upstream = socket.socket(socket.AF_UNIX)
        try:
            upstream.connect(str(self._server.socket))
        except OSError:
            upstream.close()
            raise
        return upstream

    def _run(self, work: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


class _Wire:
    """One client's connection and the one behind it."""

    def __init__(self, proxy: Proxy, client: socket.socket, upstream: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._upstream = upstream
        upstream.settimeout(None)
        self._befalls_reply: Toxic | None = None
        self._over = threading.Event()

    def reset(self) -> None:
        """Break both ends."""
        self._over.set()
        _reset(self._client)
        _reset(self._upstream)
        self._proxy.forget(self)

    def carry_there(self) -> None:
        """Bring commands to the server until the client goes."""
        rest = b""
        with contextlib.suppress(OSError):
            while data := self._client.recv(_CHUNK):
                commands, rest = commands_in(rest + data)
                if not self._bring(commands):
                    return
        self.reset()

    def carry_back(self) -> None:
        """Bring replies to the client until the server goes."""
        with contextlib.suppress(OSError):
            while data := self._upstream.recv(_CHUNK):
                if not self._give(data):
                    break
        self.reset()

    def _bring(self, commands: list[bytes]) -> bool:
        """Send what came together; return whether the wire goes on."""
        there = bytearray()
        befalls: Toxic | None = None
        for command in commands:
            match toxic := self._proxy.striking(command):
                case None:
                    pass
                case LoseRequest():
                    self._last_words(bytes(there))
                    return False
                case BlackHole(way=Way.THERE | Way.BOTH):
                    self._befalls_reply = toxic if toxic.way is Way.BOTH else None
                    self._upstream.sendall(bytes(there))
                    self._swallow()
                    return False
                case _:
                    befalls = toxic
            there += command
        if befalls is not None or commands:
            self._befalls_reply = befalls
        if isinstance(befalls, LoseReply):
            self._last_words(bytes(there))
            return False
        self._upstream.sendall(bytes(there))
        return True

    def _last_words(self, there: bytes) -> None:
        """Bring these commands, have the server carry them out, and let the client go without a reply."""
        if not there:
            self.reset()
            return
        self._befalls_reply = BlackHole(way=Way.BACK)
        self._upstream.sendall(there)
        # The server carries out what it has before it takes note of the end; the client is told after that.
        self._upstream.shutdown(socket.SHUT_WR)

    def _swallow(self) -> None:
        while self._client.recv(_CHUNK):
            pass
        self.reset()

    def _give(self, data: bytes) -> bool:
        """Hand replies over, as the toxic in the wire wants it; return whether the wire goes on."""
        match self._befalls_reply:
            case Delay(seconds=seconds):
                self._over.wait(seconds)
                self._client.sendall(data)
            case Trickle(seconds=seconds):
                for byte in data:
                    self._client.sendall(bytes([byte]))
                    if self._over.wait(seconds):
                        return False
            case Garbage(instead=instead):
                self._client.sendall(instead)
            case Truncate(keep=keep):
                self._client.sendall(data[:keep])
                return False
            case BlackHole():
                pass
            case _:
                self._client.sendall(data)
        return True


def commands_in(data: bytes) -> tuple[list[bytes], bytes]:
    """Take apart what a client sent: whole commands, and the rest that is not whole yet."""
    commands: list[bytes] = []
    begin = 0
    while (end := _end_of_command(data, begin)) is not None:
        commands.append(data[begin:end])
        begin = end
    return commands, data[begin:]


def _end_of_command(data: bytes, begin: int) -> int | None:
    """The place behind the command that begins here: ``*2``, then ``$3``, ``GET``, ``$1``, ``x``, a line each."""
    at = data.find(_END, begin)
    if at < 0:
        return None
    assert data[begin : begin + 1] == b"*", f"a command must begin with *, was {data[begin : begin + 20]!r}"
    count, at = int(data[begin + 1 : at]), at + 2
    for _ in range(count):
        line = data.find(_END, at)
        if line < 0:
            return None
        at = line + 2 + int(data[at + 1 : line]) + 2
        if at > len(data):
            return None
    return at


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    # A thread may still wait in recv, and closing alone would not wake it.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
    connection.close()
