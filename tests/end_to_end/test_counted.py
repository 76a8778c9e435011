"""What a wake costs, counted at the broker and at Redis: the sixteen shipped strategies over three weeks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest
import requests

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.answers.broker import SimulatedBroker
from ninja_daemon.simulator.answers.request import Answer, Request
from ninja_daemon.simulator.faults import BrokerFault
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.wake_result import Start, StrategyResult
from tests.end_to_end.stage import ACCOUNT, TOKEN, epoch
from tests.fakes.clock import FakeClock
from tests.processes import ROOT
from tests.servers import RedisServer

BEFORE = 200  # candles that the replaced system fetched for each strategy at each wake
BEGIN, END = epoch("2026-02-25T00:00:05Z"), epoch("2026-03-18T00:00:05Z")  # New York's clocks change on 8 March


@dataclass
class Count:
    """What the wakes of one test added up to."""

    wakes: int = 0
    evaluations: int = 0
    hits: int = 0
    candles: int = 0
    size: int = 0
    requests: list[int] = field(default_factory=list)
    redis_reads: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CountingBroker(SimulatedBroker):
    """The simulated broker, counting the candles in its answers."""

    answered: list[int] = field(default_factory=list)

    def answer(self, request: Request, now: float, faults: Sequence[BrokerFault] = ()) -> Answer:
        # Named, because a dataclass with slots is made anew and has no cell for a bare super().
        answer = SimulatedBroker.answer(self, request, now, faults)
        self.answered.append(answer.text.count('"complete":'))
        return answer


@pytest.fixture(scope="module")
def market() -> RandomMarket:
    return RandomMarket(seed=16)


@pytest.fixture
def sixteen(tmp_path: Path) -> Sequence[Strategy]:
    environment = {"NINJA_CONFIG": str(ROOT / "config" / "ninja.toml"), "HOME": str(tmp_path)}
    strategies = load_settings(environment, tmp_path)[1].strategies
    assert len(strategies) == 16
    return strategies


def moments() -> Iterator[tuple[int, Granularity]]:
    """Every close of three weeks."""
    closes = [
        (close, granularity)
        for granularity in (Granularity.H4, Granularity.D)
        for close in _closes(granularity, int(BEGIN), int(END))
    ]
    return iter(sorted(closes, key=lambda each: each[0]))


def _closes(granularity: Granularity, begin: int, end: int) -> Iterator[int]:
    close = MarketHours.FX.next_close(granularity, begin)
    while close < end:
        yield close
        close = MarketHours.FX.next_close(granularity, close)


@pytest.mark.parametrize("account", [None, ACCOUNT], ids=["token alone", "with an account"])
def test_a_steady_wake_fetches_a_twentieth_and_finds_its_averages(
    market: RandomMarket, sixteen: Sequence[Strategy], fresh_redis: RedisServer, tmp_path: Path, account: str | None
) -> None:
    clock = FakeClock(BEGIN)
    with SimulatorServer(market, clock=clock, token=TOKEN, account=ACCOUNT) as server:
        server.broker = broker = CountingBroker(market, TOKEN, ACCOUNT)
        reference = _size_of_a_fetch(server, BEFORE)
        assert broker.answered == [BEFORE]
        source = OandaSource(Secret(TOKEN), server.url, account_id=account, clock=clock)
        client = connect(fresh_redis.url, name="test")
        journal = SqliteJournal(tmp_path / "journal.sqlite3")
        store = RedisStateStore(client, Keys("ninja"))

        def wake(due: Sequence[Strategy]) -> Sequence[StrategyResult]:
            outcomes = catch_up(due, source=source, store=store, journal=journal, clock=clock).results
            assert not [outcome.error for outcome in outcomes if outcome.error is not None]
            return outcomes

        assert {outcome.start for outcome in wake(sixteen)} == {Start.FIRST}
        count = Count()
        with fresh_redis.client() as observer:
            for close, granularity in moments():
                clock.time = max(clock.time, close + 0.5)
                due = [each for each in sixteen if each.granularity is granularity]
                seen, received = server.figures, len(broker.answered)
                reads = int(observer.info("stats")["total_reads_processed"])
                outcomes = wake(due)
                # One read is the observer's own question.
                count.redis_reads.append(int(observer.info("stats")["total_reads_processed"]) - reads - 1)
                count.wakes += 1
                count.evaluations += sum(outcome.taken_in for outcome in outcomes)
                count.hits += sum(outcome.start is Start.STORED for outcome in outcomes)
                count.candles += sum(broker.answered[received:])
                count.size += server.figures.bytes_sent - seen.bytes_sent
                count.requests.append(server.figures.requests - seen.requests)
        source.close()
        journal.close()
        client.close()
    assert count.wakes > 100
    assert count.evaluations == 8 * count.wakes, "every strategy that was due took in exactly one candle"
    assert count.hits > 0.99 * count.evaluations
    assert count.candles <= 0.05 * BEFORE * count.evaluations
    assert count.size <= 0.05 * reference * count.evaluations
    # With an account: one request for all, one more to look behind a cursor; after a weekend one a series, and once a
    # day the account's list of instruments.
    assert max(count.requests) <= 8 + bool(account)
    assert median(count.requests) == (2 if account else 8)
    assert median(count.redis_reads) <= 3, "one round trip to load, one to commit; a large one may be read in two"


def _size_of_a_fetch(server: SimulatorServer, count: int) -> int:
    """Bytes of one answer with that many candles, as a client that asks plainly gets it."""
    before = server.figures.bytes_sent
    requests.get(
        f"{server.url}/v3/instruments/EUR_USD/candles",
        params={"granularity": "H4", "count": str(count), "price": "M"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    ).raise_for_status()
    return server.figures.bytes_sent - before
