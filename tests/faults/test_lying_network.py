"""Requests and replies that get lost between the product and Redis: the list stays exact, and everything arrives.

A client that repeats commands by itself does each of them twice after a lost reply. What writes here may safely run
twice: that is shown with the product's own client and with redis-py as it comes, which repeats up to ten times.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.scripts import script
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Loaded
from tests.end_to_end.settings import nasty
from tests.end_to_end.stage import SOON_AFTER_CLOSE, TOKEN, epoch, market_server, strategies_of
from tests.fakes.clock import FakeClock
from tests.fakes.messages import a_signal
from tests.faults.judge import compare_list, count_deliveries, count_list, first_heard, ids_of
from tests.faults.proxy import LoseReply, LoseRequest, Proxy, Toxic
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally
from tests.oracle import Candle, close_time, expected_signals, read_candles
from tests.servers import RedisServer

SERIES: Final = "EUR_USD_H4"
RULES: Final = (nasty(SERIES)[0], nasty(SERIES)[2])
FIRST: Final = 300


def ours(url: str) -> redis.Redis:
    """The product's client: it repeats nothing."""
    return connect(url, name="test")


def as_it_comes(url: str) -> redis.Redis:
    """redis-py with the ten retries that it has when nobody says otherwise; a client made of an URL has none."""
    where = urlsplit(url)
    return redis.Redis(
        host=str(where.hostname), port=int(where.port or 0), decode_responses=True, encoding_errors="surrogateescape"
    )


@dataclass
class CountingStore:
    """The real store; counts what the commits came to."""

    store: RedisStateStore
    results: Counter[str] = field(default_factory=Counter)

    def supposed(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        return self.store.supposed(strategies)

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded | NinjaError]:
        return self.store.load(strategies)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
        results = self.store.commit(changes)
        self.results.update(one.result for one in results.values() if isinstance(one, Committed))
        return results

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        return self.store.unfinished(strategies)

    def last_listed(self, until: Mapping[str, int | None]) -> Mapping[str, int | None]:
        return self.store.last_listed(until)


class Racer:
    """A daemon without its process: it wakes as fast as it can until it is told to stop."""

    def __init__(self, client: redis.Redis, source: OandaSource, directory: Path, clock: FakeClock) -> None:
        self.store = CountingStore(RedisStateStore(client, Keys("race")))
        self.broke_off = 0
        self._source = source
        self._journal = SqliteJournal(directory / "journal.sqlite3")
        self._clock = clock
        self._strategies = strategies_of(RULES, directory)

    def wake(self) -> bool:
        """One pass; whether every strategy came through."""
        try:
            wake = catch_up(
                self._strategies, source=self._source, store=self.store, journal=self._journal, clock=self._clock
            )
        except StoreUnavailable:
            self.broke_off += 1
            return False
        return all(outcome.error is None for outcome in wake.results)

    def race(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.wake()

    def close(self) -> None:
        self._journal.close()
        self._source.close()


def losses(chance: random.Random, rate: float, needle: str = "") -> tuple[Toxic, Toxic]:
    """Requests and replies that get lost, each as often as the other."""
    draw = random.Random(chance.random())
    return LoseRequest(needle=needle, chance=rate, draw=draw), LoseReply(needle=needle, chance=rate, draw=draw)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("client", [ours, as_it_comes])
def test_two_daemons_on_a_lying_network_list_each_signal_once(
    fresh_redis: RedisServer,
    tmp_path: Path,
    candles_dir: Path,
    tally: Tally,
    chance: random.Random,
    long: bool,
    client: Callable[[str], redis.Redis],
) -> None:
    count = 1_200 if long else 150
    candles = read_candles(candles_dir / f"{SERIES}.csv")
    clock = FakeClock(0.0)
    with ExitStack() as stack:
        broker = stack.enter_context(market_server(candles_dir, clock))
        proxy = stack.enter_context(Proxy(fresh_redis))
        racers = []
        for name in ("one", "two"):
            directory = tmp_path / name
            directory.mkdir()
            source = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=clock)
            connection = stack.enter_context(client(proxy.url))
            racers.append(Racer(connection, source, directory, clock))
            stack.callback(racers[-1].close)
        show(clock, candles[FIRST])
        assert racers[0].wake()
        toxics = [proxy.add(toxic) for toxic in losses(chance, 0.05)]
        stop = threading.Event()
        with ThreadPoolExecutor(2) as threads:
            racing = [threads.submit(racer.race, stop) for racer in racers]
            for place in range(FIRST + 1, FIRST + count + 1):
                show(clock, candles[place])
                stop.wait(chance.uniform(0.0, 0.02))
            stop.set()
            for one in racing:
                one.result()
        for toxic in toxics:
            proxy.remove(toxic)
        assert racers[0].wake()
        inspector = stack.enter_context(fresh_redis.client())
        listed = [str(text) for text in inspector.lrange(Keys("race").signals, 0, -1)]
    expected = {
        one.name: [
            signal
            for signal in expected_signals(candles[: FIRST + count + 1], one)
            if signal["time"] >= candles[FIRST]["time"]
        ]
        for one in RULES
    }
    struck = sum(toxic.struck for toxic in toxics)
    name = "redis-py's own retries" if client is as_it_comes else "no retries"
    tally.record(Row(f"request or reply lost, two daemons, {name}", struck, **asdict(count_list(listed, expected))))
    compare_list(listed, expected)
    results = racers[0].store.results + racers[1].store.results
    print(f"{name}: {struck} lost, results {dict(results)}")  # noqa: T201 - figures for the guarantees
    assert {CommitResult.OK, CommitResult.ALREADY, CommitResult.STALE} == results.keys()
    gave_up = racers[0].broke_off + racers[1].broke_off
    # redis-py gives up, too, now and then: a new connection's first words get lost like any other.
    assert gave_up > struck / 2 if client is ours else gave_up < struck / 10, f"{gave_up} wakes broke off"


def show(clock: FakeClock, candle: Candle) -> None:
    clock.time = epoch(close_time(candle["time"], "H4")) + SOON_AFTER_CLOSE


@pytest.fixture
def stage(open_scene: Callable[..., Scene], fresh_redis: RedisServer) -> Iterator[tuple[Proxy, Scene]]:
    """The processes' way to Redis leads through the proxy; the test's own does not."""
    with Proxy(fresh_redis) as proxy:
        yield proxy, open_scene(RULES, destinations=("a", "b"), redis_url=proxy.url)


@pytest.mark.timeout(300)
def test_notifiers_on_a_lying_network_deliver_everything_and_mark_repeats(
    stage: tuple[Proxy, Scene], tally: Tally, chance: random.Random, long: bool
) -> None:
    proxy, scene = stage
    count = 1_000 if long else 60
    signals = [a_signal(number) for number in range(count)]
    ids = [signal.id for signal in signals]
    for _ in range(2):
        scene.notifier()
    texts = [encode_signal(signal) for signal in signals]
    toxics = [proxy.add(toxic) for name in ("peek", "look", "write") for toxic in script_losses(chance, name)]
    while texts:
        at_once = chance.randint(1, 20)
        scene.client.rpush(scene.key("signals"), *texts[:at_once])
        del texts[:at_once]
        listed = count - len(texts)
        scene.world.receiver.wait_for_posts(listed, 60)
    scene.world.receiver.wait_for(lambda _: scene.heard(ids), 60)
    for toxic in toxics:
        proxy.remove(toxic)
    scene.end()
    struck = sum(toxic.struck for toxic in toxics)
    figures = count_deliveries(scene.posts(), ids)
    tally.record(Row("request or reply lost, two notifiers", struck, expected=count, **asdict(figures)))
    assert all(toxic.struck for toxic in toxics if toxic.times), "each script must have lost a request and a reply"
    assert all(first_heard(posts) == ids for posts in scene.posts().values())


def script_losses(chance: random.Random, name: str) -> Sequence[Toxic]:
    """One request and one reply for certain, and more by chance."""
    needle = script(name).digest
    certain = LoseRequest(needle=needle, times=1), LoseReply(needle=needle, times=1)
    return *certain, *losses(chance, 0.03, needle)


@pytest.mark.timeout(300)
def test_the_whole_product_on_a_lying_network_lists_once_and_delivers_all(
    stage: tuple[Proxy, Scene], tally: Tally, chance: random.Random, long: bool
) -> None:
    proxy, scene = stage
    count, speed = (1_000, 30) if long else (90, 30)
    candles = read_candles(scene.world.folder / f"{SERIES}.csv")
    scene.show(candles[FIRST])
    scene.daemon("--once").exited(0)
    toxics = [proxy.add(toxic) for toxic in losses(chance, 0.02)]
    first = scene.daemon()
    scene.daemon()
    for _ in range(2):
        scene.notifier()
    last = candles[FIRST + count]
    clock = scene.world.clock
    clock.set(clock.now(), speed=speed * 14_400.0)
    assert first.until(lambda: clock.now() > epoch(close_time(last["time"], "H4")), "the end of the market", 120)
    scene.show(last)
    for toxic in toxics:
        proxy.remove(toxic)
    assert first.until(lambda: scene.stands_at(last), "the end of the catch-up", 60)
    expected = scene.expected(candles[FIRST], last)
    listed = scene.listed()
    ids = list(dict.fromkeys(ids_of(listed)))
    scene.world.receiver.wait_for(lambda _: scene.heard(ids), 60)
    scene.end()
    figures = asdict(count_list(listed, expected)) | asdict(count_deliveries(scene.posts(), ids))
    tally.record(Row("request or reply lost, everything", sum(toxic.struck for toxic in toxics), **figures))
    compare_list(listed, expected)
