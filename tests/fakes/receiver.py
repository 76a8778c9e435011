"""A scripted HTTP server on loopback: what a channel posts to, and what it answers, request by request."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Post:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    method: str = "POST"

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """What it says, escapes of JSON undone."""
        try:
            return str(self.json)
        except ValueError:
            return self.body.decode()


@dataclass(frozen=True)
class Answer:
    """What is answered: an ordinary reply, or one of the ways to misbehave.

    Attributes:
        how: ``reply``; ``hang`` (take it and say nothing); ``reset``; ``close`` (end without an answer);
            ``trickle`` (a byte now and then); ``torn`` (less than was announced); ``garbage`` (no HTTP).
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "reply"

    @classmethod
    def of(cls, status: int, value: object, **headers: str) -> Answer:
        """A reply with a JSON body."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


OK = Answer.of(200, {"id": "1001", "ok": True, "result": {"message_id": 7}})
Script = Callable[[Post], Answer]


class Receiver:
    """The server: ``script`` decides each answer, ``posts`` keeps what came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.scheme = "http" if tls is None else "https"
        self.posts: list[Post] = []
        self.script: Script = lambda _: OK
        self.connections = 0
        self.came = threading.Condition()
        self.let_go = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answers(self, *answers: Answer) -> None:
        """Give these answers one after the other, the last one for ever."""
        left = list(answers)
        self.script = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def wait_for(self, happened: Callable[[Sequence[Post]], bool], limit: float = 15.0) -> None:
        """Wait until the posts are as wanted."""
        with self.came:
            assert self.came.wait_for(lambda: happened(self.posts), limit), f"{len(self.posts)} posts came"

    def wait_for_posts(self, count: int, limit: float = 15.0) -> None:
        """Wait until that many posts have come."""
        self.wait_for(lambda posts: len(posts) >= count, limit)

    def stop(self) -> None:
        """End; whoever hangs is let go."""
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True
    number = 0
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.receiver.came:
            self.server.receiver.connections += 1
            self.number = self.server.receiver.connections

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # its sender was killed in the middle
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        post = Post(self.path, headers, body, self.number, self.command)
        answer = self.server.receiver.script(post)
        with self.server.receiver.came:
            self.server.receiver.posts.append(post)
            self.server.receiver.came.notify_all()
        getattr(self, f"_{answer.how}")(answer)

    # The names that the library looks for.
    do_PATCH = do_PUT = do_GET = do_POST  # noqa: N815

    def _reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(answer.body)

    def _hang(self, answer: Answer) -> None:
        del answer
        self.server.receiver.let_go.wait(20)
        self.close_connection = True

    def _reset(self, answer: Answer) -> None:
        del answer
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _close(self, answer: Answer) -> None:
        del answer
        self.close_connection = True

    def _trickle(self, answer: Answer) -> None:
        del answer
        self.close_connection = True
        with contextlib.suppress(OSError):
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 500:
                self.wfile.write(bytes([letter]))
                if self.server.receiver.let_go.wait(0.05):
                    return

    def _torn(self, answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer.body) + 1000))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = True

    def _garbage(self, answer: Answer) -> None:
        del answer
        self.wfile.write(b"\x00\xff no protocol at all\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        return


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    made = Receiver(tls)
    try:
        yield made
    finally:
        made.stop()
