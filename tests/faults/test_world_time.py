"""Time at its worst: clocks that are set, machines that sleep, jobs that outlast their period, a boot in 1970.

What is done follows from what is stored, never from when a job was called: so all of this may delay, and nothing more.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

from ninja_daemon.core.errors import BrokerDenied
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from tests.app.daemon.test_process import FIFTEEN, OTHER, START, Stage, begin, stage
from tests.end_to_end.settings import nasty
from tests.end_to_end.stage import SOON_AFTER_CLOSE, epoch
from tests.faults.judge import compare_list, count_list
from tests.faults.scene import Scene, world
from tests.faults.tally import Row, Tally
from tests.oracle import Candle, close_time, read_candles
from tests.servers import RedisServer

__all__ = ["stage"]

FIRST: Final = 300


@pytest.fixture
def scene(tmp_path: Path, candles_dir: Path, fresh_redis: RedisServer) -> Iterator[Scene]:
    directory = tmp_path / "time"
    directory.mkdir()
    with world(tmp_path, candles_dir, fresh_redis) as made:
        scene = Scene(made, directory, nasty("EUR_USD_H4")[:2])
        yield scene
        scene.end()


def candles_of(scene: Scene) -> list[Candle]:
    return list(read_candles(scene.world.folder / "EUR_USD_H4.csv"))


def ends(scene: Scene, tally: Tally, what: str, last: Candle, injected: int, recovery: float | None = None) -> None:
    expected = scene.expected(candles_of(scene)[FIRST], last)
    tally.record(Row(what, injected, **asdict(count_list(scene.listed(), expected)), recovery=recovery))
    compare_list(scene.listed(), expected)


@pytest.mark.parametrize("step", [-3_600, -60, 60, 3_600], ids=["an hour back", "a minute back", "a minute", "an hour"])
def test_a_step_of_the_clock_loses_and_repeats_nothing(scene: Scene, tally: Tally, step: int) -> None:
    """The daemon's clock steps; the broker's candles are what they are."""
    candles = candles_of(scene)
    scene.show(candles[FIRST])
    daemon = scene.daemon()
    daemon.until(lambda: scene.stands_at(candles[FIRST]), "the first start")
    last = FIRST
    for _ in range(4):
        last += 10
        at = epoch(close_time(candles[last]["time"], "H4")) + SOON_AFTER_CLOSE
        scene.world.clock.set(at + step)
        daemon.until_or_not(lambda: False, 0.15)
        scene.world.clock.set(at)
        daemon.until(lambda last=last: scene.stands_at(candles[last]), "the catch-up")  # type: ignore[misc]
    daemon.kill()
    ends(scene, tally, "clock steps", candles[last], 8)


@pytest.mark.parametrize("sleep", [signal.SIGSTOP], ids=["suspended"])
def test_a_machine_that_slept_over_several_closes_takes_them_all_in(
    scene: Scene, tally: Tally, sleep: signal.Signals
) -> None:
    candles = candles_of(scene)
    scene.show(candles[FIRST])
    daemon = scene.daemon()
    daemon.until(lambda: scene.stands_at(candles[FIRST]), "the first start")
    longest, last = 0.0, FIRST
    for closes in (1, 7, 40):
        daemon.tell(sleep)
        last += closes
        scene.show(candles[last])
        time.sleep(0.05)
        woken = time.monotonic()
        daemon.tell(signal.SIGCONT)
        daemon.until(lambda last=last: scene.stands_at(candles[last]), "the catch-up")  # type: ignore[misc]
        longest = max(longest, time.monotonic() - woken)
    daemon.kill()
    ends(scene, tally, "suspended over closes", candles[last], 3, longest)


def test_a_boot_in_1970_waits_and_commits_nothing_wild(scene: Scene, tally: Tally) -> None:
    candles = candles_of(scene)
    scene.show(candles[FIRST])
    first = scene.daemon()
    first.until(lambda: scene.stands_at(candles[FIRST]), "the first start")
    first.kill()
    scene.world.clock.set(12.0)
    daemon = scene.daemon()
    daemon.until_or_not(lambda: not daemon.alive or not scene.stands_at(candles[FIRST]), 0.5)
    assert daemon.alive, daemon.said
    assert scene.stands_at(candles[FIRST])
    last = candles[FIRST + 20]
    scene.show(last)
    daemon.until(lambda: scene.stands_at(last), "the catch-up after the clock was set")
    daemon.kill()
    ends(scene, tally, "boot in 1970", last, 1)


@pytest.mark.parametrize("step", [-3_600, -60, 60, 3_600])
def test_a_job_called_at_a_wrong_hour_changes_nothing(stage: Stage, step: int) -> None:
    begin(stage)
    stage.close_of(30)
    before = stage.client.lrange(stage.keys.signals, 0, -1)
    stage.clock.time += step
    stage.daemon.on_close(FIFTEEN.granularity, FIFTEEN.market_hours)
    stage.daemon.retry()
    assert stage.cursor() == START + 900 * 30
    assert stage.client.lrange(stage.keys.signals, 0, -1) == before
    stage.close_of(40)
    assert stage.cursor() == START + 900 * 40


def test_a_token_that_is_refused_for_an_hour_is_tried_ever_more_seldom(stage: Stage, tally: Tally) -> None:
    """OANDA bans who hammers; the daemon asks for one series after 1, 2, 4, 8 and then every ten minutes."""
    begin(stage)
    stage.broker.asked.clear()
    for strategy in (FIFTEEN, OTHER):
        stage.broker.failing[strategy.series] = BrokerDenied("HTTP 401")
    ticks = 720
    ask: Callable[[], None] = stage.daemon.retry
    stage.close_of(31)
    for tick in range(ticks):
        stage.clock.time += 5.0
        if tick % 180 == 0:
            stage.daemon.on_close(Granularity.M15, MarketHours.ALWAYS)
        ask()
    requests = len(stage.broker.asked)
    assert 8 <= requests <= 12, f"the first look for both, then seldom, was {requests} in an hour"
    stage.broker.failing.clear()
    stage.clock.time += 600.0
    ask()
    ask()
    assert stage.cursor() == START + 900 * 31
    tally.record(Row("token refused for an hour", injected=round(requests)))
