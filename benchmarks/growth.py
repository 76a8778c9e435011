"""(g) What a wake costs over the averages' length, and a delivery over the depth of the queue."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

import redis

from benchmarks.children import redis_server
from benchmarks.results import Chapter, Picture, Table, at_most
from benchmarks.signals import signal_texts
from benchmarks.wake import arena
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.inbox import RedisInbox
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.core.lanes.intake import Assignment, admit
from ninja_daemon.core.lanes.record import LaneQuery, LeasedLane, Settlement
from ninja_daemon.usecases.delivery.lanes import StoredLanes

LENGTHS: Final = (20, 100, 500, 2_000, 5_000)
SERIES: Final = 32
DEPTHS: Final = (10, 100, 1_000, 10_000)
_WAKES: Final = 15
_AFTER: Final = 1_300
_DELIVERIES: Final = 300
_BATCH: Final = 100
_TEXT: Final = """\
A wake of {series} series whose slow average is so many candles long; and one message taken from a lane and settled,
the post left out, while so many wait behind it. Medians. The other two curves, over the number of series and over the
length of a history, come from the benchmarks above.
"""


def measure(*, quick: bool) -> Chapter:
    """Measure both curves."""
    lengths, depths = (LENGTHS[:2], DEPTHS[:2]) if quick else (LENGTHS, DEPTHS)
    series = 4 if quick else SERIES
    by_length = _wakes(lengths, series, 2 if quick else _WAKES)
    by_depth = [(float(depth), value) for depth, value in zip(depths, _deliveries(depths, quick=quick), strict=True)]
    return Chapter(
        "Growth",
        _TEXT.format(series=series),
        [_table("slow average, candles", "CPU a wake", by_length), _table("messages waiting", "a delivery", by_depth)],
        [
            at_most(
                "growth-length",
                f"CPU of a wake with averages of {lengths[-1]:,} candles, over the same with {lengths[0]}",
                by_length[-1][1] / by_length[0][1],
                1.3,
                "×",
            ),
            at_most(
                "growth-queue",
                f"a delivery with {depths[-1]:,} messages waiting, over the same with {depths[0]}",
                by_depth[-1][1] / by_depth[0][1],
                1.3,
                "×",
            ),
        ],
        [
            Picture(
                "wake-averages",
                f"A wake of {series} series: CPU over the length of the averages",
                "candles of the slow average",
                "milliseconds of CPU",
                {"ninja-daemon": [(length, value * 1e3) for length, value in by_length]},
            ),
            Picture(
                "queue-depth",
                "One delivery over what waits behind it",
                "messages waiting",
                "milliseconds",
                {"take and settle": [(depth, value * 1e3) for depth, value in by_depth]},
            ),
        ],
    )


def _table(what: str, cost: str, points: Sequence[tuple[float, float]]) -> Table:
    return Table(
        [what, *(f"{at:,.0f}" for at, _ in points)], [[cost, *(f"{value * 1e3:,.2f} ms" for _, value in points)]]
    )


def _wakes(lengths: Sequence[int], series: int, wakes: int) -> list[tuple[float, float]]:
    """Return the CPU seconds of a wake over the length; all in turn, so that the machine's moods strike all alike."""
    with ExitStack() as stack:
        arenas = [stack.enter_context(arena(["ours"], series, 10, length, length + _AFTER))[0] for length in lengths]
        rounds = [[each.round()["ours"].cpu for each in arenas] for _ in range(wakes)]
    return [(float(length), median(costs)) for length, costs in zip(lengths, zip(*rounds, strict=True), strict=True)]


def _deliveries(depths: Sequence[int], *, quick: bool) -> list[float]:
    """Return the seconds that one message takes at each depth."""
    count = 20 if quick else _DELIVERIES
    with tempfile.TemporaryDirectory() as directory, redis_server(Path(directory)) as server:
        client = connect(server.url, name="bench")
        queues = [(depth, QueueKeys(f"depth{depth}")) for depth in depths]
        for depth, keys in queues:
            _fill(client, keys, depth + count)
        # In turn, so that the machine's moods strike all depths alike.
        taken: dict[int, list[float]] = {depth: [] for depth in depths}
        for _ in range(count):
            for depth, keys in queues:
                taken[depth].append(_deliver_one(StoredLanes(RedisQueueStore(client, keys))))
        client.close()
    return [median(taken[depth]) for depth in depths]


def _fill(client: redis.Redis, keys: QueueKeys, count: int) -> None:
    inbox = RedisInbox(client, keys)
    texts = signal_texts(count)
    for start in range(0, count, _BATCH):
        client.rpush(keys.signals, *texts[start : start + _BATCH])
        view = inbox.peek(_BATCH)
        assert inbox.drain(admit(view, [Assignment(one, ("desk",)) for one in view.arrivals])).is_done


def _deliver_one(lanes: StoredLanes) -> float:
    began = time.perf_counter()
    query = LaneQuery("desk", provider="bench")
    taken = lanes.take(query, 20.0)
    assert isinstance(taken, LeasedLane)
    assert lanes.settle(query, taken, Settlement(delivered=1)).is_ours
    return time.perf_counter() - began
