"""(h) The first start of many strategies whose slow averages differ, and what each of them keeps in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.canned import BEGIN, CANDLES, HOUR, WALKS
from benchmarks.children import ROOT, Child, redis_server
from benchmarks.results import Chapter, Figure, Table, at_most, short, verdict

_SERIES: Final = 340
_A_SERIES: Final = (14, 56)
_WAKES: Final = 3
_BEFORE: Final = 300
_TEXT: Final = """\
Strategies on {series} series, whose slow averages are 100 to 210 candles long, each of another length than its
neighbours'. Nothing is known of any: one wake reads histories, builds all averages and commits them; three more follow.
Broker and Redis as in the first chapter, at most 100 requests a second. *Peak* is the highest resident memory up to the
end of the first wake, *a strategy* what the process has grown by after all wakes, over their number.
"""
AIMS: Final = {"seconds": 0.15, "peak, MB": 0.3, "a strategy, kB": 0.4}
"""What is asked of this tree's figure over another's, with the most strategies."""


class Cost(NamedTuple):
    """One first start: requests, seconds and seconds of the processor, megabytes at its peak, kilobytes a strategy."""

    requests: int
    wall: float
    cpu: float
    peak: float
    each: float


def _first_start(tree: Path, series: int, a_series: int) -> Cost:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server(directory))
        broker = stack.enter_context(Child("canned", str(min(WALKS, series)), str(CANDLES)))
        given = (f"http://127.0.0.1:{broker.ready['port']}", redis.url, str(directory), str(series), "40", "140")
        child = stack.enter_context(Child("newcomers", str(a_series), "new", *given, tree=tree))
        costs = []
        for hour in range(CANDLES - _BEFORE, CANDLES - _BEFORE + 1 + _WAKES):
            now = BEGIN + HOUR * hour + 2
            before = broker.ask(now=now)["requests"]
            costs.append((child.ask(now=now), broker.ask()["requests"] - before))
    (first, requests), (last, _) = costs[0], costs[-1]
    each = (last["resident"] - first["before"]) * 1e3 / (series * a_series)
    return Cost(requests, first["wall"], first["cpu"], first["peak"], each)


def measure(*, quick: bool) -> Chapter:
    """Start this tree with two sizes."""
    series, sizes = (3, (2, 4)) if quick else (_SERIES, _A_SERIES)
    found = {series * size: _first_start(ROOT, series, size) for size in sizes}
    rows = [
        [
            f"{count:,}",
            f"{cost.requests:,}",
            f"{cost.wall:.1f}",
            f"{cost.cpu:.1f}",
            f"{cost.peak:.0f}",
            f"{cost.each:.1f}",
        ]
        for count, cost in found.items()
    ]
    fewer, most = found
    last = found[most]
    head = ["strategies", "requests", "seconds", "CPU, s", "peak, MB", "a strategy, kB"]
    what = f"first start of {most:,} strategies over {series} series"
    return Chapter(
        "First start of many",
        _TEXT.format(series=series),
        [Table(head, rows)],
        [
            at_most("first-start-requests", f"requests of a {what}", last.requests, series + 1, ""),
            Figure("first-start", what, last.wall, f"{last.wall:.0f} s"),
            Figure("first-start-peak", f"highest resident memory of a {what}", last.peak, f"{last.peak:.0f} MB"),
            Figure("memory-strategy", f"memory a strategy, {most:,} of them", last.each, f"{last.each:.1f} kB"),
            at_most(
                "memory-growth",
                f"memory a strategy with {most:,}, over the same with {fewer:,}",
                last.each / found[fewer].each,
                1.3,
                "×",
            ),
        ],
    )


def against(revision: str, other: Path, *, quick: bool) -> Table:
    """Start another tree and this one, one after the other."""
    series, a_series = (3, 4) if quick else (_SERIES, _A_SERIES[-1])
    then, now = (_first_start(tree, series, a_series) for tree in (other, ROOT))
    pairs = {
        "requests": (then.requests, now.requests),
        "seconds": (then.wall, now.wall),
        "CPU, s": (then.cpu, now.cpu),
        "peak, MB": (then.peak, now.peak),
        "a strategy, kB": (then.each, now.each),
    }
    rows: list[Sequence[str]] = []
    for kind, (before, after) in pairs.items():
        ratio, aim = after / before, AIMS.get(kind)
        rows.append([f"first start, {kind}", short(before), short(after), short(ratio), verdict(ratio, aim)])
    return Table(["what", revision, "this tree", "this over that", "asked for"], rows)
