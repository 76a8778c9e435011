"""(g) Thousands of strategies due at once: time, processor time a strategy, and when the first signal is listed."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import redis

from benchmarks.canned import BEGIN, CANDLES, HOUR, WALKS
from benchmarks.children import ROOT, Child, redis_server
from benchmarks.results import Chapter, Table, at_most, short, verdict


class Size(NamedTuple):
    """How many series, how many strategies on each, and how often they are woken."""

    series: int
    a_series: int
    rounds: int

    @property
    def strategies(self) -> int:
        """All of them."""
        return self.series * self.a_series


class Cost(NamedTuple):
    """The best of some wakes: seconds, seconds of the processor, from the answers to the first signal, megabytes."""

    wall: float
    cpu: float
    first: float
    rss: float


SIZES: Final = (Size(68, 1, 40), Size(340, 1, 8), Size(1_904, 1, 5), Size(340, 56, 3))
_SMALL: Final = (Size(3, 1, 1), Size(3, 4, 1))
_LONGEST: Final = 60.0
_TEXT: Final = """\
As in the first chapter, with more strategies than one on a series: they differ in their fast average. *First signal*
is the time from when the broker's last answer was read to when the first signal of the wake is on the list. Best
rounds.
"""
AIMS: Final = {(68, "wall"): 0.65, (1_904, "cpu"): 0.5, (19_040, "wall"): 0.4}
"""What is asked of this tree's figure over another's: by number of strategies and kind."""


class _Stand:
    """One tree's crowd before the broker and its own part of Redis."""

    def __init__(self, child: Child, url: str, name: str) -> None:
        self._child, self._url, self._key = child, url, f"{{{name}}}:signals"
        self._found: list[tuple[float, float, float, float]] = []

    def wake(self, now: int) -> None:
        """Wake it, and look when the first signal comes."""
        with redis.Redis.from_url(self._url, socket_timeout=None) as client:  # which waits as long as the wake takes
            client.delete(self._key)
            listed: list[float] = []
            look = threading.Thread(target=self._wait, args=(client, listed), daemon=True)
            look.start()
            told = self._child.ask(now=now)
            if not client.exists(self._key) and not listed:
                client.rpush(self._key, "none")  # nothing crossed
                listed.append(0.0)
            look.join(_LONGEST)
            client.delete(self._key)
        first = listed[0] - told["answered"] if listed and listed[0] else float("inf")
        self._found.append((told["wall"], told["cpu"], first, told["rss"]))

    def _wait(self, client: redis.Redis, listed: list[float]) -> None:
        client.blpop([self._key], 0)
        listed.append(time.time())

    def cost(self, warm: int) -> Cost:
        """Return the best of each after the first wakes."""
        return Cost(*map(min, zip(*self._found[warm:], strict=True)))


@contextmanager
def _stands(trees: Mapping[str, Path], size: Size) -> Iterator[tuple[Child, Mapping[str, _Stand]]]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(redis_server(directory))
        broker = stack.enter_context(Child("canned", str(min(WALKS, size.series)), str(CANDLES)))
        given = (f"http://127.0.0.1:{broker.ready['port']}", server.url, str(directory), str(size.series), "40", "140")
        yield (
            broker,
            {
                name: _Stand(
                    stack.enter_context(Child("crowd", str(size.a_series), name, *given, tree=tree)), server.url, name
                )
                for name, tree in trees.items()
            },
        )


def in_turn(trees: Mapping[str, Path], size: Size) -> Mapping[str, Cost]:
    """Wake the crowds of the trees in turn, so that what slows the machine slows all."""
    warm = 2
    with _stands(trees, size) as (broker, stands):
        for place in range(warm + size.rounds):
            now = BEGIN + HOUR * (CANDLES - 300 + place) + 2
            broker.ask(now=now)
            for stand in list(stands.values())[:: 1 if place % 2 else -1]:
                stand.wake(now)
                time.sleep(1.1 if size.series > 1_000 else 0.1)  # the limit of requests a second
        return {name: stand.cost(warm) for name, stand in stands.items()}


def measure(*, quick: bool) -> Chapter:
    """Measure this tree at all sizes."""
    sizes = _SMALL if quick else SIZES
    found = {size: in_turn({"ours": ROOT}, size)["ours"] for size in sizes}
    rows = [
        [
            f"{size.strategies:,}",
            f"{size.series:,}",
            f"{cost.wall * 1e3:,.1f}",
            f"{cost.cpu * 1e3:,.1f}",
            f"{cost.cpu / size.strategies * 1e6:,.0f}",
            f"{cost.first * 1e3:,.0f}" if cost.first < _LONGEST else "–",
            f"{cost.rss:,.0f}",
        ]
        for size, cost in found.items()
    ]
    head = ["strategies", "series", "wall, ms", "CPU, ms", "CPU a strategy, µs", "first signal, ms", "resident, MB"]
    smaller, largest = sizes[0] if quick else sizes[1], sizes[-1]
    growth = (found[largest].cpu / largest.strategies) / (found[smaller].cpu / smaller.strategies)
    claim = f"CPU a strategy with {largest.strategies:,} due, over the same with {smaller.strategies:,}, best rounds"
    first = f"from the broker's answers to the first signal on the list, {largest.strategies:,} strategies due"
    figures = [at_most("crowd-growth", claim, growth, 1.3, "×")]
    if found[largest].first < _LONGEST:  # of few strategies none may cross
        figures.append(at_most("crowd-first", first, found[largest].first, 0.3, " s"))
    return Chapter("Many strategies", _TEXT, [Table(head, rows)], figures)


def against(revision: str, other: Path, *, quick: bool) -> Table:
    """Wake the crowds of another tree and of this one in turn; one row a size and kind."""
    rows: list[Sequence[str]] = []
    for size in _SMALL if quick else SIZES:
        found = in_turn({"then": other, "now": ROOT}, size)
        then, now = found["then"], found["now"]
        for kind, before, after in (("wall", then.wall, now.wall), ("cpu", then.cpu, now.cpu)):
            ratio, aim = after / before, AIMS.get((size.strategies, kind))
            what = f"{size.strategies:,} strategies on {size.series:,} series, {kind}, ms"
            rows.append([what, short(before * 1e3), short(after * 1e3), short(ratio), verdict(ratio, aim)])
    return Table(["what, best rounds", revision, "this tree", "this over that", "asked for"], rows)
