"""A broker that costs next to nothing: hourly candles written out beforehand, an answer is a slice of them.

The simulator draws its market while it answers, and a benchmark against it would measure mostly that. This server runs
in a process of its own; ``Canned`` in ``benchmarks.children`` starts it and tells it the time. It speaks as much of the
v20 REST API as the contenders need: candles of a series, the newest candles of many, the account's instruments.
Bodies are sent as they are, not gzipped; with ``weigh`` on it works out what they would be when packed.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import socket
import sys
import time
from collections import defaultdict, deque
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

HOUR: Final = 3_600
BEGIN: Final = 1_672_531_200
"""Open of the first candle: 2023-01-01T00:00:00Z."""
CANDLES: Final = 1_300
WALKS: Final = 68
"""Different series; more instruments than that share them, which no contender can tell."""
ACCOUNT: Final = "101-001-0000001-001"
_PLAIN_PAGE: Final = 500


def instrument_names(count: int) -> list[str]:
    """Return so many names of the length of real ones."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [
        f"{letters[index // 676 % 26]}{letters[index // 26 % 26]}{letters[index % 26]}_USD" for index in range(count)
    ]


class Candles:
    """One walk, each candle in the bytes in which it is sent."""

    def __init__(self, seed: int, count: int) -> None:
        """Write so many candles."""
        walk = random.Random(seed)
        close = 110_000
        self.complete: list[bytes] = []
        self.forming: list[bytes] = []
        for index in range(count):
            opened, close = close, max(50_000, close + walk.randint(-150, 150))
            high, low = max(opened, close) + walk.randint(0, 60), min(opened, close) - walk.randint(0, 60)
            time = datetime.fromtimestamp(BEGIN + index * HOUR, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
            prices = ",".join(
                f'"{name}":"{price // 100_000}.{price % 100_000:05d}"'
                for name, price in zip("ohlc", (opened, high, low, close), strict=True)
            )
            rest = f'"volume":{walk.randint(100, 9_999)},"time":"{time}","mid":{{{prices}}}}}'
            self.complete.append(f'{{"complete":true,{rest}'.encode())
            self.forming.append(f'{{"complete":false,{rest}'.encode())

    def slice(self, start: int, stop: int, forming: int) -> bytes:
        """Write the candles from ``start`` to before ``stop``; the one at ``forming`` as such."""
        parts = self.complete[max(0, start) : min(stop, forming)]
        if start <= forming < stop:
            parts.append(self.forming[forming])
        return b",".join(parts)


class Broker:
    """What the server knows and has counted."""

    def __init__(self, walks: int, candles: int) -> None:
        """Write the market down."""
        self.walks = [Candles(seed, candles) for seed in range(walks)]
        self.now = BEGIN + HOUR
        self.delay = 0.0
        self.weighs = False
        self.counts = dict.fromkeys(("requests", "connections", "bytes", "packed", "candles"), 0)
        self._lately: dict[str, deque[float]] = defaultdict(deque)

    def count(self, what: str) -> None:
        """Count a request or a connection, and the most of them that ever came within one second."""
        lately, now = self._lately[what], time.monotonic()
        lately.append(now)
        while now - lately[0] >= 1.0:
            lately.popleft()
        most = f"most_{what}"
        self.counts[what] += 1
        self.counts[most] = max(self.counts.get(most, 0), len(lately))

    def answer(self, target: str) -> bytes:
        """Answer a request, and count it."""
        path, _, text = target.partition("?")
        query = dict(parse_qsl(text))
        parts = path.strip("/").split("/")
        if parts[-1] == "latest":
            specifications = query["candleSpecifications"].split(",")
            named = [specification.split(":") for specification in specifications]
            series = [self._series(name, granularity, -2, 0) for name, granularity, _ in named]
            body = b'{"latestCandles":[' + b",".join(series) + b"]}"
        elif parts[-1] == "instruments":
            body = _instruments(instrument_names(2_000))
        else:
            body = self._series(parts[-2], query.get("granularity", "H1"), *self._span(query))
        counts = self.counts
        self.count("requests")
        counts["bytes"] += len(body)
        if self.weighs:
            counts["packed"] += len(gzip.compress(body, 1, mtime=0))
            counts["candles"] += body.count(b'"complete"')
        return body

    def _series(self, name: str, granularity: str, start: int, stop: int) -> bytes:
        """Write a series' candles; places below one count back from the one that forms."""
        forming = self._forming
        walk = self.walks[_place(name) % len(self.walks)]
        if stop <= 0:
            start, stop = forming + 1 + start, forming + 1 + stop
        candles = walk.slice(start, min(stop, forming + 1), forming)
        return b'{"instrument":"%s","granularity":"%s","candles":[%s]}' % (name.encode(), granularity.encode(), candles)

    def _span(self, query: dict[str, str]) -> tuple[int, int]:
        count = int(query.get("count", _PLAIN_PAGE))
        if "from" in query:
            first = (_instant(query["from"]) - BEGIN) // HOUR
            return max(0, first), max(0, first) + count
        if "to" in query:
            stop = -((BEGIN - _instant(query["to"])) // HOUR)
            return max(0, stop - count), max(1, stop)
        return -count, 0

    @property
    def _forming(self) -> int:
        return (self.now - BEGIN) // HOUR


def _place(name: str) -> int:
    """Return which of ``instrument_names`` this is."""
    first, second, third = (ord(letter) - ord("A") for letter in name[:3])
    return (first * 26 + second) * 26 + third


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp())


def _instruments(names: list[str]) -> bytes:
    rows = [{"name": name, "type": "CURRENCY", "displayPrecision": 5, "pipLocation": -4} for name in names]
    return json.dumps({"instruments": rows, "lastTransactionID": "1"}).encode()


class _Connection(asyncio.Protocol):
    """One client; requests without bodies, one at a time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._broker.count("connections")

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            body = self._broker.answer(head.split(b" ", 2)[1].decode())
            answer = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            if self._broker.delay:
                asyncio.get_running_loop().call_later(self._broker.delay, self._send, answer)
            else:
                self._send(answer)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(walks: int, candles: int, *listening: int) -> None:
    """Serve, and do what comes in on the standard input, one JSON object a line, until that ends.

    Args:
        walks: different series.
        candles: of each.
        listening: sockets that were opened before, besides the one of our own.
    """
    loop = asyncio.get_running_loop()
    broker = Broker(walks, candles)
    server = await loop.create_server(lambda: _Connection(broker), "127.0.0.1", 0)
    for number in listening:
        await loop.create_server(lambda: _Connection(broker), sock=socket.socket(fileno=number))
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"port": server.sockets[0].getsockname()[1]})
    while line := await reader.readline():
        told = json.loads(line)
        broker.now = told.get("now", broker.now)
        broker.delay = told.get("delay", broker.delay)
        broker.weighs = told.get("weigh", broker.weighs)
        _say(broker.counts)
    server.close()


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(*(int(text) for text in sys.argv[1:])) if sys.argv[1:] else _serve(WALKS, CANDLES))
