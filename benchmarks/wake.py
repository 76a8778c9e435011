"""(a, e) A whole wake: every series has one new candle. Seconds of the clock and of the processors, requests, bytes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.canned import BEGIN, CANDLES, HOUR, WALKS
from benchmarks.children import Child, redis_server
from benchmarks.peers import peer
from benchmarks.results import Chapter, Figure, Picture, Table, at_least, at_most, short

SIZES: Final = (1, 16, 68, 340, 1_904)
ROUNDS: Final = {1: 25, 16: 25, 68: 15, 340: 3, 1_904: 3}
_ONCE_FROM: Final = 1_904
"""From so many series on those that take seconds a wake are woken once."""
_SLOW: Final = ("replaced", "cron")
_LEAST_ROUNDS: Final = 2
_BUDGET: Final = 15.0
"""Seconds for the rounds of one size."""
NAMES: Final = {
    "ours": "ninja-daemon",
    "noted": "ninja-daemon, with its notes",
    "ours_token": "ninja-daemon, token alone",
    "replaced": "the replaced way",
    "cron": "script with TA-Lib",
    "floor": "floor: requests",
    "bare": "floor: http.client",
    "fields": "floor: requests, fields",
}
NEEDS: Final = {"replaced": "pandas", "cron": "talib"}
_SMALL: Final = ("ours_token", "noted")
"""Contenders that take part up to ``_LARGEST_ALONE`` only."""
_REQUESTS_A_SECOND: Final = 100
_LARGEST_ALONE: Final = 68
_WARM: Final = 2
_LATER: Final = 300
"""Candles that are left for the wakes; those before them are history."""
_SIZE: Final = 68
_DAY: Final = 24
_PAIRS: Final = 80
"""Wakes with notes, and as many without: they differ by less than the luck of the best of a few rounds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one wake cost: seconds of the clock and of the client's processors; what the broker counted.

    ``least`` and ``quickest`` are those of the least disturbed of several wakes: what is compared with a floor of a few
    milliseconds must not hang on what else the machine did.
    """

    wall: float
    cpu: float
    least: float
    quickest: float
    requests: int
    bytes: int
    packed: int
    candles: int


class Arena:
    """Contenders before one broker and one Redis, woken in turn so that the machine's moods strike all alike."""

    def __init__(self, broker: Child, children: Mapping[str, Child], hour: int) -> None:
        """Begin at an hour of the market."""
        self._broker = broker
        self._children = children
        self._hour = hour
        self._pauses = dict.fromkeys(children, 0.0)

    def round(self, names: Sequence[str] | None = None, *, weigh: bool = False) -> dict[str, Cost]:
        """Let an hour pass and wake everybody."""
        self._hour += 1
        now = BEGIN + HOUR * self._hour + 2
        costs = {}
        for name in names or self._children:
            # Nobody is measured while our own limit of requests a second makes it wait for the round before.
            time.sleep(self._pauses[name])
            before = self._broker.ask(now=now, weigh=weigh)
            told = self._children[name].ask(now=now)
            after = self._broker.ask(weigh=False)
            counted = {each: after[each] - before.get(each, 0) for each in after}
            self._pauses[name] = 1.1 if counted["requests"] > _REQUESTS_A_SECOND // 4 and "ours" in name else 0.0
            costs[name] = Cost(
                told["wall"],
                told["cpu"],
                told["cpu"],
                told["wall"],
                counted["requests"],
                counted["bytes"],
                counted["packed"],
                counted["candles"],
            )
        return costs


@contextmanager
def arena(
    names: Sequence[str], size: int, fast: int = 40, slow: int = 140, candles: int = CANDLES
) -> Iterator[tuple[Arena, str]]:
    """Set up contenders, and warm them up; yields Redis' address, too."""
    walks = max(1, min(WALKS, size, WALKS * CANDLES // candles))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server(directory))
        broker = stack.enter_context(Child("canned", str(walks), str(candles)))
        url = f"http://127.0.0.1:{broker.ready['port']}"
        given = (url, redis.url, str(directory), str(size), str(fast), str(slow))
        children = {name: stack.enter_context(Child("contenders", name, name, *given)) for name in names}
        made = Arena(broker, children, candles - _LATER)
        for _ in range(_WARM):
            made.round([name for name in names if size < _ONCE_FROM or name not in _SLOW])
        yield made, redis.url


def medians(costs: Sequence[Cost]) -> Cost:
    """Return the middle of each."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.cpu for cost in costs),
        min(cost.least for cost in costs),
        min(cost.quickest for cost in costs),
        *(round(median(getattr(cost, name) for cost in costs)) for name in ("requests", "bytes", "packed", "candles")),
    )


def contenders(size: int) -> list[str]:
    """Return who can take part with so many series."""
    able = [name for name in NAMES if name not in NEEDS or peer(NEEDS[name]) is not None]
    return [name for name in able if name not in _SMALL or size <= _LARGEST_ALONE]


_TEXT: Final = """\
Every series has one new candle; the wake asks the broker, evaluates, and stores. Strategies: one a series, H1,
averages 40 and 140, ATR 14. The broker is a server of its own that sends hourly candles written out beforehand
(`benchmarks/canned.py`), without gzip and without delay, so that what is left is the client; the simulator would cost
more than any of them. Contenders are processes of their own, woken in turn; seconds are medians over the rounds, CPU
is that of the client's process alone. Redis runs with its append-only file.

*The replaced way* fetches 200 candles a strategy through oandapyV20 and computes pandas frames anew, as the system
did that this one replaces. *The script* does the same with TA-Lib and keeps its state in a file; the start of its
interpreter is not counted. *The floors* send the requests that ours sends and keep the bytes, unread, in two round
trips to Redis: one over a plain `requests` session, the library under oandapyV20, one over `http.client`. The third one
stores what ours stores, field by field, instead of the answers: what anybody pays who keeps averages in Redis. Ours
goes through oandapyV20, reads, checks, evaluates, commits by compare-and-set and writes its journal.
*With its notes*: behind the commit the wake notes when each candle was taken in; its time and CPU count, those of the
thread that takes over included. Once a day it puts the notes in order, away from closes. *Token
alone*: without an account id the broker has no batched endpoint, and ours asks series by series under its limit of 100
requests a second.
"""


def measure(*, quick: bool) -> Chapter:
    """Measure all sizes, then the bytes of a day at one of them."""
    sizes = (1, 16) if quick else SIZES
    found: dict[int, dict[str, Cost]] = {}
    for size in sizes:
        with arena(contenders(size), size) as (stage, _):
            found[size] = _rounds(stage, size, 2 if quick else ROUNDS[size])
    size = sizes[-1] if quick else _SIZE
    day = _day(size, 2 if quick else _DAY)
    return Chapter(
        "A whole wake",
        _TEXT,
        [
            _table("wall, ms", found, lambda cost: f"{cost.wall * 1e3:,.1f}"),
            _table("CPU of the client, ms", found, lambda cost: f"{cost.cpu * 1e3:,.1f}"),
            _table("requests", found, lambda cost: f"{cost.requests:,}"),
            _table("bytes", found, lambda cost: f"{cost.bytes:,}"),
            _day_table(size, day),
        ],
        _figures(found[size], _with_and_without(size, 2 if quick else _PAIRS), day) + _growth(found),
        [
            Picture(
                "wake-series",
                "A wake: client's CPU over the number of series due",
                "series due at once",
                "milliseconds of CPU",
                {
                    NAMES[name]: [(at, found[at][name].cpu * 1e3) for at in sizes if name in found[at]]
                    for name in ("ours", "replaced", "cron", "floor")
                    if name in found[sizes[0]]
                },
            )
        ],
    )


def _rounds(stage: Arena, size: int, count: int) -> dict[str, Cost]:
    """Return the middle of so many rounds, of fewer where a slow machine would take too long over them."""
    began = time.monotonic()
    first = stage.round()
    often = [name for name in first if size < _ONCE_FROM or name not in _SLOW]
    rounds = [first]
    while len(rounds) < count and (len(rounds) < _LEAST_ROUNDS or time.monotonic() - began < _BUDGET):
        rounds.append(stage.round(often))
    return {name: medians([each[name] for each in rounds if name in each]) for name in first}


def _with_and_without(size: int, count: int) -> dict[str, Cost]:
    """Return the wakes with notes and those without, which take turns in going first."""
    names = ["ours", "noted"]
    with arena(names, size) as (stage, _):
        rounds = [stage.round(names if number % 2 else names[::-1]) for number in range(count)]
    return {name: medians([each[name] for each in rounds]) for name in names}


def _day(size: int, wakes: int) -> dict[str, Cost]:
    """Return what the wakes of a day move, hour by hour, also packed as the broker would."""
    names = [name for name in contenders(size) if name in {"ours", "replaced"}]
    with arena(names, size) as (stage, _):
        rounds = [stage.round(weigh=True) for _ in range(wakes)]
    return {
        name: Cost(
            sum(each[name].wall for each in rounds),
            sum(each[name].cpu for each in rounds),
            min(each[name].least for each in rounds),
            min(each[name].quickest for each in rounds),
            *(
                sum(getattr(each[name], field) for each in rounds)
                for field in ("requests", "bytes", "packed", "candles")
            ),
        )
        for name in names
    }


def _table(what: str, found: Mapping[int, Mapping[str, Cost]], shown: Callable[[Cost], str]) -> Table:
    sizes = list(found)
    rows = [
        [NAMES[name], *(shown(found[size][name]) if name in found[size] else "–" for size in sizes)]
        for name in found[sizes[0]]
    ]
    return Table([what, *(f"{size:,} series" for size in sizes)], rows)


def _day_table(size: int, day: Mapping[str, Cost]) -> Table:
    rows = [
        [
            NAMES[name],
            f"{cost.requests:,}",
            f"{cost.candles:,}",
            f"{cost.bytes:,}",
            f"{cost.packed:,}",
            f"{cost.cpu:.2f} s",
        ]
        for name, cost in day.items()
    ]
    return Table([f"a day of {size} series, H1", "requests", "candles", "bytes", "bytes, gzipped", "CPU"], rows)


def _figures(costs: Mapping[str, Cost], pair: Mapping[str, Cost], day: Mapping[str, Cost]) -> list[Figure]:
    mine, floor, bare, fields = (costs[name] for name in ("ours", "floor", "bare", "fields"))
    noted, plain = pair["noted"], pair["ours"]
    figures = [
        at_most(
            "wake-notes-wall",
            "a wake of 68 series over the same without notes of evaluations, wall, medians of wakes in turn",
            noted.wall / plain.wall,
            1.05,
            "×",
        ),
        at_most(
            "wake-notes-cpu",
            "the same in CPU, the writing of the notes included, medians of wakes in turn",
            noted.cpu / plain.cpu,
            1.05,
            "×",
        ),
        at_most(
            "wake-floor-wall",
            "a wake of 68 series over the floor's wall time (requests; answers kept as they came), best rounds",
            *_over(mine, floor),
        ),
        at_most(
            "wake-fields-wall",
            "the same over the floor that stores the fields that ours stores",
            *_over(mine, fields),
        ),
        Figure(
            "wake-bare-wall",
            "the same over the floor that uses no client library (http.client)",
            mine.quickest / bare.quickest,
            f"{short(mine.quickest / bare.quickest)}×",
        ),
        Figure(
            "wake-floor-cpu",
            "a wake of 68 series over the floor's CPU (requests), best rounds",
            mine.least / floor.least,
            f"{short(mine.least / floor.least)}×",
        ),
    ]
    if "cron" in costs:
        ratio = costs["cron"].cpu / mine.cpu
        figures.insert(0, at_least("wake-cron-cpu", "less CPU a wake than a script with TA-Lib, 68 series", ratio, 1.0))
    if "replaced" in costs:
        theirs = costs["replaced"]
        fewer = 100 * (1 - day["ours"].candles / day["replaced"].candles)
        smaller = 100 * (1 - day["ours"].packed / day["replaced"].packed)
        figures[:0] = [
            at_least("wake-cpu", "less CPU a wake than the replaced way, 68 series", theirs.cpu / mine.cpu, 10.0),
            at_least("wake-wall", "less time a wake than the replaced way, 68 series", theirs.wall / mine.wall, 5.0),
            _share("day-candles", "fewer candles fetched in a day of 68 series than by 200-candle fetches", fewer),
            _share("day-bytes", "fewer bytes, gzipped, in that day", smaller),
        ]
    return figures


def _over(mine: Cost, floor: Cost) -> tuple[float, float, str]:
    return mine.quickest / floor.quickest, 1.7, "×"


def _share(name: str, claim: str, percent: float) -> Figure:
    return Figure(name, claim, percent, f"{percent:.1f} %", "at least 95 %", percent >= 95.0)


def _growth(found: Mapping[int, Mapping[str, Cost]]) -> list[Figure]:
    smaller, larger = list(found)[-2:]  # a quadratic wake would show the ratio of the two
    growth = (found[larger]["ours"].least / larger) / (found[smaller]["ours"].least / smaller)
    claim = f"CPU a series with {larger:,} series due, over the same with {smaller:,}, best rounds"
    return [at_most("wake-linear", claim, growth, 1.5, "×")]
