"""Connections to the simulated broker: HTTP/1.1 byte by byte, with the faults that break it."""

from __future__ import annotations

import gzip
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeAlias, cast
from urllib.parse import parse_qsl, unquote

from ninja_daemon.simulator.answers.broker import SimulatedBroker
from ninja_daemon.simulator.answers.request import Request
from ninja_daemon.simulator.clock import Now
from ninja_daemon.simulator.faults import (
    Answered,
    BrokerFault,
    CutBody,
    CutJson,
    Delay,
    FaultScript,
    GzipBomb,
    Reset,
    Skew,
    SlowBody,
    bomb,
    rendered_headers,
)
from ninja_daemon.simulator.record import Served

_Connection: TypeAlias = socket.socket | tuple[bytes, socket.socket]
_Address: TypeAlias = tuple[str, int] | str
_WORTH_PACKING: Final = 128
_LINGER: Final = struct.Struct("ii")
_RESET_ON_CLOSE: Final = _LINGER.pack(1, 0)


class Owner(Protocol):
    """The server, as its connections see it."""

    @property
    def broker(self) -> SimulatedBroker:
        """Who answers."""

    @property
    def clock(self) -> Now:
        """The server's time."""

    @property
    def faults(self) -> FaultScript:
        """What goes wrong."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the server ends."""

    def note_connection(self) -> int:
        """Count a connection; return its number."""

    def next_request_id(self) -> int:
        """Return a number for a request."""

    def note(self, served: Served) -> None:
        """Keep a request that was answered."""


class HttpServer(ThreadingHTTPServer):
    """Threads and sockets: one daemon thread a connection, all of which end with the server."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: Owner) -> None:
        self.owner = owner
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look at the name of the host that the base class takes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: _Connection, client_address: _Address) -> None:
        """Serve a connection on a thread that ``end_connections`` knows."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="simulator-connection", daemon=True
        )
        with self._lock:
            self._open[cast("socket.socket", request)] = thread
        thread.start()

    def close_request(self, request: _Connection) -> None:
        """Close a connection and forget it."""
        with self._lock:
            self._open.pop(cast("socket.socket", request), None)
        super().close_request(request)

    def end_connections(self) -> None:
        """Close all open connections and wait for their threads."""
        with self._lock:
            still_open = dict(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has ended by itself
        for thread in still_open.values():
            thread.join()

    def handle_error(self, request: _Connection, client_address: _Address) -> None:
        """Say nothing of clients that went away; everything else is a mistake of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def shutdown_request(self, request: _Connection) -> None:
        """Close a connection; abruptly where a fault has asked for it, else after what was sent has arrived."""
        connection = cast("socket.socket", request)
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size) == _RESET_ON_CLOSE:
            self.close_request(request)
        else:
            super().shutdown_request(request)


class _Reply(NamedTuple):
    """An answer in bytes.

    Attributes:
        status: HTTP status.
        body: the body as it is sent.
        content_type: of the body.
        encoding: its Content-Encoding, empty without.
        headers: more headers.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    encoding: str = ""
    headers: Mapping[str, str] = MappingProxyType({})


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Take a number."""
        super().setup()
        self._owner = cast("HttpServer", self.server).owner
        self._number = self._owner.note_connection()

    def do_GET(self) -> None:
        """Answer a request."""
        received = time.monotonic()
        request = self._request()
        faults = self._owner.faults.take(request.asked())
        effects = [fault.effect for fault in faults]
        now = self._owner.clock.now() + sum(effect.seconds for effect in effects if isinstance(effect, Skew))
        reply = self._reply(request, now, faults)
        for effect in effects:
            if isinstance(effect, Delay):
                self._owner.stopping.wait(effect.seconds)
        cut = next((effect for effect in effects if isinstance(effect, CutBody)), None)
        is_reset = any(isinstance(effect, Reset) for effect in effects)
        size = 0 if is_reset else len(reply.body) if cut is None else min(cut.keep, len(reply.body))
        # Noted first: a client that has its answer finds it in the list.
        status = 0 if is_reset else reply.status
        self._owner.note(
            Served(received, self._number, request.method, request.path, request.query, status, size, faults)
        )
        if is_reset:
            self._reset()
            return
        slow = next((effect for effect in effects if isinstance(effect, SlowBody)), None)
        self._send(reply, now, size, slow)

    def do_POST(self) -> None:
        """Refuse a request that would change something; its body is not read, so the connection ends."""
        self.close_connection = True
        self.do_GET()

    do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_POST  # noqa: N815 - the base class looks for these

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Print nothing: who started the server is told of each request."""

    def _request(self) -> Request:
        path, _, text = self.path.partition("?")
        query = dict(parse_qsl(text, keep_blank_values=True))
        is_unix = self.headers.get("Accept-Datetime-Format", "").upper() == "UNIX"
        return Request(self.command, unquote(path), query, self.headers.get("Authorization", ""), is_unix)

    def _reply(self, request: Request, now: float, faults: Sequence[BrokerFault]) -> _Reply:
        reply = self._instead(faults, now)
        if reply is None:
            answer = self._owner.broker.answer(request, now, faults)
            reply = _Reply(answer.status, answer.text.encode())
        for fault in faults:
            if isinstance(fault.effect, CutJson):
                reply = reply._replace(body=reply.body[: fault.effect.keep])
            elif isinstance(fault.effect, GzipBomb):
                return _Reply(200, bomb(fault.effect.megabytes), encoding="gzip")
        accepts_gzip = "gzip" in self.headers.get("Accept-Encoding", "")
        if accepts_gzip and len(reply.body) >= _WORTH_PACKING:
            return reply._replace(body=gzip.compress(reply.body, 1, mtime=0), encoding="gzip")
        return reply

    @staticmethod
    def _instead(faults: Sequence[BrokerFault], now: float) -> _Reply | None:
        for fault in faults:
            if isinstance(fault.effect, Answered):
                effect = fault.effect
                headers = rendered_headers(effect, now)
                return _Reply(effect.status, effect.body, effect.content_type, headers=headers)
        return None

    def _send(self, reply: _Reply, now: float, size: int, slow: SlowBody | None) -> None:
        body = reply.body[:size]
        if size < len(reply.body):
            self.close_connection = True
        head = self._head(reply, now)
        if self.command == "HEAD":
            self.wfile.write(head)
        elif slow is None:
            self.wfile.write(head + body)
        else:
            self.wfile.write(head)
            for at in range(0, len(body), slow.size):
                self._owner.stopping.wait(slow.pause)
                self.wfile.write(body[at : at + slow.size])

    def _head(self, reply: _Reply, now: float) -> bytes:
        headers = {
            "Date": formatdate(now, usegmt=True),
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            "RequestID": str(self._owner.next_request_id()),
            **({"Content-Encoding": reply.encoding} if reply.encoding else {}),
            **({"Connection": "close"} if self.close_connection else {}),
            **reply.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{lines}\r\n".encode("latin-1")

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
