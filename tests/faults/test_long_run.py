"""Two daemons, two notifiers and Redis, on recorded candles with a fast clock, and kill -9 among all five at random.

The list is the oracle's in the end, each signal once and in order; every destination has every message; what came
twice was in flight when a notifier died, and says so.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.settings import nasty
from tests.end_to_end.stage import epoch
from tests.fakes.receiver import OK, Answer, Post
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.nursery import Child
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally
from tests.oracle import Candle, Rules, read_candles

FIRST: Final = 300
INSTRUMENTS: Final = ("EUR_USD", "GBP_JPY")
A_SECOND: Final = 15
"""Candles in a second of the test."""
MOST_LISTED: Final = 1_000
"""What the history keeps, by which the list is judged: notifiers take the signals off the list itself."""


def strategies() -> Sequence[Rules]:
    """Two over each of two instruments: a cross every other candle, and a few slow ones."""
    eur_usd, gbp_jpy = (nasty(f"{name}_H4") for name in INSTRUMENTS)
    picked = (eur_usd[0], eur_usd[1], gbp_jpy[0], gbp_jpy[2])
    return [replace(one, name=f"{one.instrument}_{one.name}") for one in picked]


class Household:
    """The five processes, and the hand that kills them."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.scene = scene
        self.kills: Counter[str] = Counter()
        self._chance = chance
        self._daemons = [scene.daemon(), scene.daemon()]
        self._notifiers = [scene.notifier(), scene.notifier()]
        self._redis_returns: float | None = None

    def kill_one(self) -> None:
        """Kill one of the five; a daemon or a notifier is replaced at once, Redis comes back after a while."""
        which = self._chance.randrange(5)
        if which == 4:
            if self._redis_returns is None:
                self.kills["Redis"] += 1
                self.scene.world.redis.kill()
                self._redis_returns = time.monotonic() + self._chance.choice((0.0, 0.2, 1.5))
                return
            which = self._chance.randrange(4)
        family, born = (self._daemons, self.scene.daemon) if which < 2 else (self._notifiers, self.scene.notifier)
        self.kills["daemon" if which < 2 else "notifier"] += 1
        self._replace(family, which % 2, born)

    def look_after_redis(self) -> None:
        """Start Redis again when its time has come."""
        if self._redis_returns is not None and time.monotonic() >= self._redis_returns:
            self.scene.world.redis.start()
            self._redis_returns = None

    def comes_to_rest(self) -> None:
        """No more kills; Redis is back."""
        while self._redis_returns is not None:
            self.look_after_redis()
            time.sleep(0.01)

    def until(self, happened: Callable[[], object], what: str) -> None:
        """Wait; all four must live on meanwhile."""
        deadline = time.monotonic() + 60
        while not happened():
            self.all_live()
            assert time.monotonic() < deadline, f"{what} must happen:\n{self._daemons[0].said[-3000:]}"
            time.sleep(0.02)

    def all_live(self) -> None:
        for child in (*self._daemons, *self._notifiers):
            assert child.alive, f"only we may end a process, was {child.code}:\n{child.said[-4000:]}"

    def _replace(self, family: list[Child], place: int, born: Callable[[], Child]) -> None:
        child = family[place]
        assert child.alive, f"only we may end a process, was {child.code}:\n{child.said[-4000:]}"
        child.kill()
        family[place] = born()


def slowly(chance: random.Random) -> Callable[[Post], Answer]:
    """Accept everything, after a moment in which a kill may come."""
    lock_free = random.Random(chance.random())

    def answer(_: Post) -> Answer:
        time.sleep(lock_free.uniform(0.0, 0.02))
        return OK

    return answer


@pytest.fixture
def scene(open_scene: Callable[..., Scene]) -> Scene:
    return open_scene(strategies(), destinations=("a", "b"))


@pytest.mark.timeout(400)
def test_nothing_is_missing_or_repeated_after_random_kills_of_everything(
    scene: Scene, tally: Tally, chance: random.Random, long: bool
) -> None:
    kills = 80 if long else 10
    candles = read_candles(scene.world.folder / "EUR_USD_H4.csv")
    clock = scene.world.clock
    scene.world.receiver.script = slowly(chance)
    scene.show(candles[FIRST])
    scene.daemon("--once").exited(0)
    household = Household(scene, chance)
    clock.set(clock.now(), speed=A_SECOND * 14_400.0)
    while household.kills.total() < kills:
        household.look_after_redis()
        time.sleep(chance.uniform(0.05, 0.7))
        household.kill_one()
    household.comes_to_rest()
    clock.set(clock.now())
    last, began = next_of_all(scene.world.folder, clock.now()), time.monotonic()
    scene.show(last)
    household.until(lambda: scene.stands_at(last), "the end of the catch-up")
    listed, expected = scene.listed(), scene.expected(candles[FIRST], last)
    ids = ids_of(listed)
    household.until(lambda: scene.heard(ids), "the delivery of everything")
    recovery = time.monotonic() - began
    household.all_live()
    scene.end()
    figures = asdict(count_list(listed, expected)) | asdict(count_deliveries(scene.posts(), ids))
    print(f"killed {dict(household.kills)}, candles up to {last['time']}, {figures}")  # noqa: T201 - for the guarantees
    tally.record(Row("kill -9 at random among all five", kills, recovery=recovery, **figures))
    assert figures["listed"] < MOST_LISTED, "beyond this the history no longer shows everything"
    compare_list(listed, expected)
    assert figures["delivery_repeated"] <= 2 * household.kills["notifier"], "only what was in flight may come again"


def next_of_all(folder: Path, now: float) -> Candle:
    """The next candle that every series has."""
    series = [{candle["time"]: candle for candle in read_candles(folder / f"{name}_H4.csv")} for name in INSTRUMENTS]
    shared = sorted(set.intersection(*(set(times) for times in series)))
    return series[0][next(time for time in shared if epoch(time) > now)]
