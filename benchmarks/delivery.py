"""How long a signal takes from the push to the list until a destination has accepted it."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import redis

from benchmarks.children import Child, clean_environment, redis_server
from benchmarks.latency import product
from benchmarks.results import Chapter, Figure, Table, quantile
from benchmarks.signals import signal_texts
from ninja_daemon.adapters.stored.signal import decode_signal

COUNT: Final = 500
_FIRST: Final = 20
_PAUSE: Final = 0.01
_LIMIT: Final = 20.0
_TEXT: Final = """\
One notifier process, Redis with its append-only file, a webhook on this machine. Signals are pushed one at a time; the
time runs from the push until the destination has read the post, the ledger's note on disk included for the one before.
The same again while another destination, which is sent every signal, too, accepts connections and never answers.
"""
_CONFIG: Final = """\
[strategies.EUR_USD_H4]
instrument = "EUR_USD"
timeframe = "H4"
fast_ma = 3
slow_ma = 5
"""


def measure(*, quick: bool) -> Chapter:
    """Measure with one destination, then with a second one that hangs."""
    count = 40 if quick else COUNT
    found = {}
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        never = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        for title, more in (("one destination", {}), ("another one hangs", {"deaf": never})):
            found[title] = _measured(count, more)[min(_FIRST, count // 2) :]
    rows = [
        [title, *(f"{quantile(took, share) * 1e3:.1f} ms" for share in (0.5, 0.95, 0.99)), f"{max(took) * 1e3:.1f} ms"]
        for title, took in found.items()
    ]
    alone, beside = (quantile(took, 0.5) * 1e3 for took in found.values())
    return Chapter(
        "From the push to the accepted post",
        _TEXT,
        [Table(["", "p50", "p95", "p99", "max"], rows)],
        [
            Figure("delivery", "p50 from the push to the list to the post", alone, f"{alone:.2f} ms"),
            Figure("delivery-beside", "the same while another destination hangs", beside, f"{beside:.2f} ms"),
        ],
    )


def _measured(count: int, more: dict[str, str]) -> list[float]:
    """Return the seconds that each signal took."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(redis_server(directory))
        mailbox = stack.enter_context(Child("mailbox"))
        destinations = {"desk": f"{mailbox.ready['url']}/"} | more
        names = ", ".join(f'"{name}"' for name in destinations)
        tables = [
            f'[destinations.{name}]\nchannel = "webhook"\nurl = "{url}"\ninsecure = true\n'
            for name, url in destinations.items()
        ]
        text = "\n".join([_CONFIG, *tables, f"[[routes]]\nmatch = {{}}\nto = [{names}]\n"])
        (directory / "ninja.toml").write_text(text)
        environment = clean_environment(
            REDIS_URL=server.url,
            NINJA_CONFIG=str(directory / "ninja.toml"),
            NINJA_STATE_DIR=str(directory / "state"),
        )
        stack.enter_context(product("notify", environment))
        client = stack.enter_context(redis.Redis.from_url(server.url))
        return _push(client, mailbox, count)


def _push(client: redis.Redis, mailbox: Child, count: int) -> list[float]:
    pushed = {}
    pause = threading.Event()
    for text in signal_texts(count):
        pushed[decode_signal(text).id] = time.time()
        client.rpush("{ninja}:signals", text)
        pause.wait(_PAUSE)
        if len(pushed) == 1:
            _wait_for(mailbox, 1)  # the notifier may still be starting
    arrived = _wait_for(mailbox, count)
    return [arrived[name] - at for name, at in pushed.items()]


def _wait_for(mailbox: Child, count: int) -> dict[str, float]:
    deadline = time.monotonic() + _LIMIT
    while len(arrived := mailbox.ask()) < count:
        if time.monotonic() > deadline:
            message = f"{count} posts must come within {_LIMIT:g} s, {len(arrived)} came"
            raise RuntimeError(message)
        time.sleep(0.05)
    return arrived
