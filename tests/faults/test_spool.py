"""Redis stopped under daemon and notifier, real processes all: signals arrive all the same, and are listed once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import pytest
import requests

from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import toml
from tests.end_to_end.stage import ACCOUNT, TOKEN, epoch
from tests.fakes.receiver import OK, Answer, Post, Receiver, receiver
from tests.faults.judge import compare_list, count_deliveries, count_list, first_heard, ids_of
from tests.faults.tally import Row, Tally
from tests.oracle import Rules, expected_signals, signals_until
from tests.processes import Running, Workplace
from tests.servers import RedisServer

LATEST = 5.0
"""Seconds from a candle's close to the arrival of its signal, at most."""
_RULES = Rules("", "EUR_USD", "S5", 1, 3, 5, atr_period=3)
STRATEGIES = tuple(
    replace(_RULES, name=f"{instrument}_S5", instrument=instrument, decimals=3 if "JPY" in instrument else 5)
    for instrument in ("EUR_USD", "GBP_USD", "USD_JPY", "AUD_USD", "EUR_GBP", "GBP_JPY")
)
HEAD = '[defaults]\nmarket_hours = "always"\n'


class Live:
    """Daemon and notifier over a market of now, with a Redis to stop and a desk that keeps what arrives, and when."""

    def __init__(self, place: Workplace, server: SimulatorServer, redis_server: RedisServer, desk: Receiver) -> None:
        self.place, self.server, self.redis_server, self.desk = place, server, redis_server, desk
        self.redis = redis_server.client()
        self.arrived: list[float] = []
        desk.script = self._note
        place.uses(broker=server.url, redis=redis_server.url, token=TOKEN)
        table = f'[destinations.desk]\nchannel = "webhook"\nurl = "{desk.url}"\ninsecure = true\n'
        place.configure(HEAD + toml(STRATEGIES) + table)

    def _note(self, post: Post) -> Answer:
        del post
        self.arrived.append(time.time())
        return OK

    def begin(self) -> None:
        """Start both processes and wait for the first start of every strategy."""
        self.daemon, self.notifier = self.starts("run"), self.starts("notify")
        self.daemon.until(lambda: None not in self.cursors().values(), "the first cursors")
        self.first = self.cursors()

    def starts(self, command: str) -> Running:
        return self.place.start(command)

    def cursors(self) -> dict[str, Any]:
        return {one.name: self.redis.get(f"{{ninja}}:last_processed:{one.name}") for one in STRATEGIES}

    def posts(self) -> list[dict[str, Any]]:
        return [json.loads(post.body) for post in list(self.desk.posts)]

    def listed(self) -> list[str]:
        elements: Any = self.redis.lrange("{ninja}:history", 0, -1)
        return [str(text) for text in elements]

    def latencies(self, since: float) -> list[float]:
        """Seconds from the close to the arrival, of what has closed since a moment."""
        closed = [epoch(post["close_time"]) for post in self.posts()]
        return [at - close for at, close in zip(self.arrived, closed, strict=False) if close >= since]

    def await_posts(self, count: int, since: float, limit: float) -> None:
        """Wait for posts of candles that have closed since a moment."""
        self.notifier.until(lambda: len(self.latencies(since)) >= count, f"{count} posts", limit)

    def settle(self) -> dict[str, str]:
        """Stop the daemon and let the notifier come to its end; return the last candles."""
        self.daemon.terminate().exited(0)
        self.notifier.until(lambda: not self.redis.llen("{ninja}:signals"), "an empty list")
        self.notifier.until(lambda: set(ids_of(self.listed())) <= set(first_heard(self.desk.posts)), "the last post")
        self.notifier.terminate(limit=8).exited(0)
        return self.cursors()

    def expected(self, last: dict[str, str]) -> dict[str, Sequence[Any]]:
        """What the oracle finds in the broker's candles, from the first candle evaluated to the last cursors."""
        found: dict[str, Sequence[Any]] = {}
        for one in STRATEGIES:
            # The newest candle of a first start may be evaluated, too, and the cursor has moved on before we looked.
            first = self.first[one.name]
            listed = [signal["time"] for signal in map(json.loads, self.listed()) if signal["strategy"] == one.name]
            early = min((time for time in listed if time <= first), default="9")
            found[one.name] = [
                signal
                for signal in signals_until(self._found(one), last[one.name])
                if signal["time"] > first or signal["time"] >= early
            ]
        return found

    def _found(self, one: Rules) -> list[Any]:
        reply = requests.get(
            f"{self.server.url}/v3/instruments/{one.instrument}/candles",
            params={"granularity": "S5", "count": "1000", "price": "M"},
            headers={"Authorization": f"Bearer {TOKEN}", "Accept-Datetime-Format": "RFC3339"},
            timeout=10,
        )
        candles = [
            {"time": candle["time"][:19] + "Z"}
            | {name: candle["mid"][name[0]] for name in ("open", "high", "low", "close")}
            for candle in reply.json()["candles"]
            if candle["complete"]
        ]
        return expected_signals(candles, one)


@pytest.fixture
def live(workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Live]:
    market = RandomMarket(23, always_open=True)
    with SimulatorServer(market, token=TOKEN, account=ACCOUNT) as server, receiver() as desk:
        made = Live(workplace, server, fresh_redis, desk)
        yield made
        workplace.end_all()
        made.redis.close()


def judged(live: Live, fault: str, injected: int, recovery: float, gone_at: float) -> Row:
    """Compare list and desk with the oracle, to the digit, and return the row of the table.

    What was listed and not fetched when Redis was lost comes when Redis is back, behind what crossed meanwhile; so
    order is asked of what closed before the loss, and of what closed since.
    """
    expected = live.expected(live.settle())
    listed = live.listed()
    compare_list(listed, expected)
    signals = {one["id"]: one for one in map(json.loads, listed)}
    heard = [signals[identity] for identity in first_heard(live.desk.posts)]
    for one, is_later in product(STRATEGIES, (False, True)):
        mine = [each for each in heard if each["strategy"] == one.name]
        times = [each["time"] for each in mine if (epoch(each["close_time"]) >= gone_at) is is_later]
        assert times == sorted(times), f"{one.name} in order"
    figures = asdict(count_list(listed, expected)) | asdict(count_deliveries({"desk": live.desk.posts}, list(signals)))
    return Row(fault, injected, recovery=recovery, **figures)


@pytest.mark.timeout(480)
def test_signals_arrive_within_seconds_while_redis_is_stopped_and_are_listed_once(
    live: Live, tally: Tally, long: bool
) -> None:
    live.begin()
    live.desk.wait_for_posts(1, 30)
    live.redis_server.stop()
    gone, gone_at = time.monotonic(), time.time()
    live.await_posts(40 if long else 4, gone_at, 300 if long else 30)
    if long:
        time.sleep(max(0.0, 300 - (time.monotonic() - gone)))
    latencies = live.latencies(gone_at)
    live.redis_server.start()
    back = time.monotonic()
    live.daemon.says("replayed to Redis")
    recovery = time.monotonic() - back
    count = len(live.posts())
    live.desk.wait_for_posts(count + 1, 30)
    tally.record(judged(live, "Redis stopped for five minutes" if long else "Redis stopped", 1, recovery, gone_at))
    assert max(latencies) < LATEST, f"{max(latencies):.1f} s"


def test_a_redis_that_hangs_delays_no_signal(live: Live, tally: Tally) -> None:
    live.begin()
    live.desk.wait_for_posts(1, 30)
    live.redis_server.pause()
    gone_at = time.time()
    live.await_posts(4, gone_at, 30)
    latencies = live.latencies(gone_at)
    live.redis_server.resume()
    back = time.monotonic()
    live.daemon.says("Redis is back")
    recovery = time.monotonic() - back
    live.desk.wait_for_posts(len(live.posts()) + 1, 30)
    tally.record(judged(live, "Redis hung (SIGSTOP)", 1, recovery, gone_at))
    assert max(latencies) < LATEST, f"{max(latencies):.1f} s"


def test_daemon_and_notifier_that_die_while_redis_is_away_go_on(live: Live, tally: Tally) -> None:
    live.begin()
    live.desk.wait_for_posts(1, 30)
    live.redis_server.stop()
    gone_at = time.time()
    before = len(live.posts())
    live.desk.wait_for_posts(before + 1, 30)
    live.daemon.kill()
    live.notifier.kill()
    live.daemon, live.notifier = live.starts("run"), live.starts("notify")
    live.daemon.says("goes on alone")
    live.desk.wait_for_posts(len(live.posts()) + 3, 40)
    live.redis_server.start()
    back = time.monotonic()
    live.daemon.says("replayed to Redis")
    recovery = time.monotonic() - back
    live.desk.wait_for_posts(len(live.posts()) + 1, 30)
    tally.record(judged(live, "kill -9 of both while Redis is stopped", 2, recovery, gone_at))
