"""A daemon and a notifier behind Sentinel while the master is killed, paused, and replaced as planned.

The list is the oracle's in the end and every message has come once, although each failover may take back what was
acknowledged before it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.core.errors import StoreUnavailable
from tests.faults.conftest import USUAL_RULES
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.scene import Scene, world
from tests.faults.tally import Row, Tally
from tests.oracle import Candle, Rules, read_candles
from tests.redis_groups import SentinelGroup

FIRST = 300


class Failing:
    """A scene behind Sentinel, and the hand that breaks its master."""

    def __init__(self, group: SentinelGroup, scene: Scene) -> None:
        self.group, self.scene = group, scene
        self.done: Counter[str] = Counter()
        self.candles: Sequence[Candle] = read_candles(scene.world.folder / "EUR_USD_H4.csv")
        self.newest = FIRST
        scene.show(self.candles[FIRST])
        scene.daemon("--once").exited(0)
        self.children = [scene.daemon(), scene.notifier()]

    def moves_on(self, candles: int) -> None:
        """Let some candles close, one after the other, and wait until they are taken in, wherever to."""
        for _ in range(candles):
            self.newest += 1
            self.scene.show(self.candles[self.newest])
            self.until(lambda: self.scene.reaches(self.candles[self.newest]), "the next candle")

    def fails(self, how: str) -> None:
        """Have another master; the old one is a replica afterwards."""
        self.done[how] += 1
        if how == "planned":
            self.group.fail_over()
            return
        old = self.group.master()
        old.kill() if how == "kill" else old.pause()
        self.moves_on(1)
        self.group.until(lambda: self.group.master() is not old, "another master")
        old.start() if how == "kill" else old.resume()

    def until(self, happened: Callable[[], object], what: str, limit: float = 40.0) -> None:
        deadline = time.monotonic() + limit
        while True:
            for child in self.children:
                assert child.alive, f"{what}: a process ended:\n{child.said[-4000:]}"
            with suppress(redis.RedisError, StoreUnavailable):
                if happened():
                    return
            assert time.monotonic() < deadline, f"{what} must happen:\n{self.children[0].said[-4000:]}"
            time.sleep(0.02)

    def assert_exact(self) -> dict[str, Any]:
        """Nothing is missing, nothing came twice; return the figures."""
        scene, last = self.scene, self.candles[self.newest]
        self.until(lambda: scene.stands_at(last), "everything to be in Redis")
        listed, expected = scene.listed(), scene.expected(self.candles[FIRST], last)
        ids = ids_of(listed)
        self.until(lambda: scene.heard(ids), "the delivery of everything")
        figures = asdict(count_list(listed, expected)) | asdict(count_deliveries(scene.posts(), ids))
        compare_list(listed, expected)
        assert not figures["delivery_repeated"]
        return figures


@pytest.fixture
def failing(tmp_path: Path, candles_dir: Path, start_group: Callable[..., SentinelGroup]) -> Iterator[Failing]:
    group = start_group()
    with world(tmp_path, candles_dir, group) as made:  # type: ignore[arg-type]  # as far as a scene uses it
        directory = tmp_path / "scene"
        directory.mkdir()
        rules: Sequence[Rules] = USUAL_RULES
        scene = Scene(made, directory, rules)
        yield Failing(group, scene)
        scene.end()


@pytest.mark.timeout(1_200)
def test_no_failover_loses_or_repeats_a_signal(
    failing: Failing, tally: Tally, chance: random.Random, long: bool
) -> None:
    kinds = ["planned", "kill", "pause"] * 10 if long else ["planned", "kill"]
    began = time.monotonic()
    for how in kinds:
        failing.moves_on(chance.randrange(1, 4))
        failing.fails(how)
        failing.moves_on(chance.randrange(1, 4))
    figures = failing.assert_exact()
    seconds = (time.monotonic() - began) / len(kinds)
    assert len(list(failing.scene.directory.glob("state/sent-*.sqlite3"))) == 1, "a failover changes no file's name"
    tally.record(Row("failover by Sentinel", len(kinds), recovery=seconds, **figures))
