"""A daemon and a notifier behind Sentinel, and in a cluster, while masters are killed, paused, and replaced as planned.

The list is the oracle's in the end and every message has come once, although each failover may take back what was
acknowledged before it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
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
from tests.oracle import Candle, read_candles
from tests.redis_groups import ClusterGroup, SentinelGroup, wait_until

FIRST = 300


class Failing:
    """A scene behind Sentinel, and the hand that breaks its master."""

    def __init__(self, group: SentinelGroup | ClusterGroup, scene: Scene) -> None:
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
        if how == "moved":
            self._moves_the_slot()
            return
        old = self.group.owner()
        old.kill() if how == "kill" else old.pause()
        self.moves_on(1)
        wait_until(lambda: self.group.owner() is not old, "another master")
        old.start() if how == "kill" else old.resume()

    def _moves_the_slot(self) -> None:
        """Move the keys of the namespace to another master of the cluster, with a candle in the middle."""
        assert isinstance(self.group, ClusterGroup)
        target = next(each for each in self.group.masters() if each is not self.group.owner())
        self.group.open_slot(target)
        self.moves_on(1)
        self.group.move_slot(target)

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
def start_failing(tmp_path: Path, candles_dir: Path) -> Iterator[Callable[..., Failing]]:
    """Put a scene in front of a group that is not started yet."""
    with ExitStack() as stack:

        def start(group: SentinelGroup | ClusterGroup, more_toml: str = "") -> Failing:
            stack.callback(group.stop)
            made = stack.enter_context(world(tmp_path, candles_dir, group.start()))  # type: ignore[arg-type]
            directory = tmp_path / "scene"
            directory.mkdir()
            scene = Scene(made, directory, USUAL_RULES, more_toml=more_toml)
            stack.callback(scene.end)
            return Failing(group, scene)

        yield start


def assert_survives(failing: Failing, kinds: Sequence[str], chance: random.Random, what: str) -> Row:
    """Let the failovers happen between candles; nothing is missing or repeated."""
    began = time.monotonic()
    for how in kinds:
        failing.moves_on(chance.randrange(1, 4))
        failing.fails(how)
        failing.moves_on(chance.randrange(1, 4))
    figures = failing.assert_exact()
    assert len(list(failing.scene.directory.glob("state/sent-*.sqlite3"))) == 1, "a failover changes no file's name"
    return Row(what, len(kinds), recovery=(time.monotonic() - began) / len(kinds), **figures)


@pytest.mark.timeout(1_200)
def test_no_failover_by_sentinel_loses_or_repeats_a_signal(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, chance: random.Random, long: bool
) -> None:
    kinds = ["planned", "kill", "pause"] * 10 if long else ["planned"]
    failing = start_failing(SentinelGroup(tmp_path / "group"))
    tally.record(assert_survives(failing, kinds, chance, "failover by Sentinel"))


@pytest.mark.timeout(1_200)
def test_commits_that_wait_for_replicas_come_through_failovers(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, chance: random.Random, long: bool
) -> None:
    if not long:
        pytest.skip("each failover takes ten seconds until the old master follows; make faults waits for them")
    failing = start_failing(SentinelGroup(tmp_path / "group"), '[redis]\ndurability = "replicas"\n')
    tally.record(assert_survives(failing, ["planned", "kill", "pause"] * 2, chance, "failover with durable commits"))


@pytest.mark.timeout(1_200)
def test_no_failover_of_a_cluster_loses_or_repeats_a_signal(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, chance: random.Random, long: bool
) -> None:
    kinds = ["planned", "kill", "moved"] * 10 if long else ["moved"]
    failing = start_failing(ClusterGroup(tmp_path / "group", replicas=1 if long else 0, namespace="scene"))
    tally.record(assert_survives(failing, kinds, chance, "failover or moved slot in a cluster"))
