"""A daemon and a notifier before a group of servers, and the hand that takes their master away."""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from statistics import median
from typing import Any, Final

import redis

from ninja_daemon.core.errors import StoreUnavailable
from tests.failover.groups import ClusterGroup, SentinelGroup, wait_until
from tests.failover.lab import Lab
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally
from tests.oracle import Candle, read_candles
from tests.servers import RedisServer

FIRST: Final = 300
_FENCES_OF_A_FAILOVER: Final = 2**32
"""Fences between two failovers, as decision 100 has it."""


class Failing:
    """A scene behind several servers; one candle after the other closes while masters come and go.

    Attributes:
        behind: by kind of failover, seconds from the servers' own switch until the daemon works with the new master.
        load: of the machine, the highest that was seen: processes that wanted to run in the minute before.
    """

    def __init__(self, group: SentinelGroup | ClusterGroup, scene: Scene, lab: Lab | None = None) -> None:
        self.group, self.scene, self.lab = group, scene, lab
        self.behind: dict[str, list[float]] = defaultdict(list)
        self.load = 0.0
        self.candles: Sequence[Candle] = read_candles(scene.world.folder / "EUR_USD_H4.csv")
        self.newest = FIRST
        self.follows()
        scene.show(self.candles[FIRST])
        scene.daemon("--once").exited(0)
        self.children = [scene.daemon(), scene.notifier()]

    def shows(self) -> None:
        """Let a candle close."""
        self.newest += 1
        self.scene.show(self.candles[self.newest])

    def moves_on(self, candles: int) -> None:
        """Let some candles close, one after the other, and wait until they are taken in, wherever to."""
        for _ in range(candles):
            self.shows()
            self.has_taken_in()

    def has_taken_in(self) -> None:
        """Wait until the newest candle is taken in, in Redis or in the journal."""
        self.until(lambda: self.scene.reaches(self.candles[self.newest]), "the next candle")

    def fails(self, how: str) -> None:
        """Have another master, with a candle in the middle; the old one is a replica afterwards."""
        old = self.group.owner()
        undo = self._begun(how, old)
        self.shows()
        if how == "cut" and old.place is self._product_place:
            self._is_taken_in_beside(old)
            wait_until(lambda: self.group.owner() is not old, "another master beyond the cut")
            undo()
        self._measure(how, old)
        self.has_taken_in()
        undo()

    def _begun(self, how: str, old: RedisServer) -> Callable[[], object]:
        """Take the master away; return what makes it a working server again."""
        if how in {"moved", "migrated"}:
            return self._moves_the_slot(how)
        if how in {"planned", "coordinated"}:
            self.group.fail_over(*(["COORDINATED"] if how == "coordinated" else []))
            return lambda: None
        if how == "cut":
            assert self.lab is not None
            self.lab.cut([old.place], self.lab.others(old.place))
            return self.lab.heal
        if how == "kill":
            old.kill()
            return lambda: old.running or old.start()
        old.pause()
        return old.resume

    def _moves_the_slot(self, how: str) -> Callable[[], None]:
        """Move the keys of the namespace to another master of the cluster, at once or with a candle in the middle."""
        group = self.group
        assert isinstance(group, ClusterGroup)
        target = next(each for each in group.masters() if each is not group.owner())
        if how == "migrated":
            group.migrate_slot(target)
        else:
            group.open_slot(target)
            self.moves_on(1)
            group.move_slot(target)
        return lambda: None

    @property
    def _product_place(self) -> object:
        """The machine that the product runs on: the first one."""
        return self.group.servers[0].place

    def _is_taken_in_beside(self, old: RedisServer) -> None:
        """Wait until the daemon that is cut off with the old master has taken the candle in there."""
        with old.client() as client:
            keys = [self.scene.key(f"last_processed:{one.name}") for one in self.scene.rules]
            newest = self.candles[self.newest]["time"]
            self.until(lambda: set(client.mget(keys)) == {newest}, "the candle on the old master")

    def _measure(self, how: str, old: RedisServer) -> None:
        """Wait for the servers' switch, then for the daemon's first lease there."""
        group = self.group
        # A daemon that was cut off with the old master knows what the Sentinel of its machine knows.
        watcher = group.sentinels[0] if how == "cut" and isinstance(group, SentinelGroup) else None
        epoch, new = 0, old

        def has_switched() -> bool:
            nonlocal epoch, new
            epoch, new = group.named(watcher)
            return new is not old

        wait_until(has_switched, f"another master ({how})", step=0.01)
        with new.client() as client:
            wait_until(lambda: client.execute_command("ROLE")[0] == "master", "it to be one", step=0.01)
            switched, key = time.monotonic(), self.scene.key("epoch")
            floor = epoch * _FENCES_OF_A_FAILOVER
            self.until(lambda: int(client.get(key) or 0) > floor, "the daemon's lease on the new master")
        self.behind[how].append(time.monotonic() - switched)
        self.load = max(self.load, os.getloadavg()[0])
        self._looks_at(new)

    def follows(self) -> None:
        """Judge by today's master from now on."""
        self._looks_at(self.group.owner())

    def _looks_at(self, master: RedisServer) -> None:
        """Judge by this server from now on; the test reaches the Sentinel beyond a cut, too, and must not ask it."""
        self.scene.client.close()
        self.scene.client = master.client()

    def until(self, happened: Callable[[], object], what: str, limit: float = 40.0) -> None:
        deadline = time.monotonic() + limit
        while True:
            for child in self.children:
                assert child.alive, f"{what}: a process ended:\n{child.said[-4000:]}"
            with suppress(redis.RedisError, StoreUnavailable):
                if happened():
                    return
            assert time.monotonic() < deadline, f"{what} must happen:\n{self.children[0].said[-4000:]}"
            time.sleep(0.01)

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

    def survives(self, kinds: Sequence[str], chance: random.Random, what: str, tally: Tally) -> None:
        """Let the failovers happen between candles; nothing is missing or repeated, and the table says so."""
        for how in kinds:
            self.moves_on(chance.randrange(1, 4))
            wait_until(self.group.can_fail_over, "a replica that may follow", limit=60.0)
            self.fails(how)
        self.moves_on(1)
        figures = self.assert_exact()
        ledgers = list(self.scene.directory.glob("state/sent-*.sqlite3"))
        assert len(ledgers) == 1, "a failover changes no file's name"
        tally.record(Row(what, len(kinds), **figures))
        for how, seconds in self.behind.items():
            text = f"{what}, {how}: behind the switch, p50 {median(seconds):.2f} s, max"
            tally.record(Row(text, len(seconds), recovery=max(seconds)))
