"""(f) What a hundred strategies keep in Redis, what a wake asks of it, and whether that grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis

from benchmarks.children import watching
from benchmarks.results import Chapter, Table, at_most, short
from benchmarks.wake import Arena, arena

STRATEGIES: Final = 100
WAKES: Final = 240
STEADY: Final = (20, 100, 240)
_OF_SIGNALS: Final = frozenset({"signals", "history", "listed", "outcomes", "outcome_history"})
_TEXT: Final = """\
A hundred strategies with averages of 50 and 200 candles, woken hour after hour as above. Memory is the sum of
`MEMORY USAGE` over the keys; what a wake asks of the server is its own count (`INFO`), the commands inside our two
scripts included, over the last ten wakes. Signals and outcomes stay on their lists here, since nobody delivers, in
their histories (the newest 1,000 each) and with their ids (5,000 a strategy). Averages, cursors and counts keep their
size; an open signal stands in its strategy's state until it ends.
"""


@dataclass(frozen=True, slots=True)
class Use:
    """What the server has counted, and holds."""

    states: int
    signals_kept: int
    keys: int
    calls: int
    scripts: int
    received: int
    sent: int
    signals: int


def measure(*, quick: bool) -> Chapter:
    """Wake a hundred strategies and look at the server between."""
    stops = (3, 5, 8) if quick else STEADY
    strategies = 10 if quick else STRATEGIES
    last = 2 if quick else 10
    with arena(["ours"], strategies, 50, 200) as (stage, url), watching(url) as client:
        found, done = dict[int, Use](), 0
        for stop in stops:
            _wake(stage, stop - done)
            done = stop
            found[stop] = _use(client, "ours")
        before = _use(client, "ours")
        _wake(stage, last)
        after = _use(client, "ours")
    wake = {name: (getattr(after, name) - getattr(before, name)) / last for name in Use.__slots__}
    rows = [
        [
            f"after {stop:,} wakes",
            f"{use.states / 1_000:,.1f} kB",
            f"{use.signals_kept / 1_000:,.1f} kB",
            f"{use.keys:,}",
            f"{use.signals:,}",
        ]
        for stop, use in found.items()
    ]
    head = [
        f"{strategies} strategies",
        "averages, cursors, counts",
        "signals and outcomes kept",
        "keys",
        "signals so far",
    ]
    first, *_, newest = found.values()
    asked = Table(
        ["a wake of them", "count"],
        [
            # The look before reads INFO, and each key's size.
            ["scripts called", short(wake["scripts"])],
            ["commands, those inside the scripts included", short(wake["calls"])],
            ["bytes to the server", short(wake["received"])],
            ["bytes from the server", short(wake["sent"])],
        ],
    )
    growth = newest.states / first.states - 1
    whole = (newest.states + newest.signals_kept) / 1e6
    return Chapter(
        "Redis",
        _TEXT,
        [Table(head, rows), asked],
        [
            at_most("redis-memory", "Redis memory of 100 strategies, their signals and outcomes", whole, 0.5, " MB"),
            at_most(
                "redis-growth", f"growth of their states over {stops[-1] - stops[0]} wakes", 100 * growth, 2.0, " %"
            ),
        ],
    )


def _wake(stage: Arena, times: int) -> None:
    for _ in range(times):
        stage.round()


def _use(client: redis.Redis, namespace: str) -> Use:
    own: Any = client.info("stats")
    commands: Any = client.info("commandstats")
    calls: Mapping[str, int] = {name.removeprefix("cmdstat_"): each["calls"] for name, each in commands.items()}
    keys: Any = client.keys("*")
    sizes = {str(key): int(client.memory_usage(key, samples=0) or 0) for key in keys}
    kept = sum(size for key, size in sizes.items() if key.split(":")[1] in _OF_SIGNALS)
    watched = ("info", "keys", "memory", "llen", "client", "hello", "ping")
    return Use(
        sum(sizes.values()) - kept,
        kept,
        len(keys),
        sum(count for name, count in calls.items() if not name.startswith(watched)),
        sum(calls.get(name, 0) for name in ("evalsha", "evalsha_ro", "eval", "fcall", "fcall_ro")),
        int(own["total_net_input_bytes"]),
        int(own["total_net_output_bytes"]),
        int(client.llen(f"{{{namespace}}}:signals")),
    )
