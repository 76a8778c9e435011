"""Each benchmark at a tiny size: that it works and finds what it should, never how fast."""

from __future__ import annotations

import math
import re

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.canned import instrument_names
from benchmarks.contenders import CONTENDERS
from benchmarks.results import Chapter
from benchmarks.step import WAYS, walk
from benchmarks.wake import NEEDS, arena
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from tests.servers import server_program

FIGURES = {
    "wake": {
        *("wake-notes-wall", "wake-notes-cpu"),
        *("wake-floor-wall", "wake-fields-wall", "wake-bare-wall", "wake-linear"),
    },
    "crowd": {"crowd-growth"},
    "many": {"first-start-requests", "first-start", "first-start-peak", "memory-strategy", "memory-growth"},
    "step": {"step", "step-filters"},
    "replay": {"replay"},
    "sweep": set(),
    "latency": {"latency-listed", "latency-delivered"},
    "delivery": {"delivery", "delivery-beside"},
    "pictures": {"picture-shown", "picture-post", "picture-post-tail", "picture-burst", "picture-burst-tail"},
    "files": {"import", "import-memory"},
    "storage": {"redis-memory", "redis-growth"},
    "growth": {"growth-length", "growth-queue"},
    "members": {"members", "members-busiest"},
    "footprint": {"start", "memory", "idle", "memory-web"},
}


def measured(name: str) -> Chapter:
    server_program()  # skipped where there is none
    return BENCHMARKS[name](quick=True)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_ends_with_figures_that_can_be(name: str) -> None:
    chapter = measured(name)
    figures = {figure.name: figure for figure in chapter.figures}
    assert set(figures) >= FIGURES[name]
    for figure in figures.values():
        assert math.isfinite(figure.value), figure
        assert figure.value >= 0, figure
        assert bool(figure.aim) is (figure.met is not None), figure
    assert chapter.tables
    for table in chapter.tables:
        assert {len(row) for row in table.rows} == {len(table.head)}
    for picture in chapter.pictures:
        assert all(value > 0 for points in picture.curves.values() for point in points for value in point)


def test_every_contender_takes_in_every_new_candle_and_ours_asks_least() -> None:
    server_program()
    alone = [name for name in CONTENDERS if name not in NEEDS]
    with arena(alone, 5) as (stage, _):
        costs = stage.round(weigh=True)
    requests = {"ours": 2, "noted": 2, "ours_token": 5, "floor": 2, "bare": 2, "fields": 2}
    assert {name: cost.requests for name, cost in costs.items()} == requests
    assert costs["floor"].bytes == costs["bare"].bytes == costs["fields"].bytes
    assert abs(costs["ours"].bytes - costs["floor"].bytes) < 0.1 * costs["floor"].bytes, "the same is asked for"
    assert all(cost.wall > 0 and cost.cpu > 0 and cost.packed > 0 for cost in costs.values())


def test_the_floor_of_fields_stores_what_ours_stores() -> None:
    server_program()
    with arena(["ours", "fields"], 2) as (_, url), connect(url, name="test") as client:
        name = instrument_names(1)[0]
        ours, theirs = Keys("ours"), Keys("fields")
        sides, fixed = client.hgetall(ours.signal_state(name)), client.hgetall(theirs.signal_state(name))
        # What stays as long as nothing happens is written once; the floor has what a quiet candle writes.
        assert fixed.keys() < sides.keys()
        # Empty where the batch did not show the candle before.
        assert all(len(sides[key]) == len(fixed[key]) for key in fixed.keys() - {"shown_before"})
        averages, few = client.hgetall(ours.ma_state(name)), client.hgetall(theirs.ma_state(name))
        assert few.keys() < averages.keys()
        assert [len(few[key]) for key in ("time", "last", "fast", "slow")] == [
            len(averages[key]) for key in ("time", "last", "fast", "slow")
        ]
        assert client.get(theirs.last_processed(name))


def test_the_step_that_is_timed_finds_turns() -> None:
    _, make, _ = WAYS["ninja-daemon"]
    step = make(50, 200)
    assert sum(map(step, walk(3_000))) > 5


def test_figures_are_named_once() -> None:
    names = [name for chapter in FIGURES.values() for name in chapter]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
