"""A webhook's other end as a child: accepts every post and keeps when each message, and each picture, came.

A post without the header ``webhook-id`` is taken for one to Discord: its answer holds an id, by which it is changed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Final

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID: Final = re.compile(rb"webhook-id: *(\S+)", re.IGNORECASE)
_CHANGED: Final = re.compile(rb"PATCH \S*/messages/(\d+)")


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, arrived: dict[str, float]) -> None:
        self._arrived = arrived
        self._received = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Note each post that is whole, and accept it."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, rest = self._received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._received = rest[size:]
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(_answer(self._noted(head)))

    def _noted(self, head: bytes) -> str:
        """Keep when a message came, and return its id."""
        if changed := _CHANGED.match(head):
            name, key = changed[1].decode(), f"picture {changed[1].decode()}"
        elif found := _ID.search(head):
            name = key = found[1].decode()
        else:
            name = key = str(len(self._arrived) + 1)
        self._arrived.setdefault(key, time.time())
        return name


def _answer(name: str) -> bytes:
    body = json.dumps({"id": name}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _serve() -> None:
    """Serve; each line on the standard input is answered with what has come."""
    loop = asyncio.get_running_loop()
    arrived: dict[str, float] = {}
    server = await loop.create_server(lambda: _Connection(arrived), "127.0.0.1", 0)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    while await reader.readline():
        print(json.dumps(arrived), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
