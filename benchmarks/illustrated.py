"""What pictures cost the posts that they are added to, and how long a picture takes."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import Final

import redis

from benchmarks.children import Child, clean_environment, redis_server
from benchmarks.latency import product
from benchmarks.results import Chapter, Figure, Table, at_most, quantile
from benchmarks.signals import signal_texts
from ninja_daemon.adapters.stored.picture_pack import encode_pack
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.pictures.signal_view import CANDLES, AverageLine, SignalView

BURST: Final = 340
ROUNDS: Final = 4
_TURNS: Final = 9
_BLOCK: Final = 6
_WARM: Final = 2
_APART: Final = 0.3
_LOOK_EVERY: Final = 0.05
_LIMIT: Final = 60.0
_SHOWN: Final = 0.6
_UNCHANGED: Final = 1.05
_TEXT: Final = """\
Three notifiers side by side, each with a Redis of its own (with its append-only file) and a Discord webhook on this
machine; the candles of each signal lie beside it. One has `picture = true`, two have not. How far these two are apart
is the noise: what pictures cost is known no better than that. Signals are pushed one at a time, 0.3 s apart, so that a
picture is there before the next signal, six to one notifier, then six to another, in changing order, so that what else
the machine does strikes all alike; then 340 at once to each. The time runs from the push until the destination has read
the post. All start anew for each of four rounds. The 216 single posts of all rounds are taken together; of those at
once the medians of the rounds are shown. In three runs the p50 of two equal notifiers differed by 1 to 3 %, the p99 of
their single posts by 2 to 23 %.
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
_ALONE, _AT_ONCE, _PICTURE = "one at a time", "340 at once", "picture"
_WITH, _WITHOUT, _AGAIN = "with", "without", "again"
_DRAWN: Final = "picture "
"""What the mailbox puts before the name of a message that gets a picture."""
_Found = dict[str, list[list[float]]]
"""Seconds by what they were measured of, round by round."""


def measure(*, quick: bool) -> Chapter:
    """Measure with pictures, and twice without."""
    rounds, *counts = (1, 1, 1, 2) if quick else (ROUNDS, _TURNS, _BLOCK, BURST)
    found: dict[str, _Found] = {name: defaultdict(list) for name in (_WITH, _WITHOUT, _AGAIN)}
    for number in range(rounds):
        _round(number, counts, found)
    return _chapter(found)


class _Desk:
    """A notifier with a Redis and a webhook of its own."""

    def __init__(self, texts: Sequence[str], *, has_pictures: bool) -> None:
        """Start them, and push the first signals, during which the notifier may still be starting."""
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = stack.enter_context(redis_server(directory))
            self._mailbox = stack.enter_context(Child("mailbox"))
            url = f'url = "{self._mailbox.ready["url"]}/api/webhooks/1/club"\npicture = {str(has_pictures).lower()}\n'
            (directory / "ninja.toml").write_text(_CONFIG + url)
            environment = clean_environment(
                REDIS_URL=server.url,
                NINJA_CONFIG=str(directory / "ninja.toml"),
                NINJA_STATE_DIR=str(directory / "state"),
            )
            stack.enter_context(product("notify", environment))
            self._client = stack.enter_context(redis.Redis.from_url(server.url))
            self.close = stack.pop_all().close
        for text in texts:  # as the daemon leaves them
            self._client.set(f"{{ninja}}:picture:{decode_signal(text).id}", _pack(text), ex=3_600)
        self._texts = iter(texts)
        self._pushed: list[float] = []
        self.push(_WARM)
        self.posts()

    def push(self, count: int = 1) -> None:
        """Push the next signals at once."""
        texts = list(islice(self._texts, count))
        self._pushed += [time.time()] * count
        self._client.rpush("{ninja}:signals", *texts)

    def posts(self) -> list[float]:
        """Wait for the posts of all that was pushed; return how long each took."""
        posts, _ = self._came(pictures=0)
        return [at - pushed for at, pushed in zip(posts.values(), self._pushed, strict=True)]

    def pictures(self) -> list[float]:
        """Wait for the pictures of all that was pushed; return how long each took."""
        posts, pictures = self._came(pictures=len(self._pushed))
        pushed = dict(zip(posts, self._pushed, strict=True))
        return [at - pushed[name] for name, at in pictures.items()]

    def _came(self, pictures: int) -> tuple[dict[str, float], dict[str, float]]:
        """Return when each post came and when each picture, by the names of the messages."""
        deadline = time.monotonic() + _LIMIT
        while time.monotonic() < deadline:
            came = self._mailbox.ask()
            drawn = {name.removeprefix(_DRAWN): at for name, at in came.items() if name.startswith(_DRAWN)}
            posts = {name: at for name, at in came.items() if not name.startswith(_DRAWN)}
            if len(posts) == len(self._pushed) and len(drawn) >= pictures:
                return posts, drawn
            threading.Event().wait(_LOOK_EVERY)
        message = f"{len(self._pushed)} posts and {pictures} pictures must come within {_LIMIT:g} s, did not"
        raise RuntimeError(message)


def _round(number: int, counts: Sequence[int], found: Mapping[str, _Found]) -> None:
    """Start all anew and add what they take to what was found."""
    turns, block, burst = counts
    texts = signal_texts(_WARM + turns * block + burst)
    pause = threading.Event()
    with ExitStack() as stack:
        desks = {}
        for name in _turned(list(found), number):
            desks[name] = _Desk(texts, has_pictures=name == _WITH)
            stack.callback(desks[name].close)
        for turn in range(turns):
            for name in _turned(list(found), number + turn):
                for _ in range(block):
                    desks[name].push()
                    pause.wait(_APART)
        for name, desk in desks.items():
            found[name][_ALONE].append(desk.posts()[_WARM:])
        found[_WITH][_PICTURE].append(desks[_WITH].pictures()[_WARM:])
        for name, desk in desks.items():
            desk.push(burst)
            found[name][_AT_ONCE].append(desk.posts()[-burst:])
            desk.close()  # It would draw for a minute.


def _turned(names: Sequence[str], places: int) -> Sequence[str]:
    places %= len(names)
    return [*names[places:], *names[:places]]


def _chapter(found: Mapping[str, _Found]) -> Chapter:
    rows, ratios = [], []
    for what in (_ALONE, _AT_ONCE):
        for title, share in (("p50", 0.5), ("p99", 0.99)):
            columns = [found[name][what] for name in (_WITHOUT, _AGAIN, _WITH)]
            took = [_taken(rounds, share, what) for rounds in (*columns, columns[0] + columns[1])]
            ratios.append(took[2] / took[3])
            shown = (f"{each * 1e3:.2f} ms" for each in took[:3])
            rows.append([f"{what}, {title}", *shown, f"{took[1] / took[0]:.2f}", f"{ratios[-1]:.2f}"])
    picture = median(chain.from_iterable(found[_WITH][_PICTURE]))
    rows.append(["picture, p50", "–", "–", f"{picture * 1e3:.0f} ms", "–", "–"])
    head = ["from the push to the post", "without", "again", "with", "again ÷ without", "with ÷ both"]
    return Chapter("Pictures", _TEXT, [Table(head, rows)], _figures(picture, ratios))


def _taken(rounds: Sequence[Sequence[float]], share: float, what: str) -> float:
    """Return the value that this share of the posts does not exceed; the single ones of a round are too few for it."""
    joined = [list(chain.from_iterable(rounds))] if what == _ALONE else rounds
    return median(quantile(one, share) for one in joined)


def _figures(picture: float, ratios: Sequence[float]) -> list[Figure]:
    return [
        at_most("picture-shown", "p50 from the push to the list to the picture", picture, _SHOWN, " s"),
        at_most("picture-post", "p50 of a post with pictures, over that without", ratios[0], _UNCHANGED, "×"),
        at_most("picture-post-tail", "p99 of the same", ratios[1], _UNCHANGED, "×"),
        at_most("picture-burst", "p50 of 340 posts at once with pictures", ratios[2], _UNCHANGED, "×"),
        at_most("picture-burst-tail", "p99 of the same", ratios[3], _UNCHANGED, "×"),
    ]


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
