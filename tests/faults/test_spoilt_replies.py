"""Replies to a commit that come late, in crumbs, torn, as something else or never: the list stays exact."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Final

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from ninja_daemon.adapters.redis.client import SOCKET_TIMEOUT, connect
from ninja_daemon.adapters.redis.scripts import script
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.proxy import BlackHole, Delay, Garbage, Proxy, Toxic, Trickle, Truncate, Way
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally
from tests.oracle import read_candles
from tests.servers import RedisServer

COMMIT: Final = script("commit").digest
SPOILT: Final[dict[str, Callable[[], Toxic]]] = {
    "late": lambda: Delay(needle=COMMIT, times=3, seconds=0.5),
    "byte by byte": lambda: Trickle(needle=COMMIT, times=3, seconds=0.02),
    "torn": lambda: Truncate(needle=COMMIT, times=3),
    "not of Redis": lambda: Garbage(needle=COMMIT, times=3),
    "in a black hole": lambda: BlackHole(needle=COMMIT, times=1, way=Way.BACK),
}


@pytest.mark.parametrize("calls", [1, 20])
def test_replies_that_trickle_hold_nobody_up_for_longer_than_two_seconds(
    fresh_redis: RedisServer, calls: int, tally: Tally
) -> None:
    with Proxy(fresh_redis) as proxy, connect(proxy.url, name="test") as client:
        client.set("k", "x" * 40)
        toxic = proxy.add(Trickle(seconds=0.3))
        pipeline = client.pipeline(transaction=False)
        for _ in range(calls):
            pipeline.get("k")
        began = time.monotonic()
        with pytest.raises(RedisTimeoutError):
            pipeline.execute()
        took = time.monotonic() - began
        proxy.remove(toxic)
        assert SOCKET_TIMEOUT - 0.1 < took < SOCKET_TIMEOUT + 0.8
        assert client.get("k") == "x" * 40, "the connection was let go, what was left in it is not taken for an answer"
    tally.record(Row("replies that trickle", toxic.struck, recovery=took))


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_reply_to_a_commit_changes_nothing_in_the_end(
    open_scene: Callable[..., Scene], fresh_redis: RedisServer, tally: Tally, name: str
) -> None:
    with Proxy(fresh_redis) as proxy:
        scene = open_scene(redis_url=proxy.url)
        candles = read_candles(scene.world.folder / "EUR_USD_H4.csv")
        scene.show(candles[300])
        daemon = scene.daemon()
        assert daemon.until(lambda: scene.stands_at(candles[300]), "the first start")
        toxic = proxy.add(SPOILT[name]())
        for candle in candles[310:360:10]:
            scene.show(candle)
            assert daemon.until(partial(scene.reaches, candle), "the candle")
        assert daemon.until(lambda: scene.stands_at(candles[350]), "the end of the catch-up")
        scene.notifier("--drain").exited(0)
        listed, expected = scene.listed(), scene.expected(candles[300], candles[350])
    figures = asdict(count_list(listed, expected)) | asdict(count_deliveries(scene.posts(), ids_of(listed)))
    tally.record(Row(f"reply to a commit {name}", toxic.struck, **figures))
    compare_list(listed, expected)
