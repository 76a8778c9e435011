"""Daemons that share shards while members come, are killed and come again: the list is that of one daemon."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest

from ninja_daemon.usecases.lifetimes import LEASE
from ninja_daemon.usecases.sharing.sharding import owner_of
from tests.end_to_end.settings import nasty
from tests.end_to_end.stage import epoch
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.nursery import Child
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally
from tests.oracle import Rules, close_time, read_candles

FIRST = 300
COUNT = 6
CALM = 60.0
"""Seconds after a close, when shards may change hands."""


def strategies() -> Sequence[Rules]:
    """Four series, two strategies on one of them."""
    picked = [nasty(f"{name}_H4")[number] for name, number in (("EUR_USD", 0), ("EUR_USD", 2), ("GBP_JPY", 0))]
    return [replace(one, name=f"{one.instrument}_{one.name}") for one in picked]


class Sharing:
    """A scene with members."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.candles = read_candles(scene.world.folder / "EUR_USD_H4.csv")
        self.newest = FIRST
        self.members: list[Child] = []

    def shows(self, candles: int = 1) -> None:
        """Let some candles close, each taken in before the next."""
        for _ in range(candles):
            self.newest += 1
            self.scene.show(self.candles[self.newest])
            self.until(lambda: self.scene.stands_at(self.candles[self.newest]), "the next candle")

    def calms_down(self) -> None:
        """Let it be a minute after the close."""
        self.scene.world.clock.set(epoch(close_time(self.candles[self.newest]["time"], "H4")) + CALM)

    def joins(self) -> Child:
        self.members.append(self.scene.daemon())
        return self.members[-1]

    def leads(self, member: Child) -> int:
        """How many shards a member leads."""
        return sum(f"|{member.pid}|" in holder for holder in self.holders())

    def holders(self) -> list[str]:
        return [str(self.scene.client.get(self.scene.key(f"leader:{shard}"))) for shard in range(COUNT)]

    def is_divided(self) -> bool:
        """Whether every shard is led by the member that it belongs to; chance may leave a member without any."""
        named = map(str, self.scene.client.hkeys(self.scene.key("members")))
        living = [token for token in named if any(f"|{member.pid}|" in token for member in self.members)]
        return len(living) == len(self.members) and self.holders() == [
            owner_of(shard, living) for shard in range(COUNT)
        ]

    def until(self, happened: Callable[[], object], what: str, limit: float = 40.0) -> None:
        deadline = time.monotonic() + limit
        while not happened():
            for child in self.members:
                assert child.alive, f"{what}: a member ended:\n{child.said[-3000:]}"
            assert time.monotonic() < deadline, f"{what}: {self.holders()}\n{self.members[-1].said[-3000:]}"
            time.sleep(0.02)

    def sleeps(self, member: Child) -> None:
        """SIGSTOP; the others take over within three ticks of the lease's end, and it changes nothing when it wakes."""
        os.kill(member.pid, signal.SIGSTOP)
        self.members.remove(member)
        began = time.monotonic()
        self.shows(1)
        assert time.monotonic() - began < LEASE + 3 * 5.0
        os.kill(member.pid, signal.SIGCONT)
        self.members.append(member)
        self.shows(3)

    def dies(self, member: Child) -> None:
        """kill -9."""
        self.members.remove(member)
        member.kill()

    def assert_exact(self) -> dict[str, Any]:
        """Nothing missing, nothing twice; return the figures."""
        scene, last = self.scene, self.candles[self.newest]
        listed, expected = scene.listed(), scene.expected(self.candles[FIRST], last)
        ids = ids_of(listed)
        self.until(lambda: scene.heard(ids), "the delivery of everything")
        compare_list(listed, expected)
        return asdict(count_list(listed, expected)) | asdict(count_deliveries(scene.posts(), ids))


@pytest.mark.timeout(400)
def test_members_share_the_shards_and_take_over_what_is_left(
    open_scene: Callable[..., Scene], tally: Tally, chance: random.Random, long: bool
) -> None:
    scene = open_scene(strategies(), more_toml=f"[shards]\ncount = {COUNT}\n")
    sharing = Sharing(scene)
    scene.show(sharing.candles[FIRST])
    scene.daemon("--once").exited(0)
    scene.notifier()
    first = sharing.joins()
    sharing.until(lambda: sharing.leads(first) == COUNT, "one that is alone leads all")
    sharing.shows(3)
    sharing.calms_down()
    for _ in range(2 if long else 1):
        sharing.joins()
    sharing.until(sharing.is_divided, "it gives back what the others are owed")
    began = time.monotonic()
    kills = 10 if long else 1
    for _ in range(kills):
        sharing.shows(chance.randrange(1, 4))
        sharing.dies(chance.choice(sharing.members))
        sharing.shows(2)
        if long:
            sharing.calms_down()
            sharing.joins()
        sharing.until(sharing.is_divided, "every shard to be led by whom it belongs to")
    if long:
        sharing.sleeps(chance.choice(sharing.members))
    figures = sharing.assert_exact()
    assert not figures["delivery_repeated"]
    tally.record(Row("kill -9 of a member with shards", kills, recovery=time.monotonic() - began, **figures))
