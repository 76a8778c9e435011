"""An HTTP proxy on loopback that makes tunnels by CONNECT, or refuses to."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TUNNELLED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class TunnelProxy:
    """Notes what was asked for; ``user`` makes it ask for a name and password."""

    def __init__(self, user: str = "") -> None:
        self.asked: list[str] = []
        self.allowed = base64.b64encode(user.encode()).decode()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (byte := connection.recv(1)):
                return
            head += byte
        text = head.decode()
        self.asked.append(text.split()[1])
        if self.allowed and f"Basic {self.allowed}" not in text:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            connection.close()
            return
        host, _, port = text.split()[1].rpartition(":")
        other = socket.create_connection((host.strip("[]"), int(port)))
        self._open.append(other)
        connection.sendall(_TUNNELLED)
        for source, sink in ((connection, other), (other, connection)):
            threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()

    def stop(self) -> None:
        for one in (*self._open, self._listener):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def tunnel_proxy(user: str = "") -> Iterator[TunnelProxy]:
    """A proxy for the length of a block."""
    made = TunnelProxy(user)
    try:
        yield made
    finally:
        made.stop()
