"""What pictures cost the posts that they are added to, and how long a picture takes."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

import redis

from benchmarks.children import Child, clean_environment, redis_server
from benchmarks.latency import product
from benchmarks.results import Chapter, Table, at_most, quantile
from benchmarks.signals import signal_texts
from ninja_daemon.adapters.stored.picture_pack import encode_pack
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.pictures.signal_view import CANDLES, AverageLine, SignalView

BURST: Final = 340
ROUNDS: Final = 6
_ALONE: Final = 25
_PAUSE: Final = 0.05
_APART: Final = 0.4
_LIMIT: Final = 60.0
_SHOWN: Final = 0.6
_UNCHANGED: Final = 1.05
_TEXT: Final = """\
One notifier, Redis with its append-only file, a Discord webhook on this machine, the candles of each signal left beside
it. Signals are pushed one at a time, 0.4 s or a picture apart, and then 340 at once; the time runs from the push until
the destination has read the post. The same without `picture = true`, in turn;
medians of the rounds.
"""
_CONFIG: Final = """\
[strategies.EUR_USD_H4]
instrument = "EUR_USD"
timeframe = "H4"
fast_ma = 3
slow_ma = 5

[destinations.club]
channel = "discord"
insecure = true
rate = "none"
"""
_Found = dict[str, list[float]]
_KINDS: Final = {
    "one at a time, p50": 0.5,
    "one at a time, p99": 0.99,
    "340 at once, p50": 0.5,
    "340 at once, p99": 0.99,
}


def measure(*, quick: bool) -> Chapter:
    """Measure with pictures and without, in turn."""
    alone, burst, rounds = (1, 2, 1) if quick else (_ALONE, BURST, ROUNDS)
    found: dict[bool, list[_Found]] = {True: [], False: []}
    for number in range(rounds):
        for has_pictures in (True, False) if number % 2 else (False, True):
            found[has_pictures].append(_measured(alone, burst, has_pictures=has_pictures))
    rows, ratios = [], []
    for title, share in _KINDS.items():
        without, with_them = (
            median(quantile(one[title.partition(",")[0]], share) for one in found[has]) for has in (False, True)
        )
        ratios.append(with_them / without)
        rows.append([title, *(f"{each * 1e3:.1f} ms" for each in (without, with_them)), f"{ratios[-1]:.2f}"])
    shown = median(took for one in found[True] for took in one["picture"])
    rows.append(["picture, p50", "–", f"{shown * 1e3:.0f} ms", "–"])
    return Chapter(
        "Pictures",
        _TEXT,
        [Table(["from the push to the", "without", "with pictures", "ratio"], rows)],
        [
            at_most("picture-shown", "p50 from the push to the list to the picture", shown, _SHOWN, " s"),
            at_most("picture-post", "p50 of a post with pictures, over that without", ratios[0], _UNCHANGED, "×"),
            at_most("picture-post-tail", "p99 of the same", ratios[1], _UNCHANGED, "×"),
            at_most("picture-burst", "p50 of 340 posts at once with pictures", ratios[2], _UNCHANGED, "×"),
            at_most("picture-burst-tail", "p99 of the same", ratios[3], _UNCHANGED, "×"),
        ],
    )


def _measured(alone: int, burst: int, *, has_pictures: bool) -> _Found:
    """Return seconds by what they were measured of."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(redis_server(directory))
        mailbox = stack.enter_context(Child("mailbox"))
        url = f'url = "{mailbox.ready["url"]}/api/webhooks/1/club"\npicture = {str(has_pictures).lower()}\n'
        (directory / "ninja.toml").write_text(_CONFIG + url)
        environment = clean_environment(
            REDIS_URL=server.url,
            NINJA_CONFIG=str(directory / "ninja.toml"),
            NINJA_STATE_DIR=str(directory / "state"),
        )
        stack.enter_context(product("notify", environment))
        client = stack.enter_context(redis.Redis.from_url(server.url))
        return _push(client, mailbox, (alone, burst), has_pictures=has_pictures)


def _push(client: redis.Redis, mailbox: Child, counts: tuple[int, int], *, has_pictures: bool) -> _Found:
    alone, burst = counts
    texts = signal_texts(1 + alone + burst)
    for text in texts:
        signal = decode_signal(text)
        client.set(f"{{ninja}}:picture:{signal.id}", _pack(text), ex=3_600)
    found: _Found = {"one at a time": [], "340 at once": [], "picture": []}
    pushed = time.time()
    for number, text in enumerate(texts[: 1 + alone]):
        before = mailbox.ask()
        pushed = time.time()
        client.rpush("{ninja}:signals", text)
        came = _wait_for(mailbox, len(before) + 1 + has_pictures)
        new = {name: at - pushed for name, at in came.items() if name not in before}
        if number:  # at the first one the notifier may still be starting
            found["one at a time"] += [took for name, took in new.items() if not name.startswith("picture")]
            found["picture"] += [took for name, took in new.items() if name.startswith("picture")]
        threading.Event().wait(max(_PAUSE, pushed + _APART - time.time()))
    before = mailbox.ask()
    pushed = time.time()
    client.rpush("{ninja}:signals", *texts[1 + alone :])
    while len(posts := _posts(mailbox.ask(), before)) < burst and time.time() - pushed < _LIMIT:
        threading.Event().wait(_PAUSE)
    found["340 at once"] = [at - pushed for at in posts]
    return found


def _posts(came: dict[str, float], before: dict[str, float]) -> list[float]:
    return [at for name, at in came.items() if name not in before and not name.startswith("picture")]


def _wait_for(mailbox: Child, count: int) -> dict[str, float]:
    deadline = time.monotonic() + _LIMIT
    while len(came := mailbox.ask()) < count:
        if time.monotonic() > deadline:
            message = f"{count} posts and pictures must come within {_LIMIT:g} s, {len(came)} came"
            raise RuntimeError(message)
        threading.Event().wait(0.01)
    return dict(came)


def _pack(text: str) -> str:
    """Return candles that end at a signal's."""
    signal = decode_signal(text)
    close = int(signal.close.scaleb(5))
    places = range(CANDLES)
    candles = [
        Candle(signal.time + (place + 1 - CANDLES) * 14_400, close, close + 100 + place, close - 100, close)
        for place in places
    ]
    fast, slow = ([(period * close + place, period) for place in places] for period in (3, 5))
    return encode_pack(SignalView(signal, 5, candles, AverageLine("SMA 3", fast), AverageLine("SMA 5", slow)))
