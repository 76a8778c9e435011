"""Larger timeframes over real HTTP: what a wake asks for, and that all ways agree to the candle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, parse_instant
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.markets.completion import ByLag
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.history.broker_history import read_history
from ninja_daemon.usecases.history.larger_history import bound, judgeable, read_larger
from ninja_daemon.usecases.proof.derivation import derive
from ninja_daemon.usecases.replay import Engine, Span, replay
from ninja_daemon.usecases.wake_result import StrategyResult
from tests.fakes.clock import FakeClock

TOKEN = "0123456789abcdef-very-secret"
FOUR_HOURS = TrendAverage(Granularity.H4, MovingAverageKind.EMA, 6)
NAMES = ("EUR_USD", "GBP_USD")
STRATEGIES = [
    Strategy(f"{name}_{fast}", name, Granularity.H1, fast, 3, atr_period=2, filters=(("trend", FOUR_HOURS),))
    for name in NAMES
    for fast in (1, 2)
]
BEGIN = parse_instant("2024-03-06T18:00:00Z")
"""A border of one hour, and of four."""
HOUR = 3_600


@dataclass
class World:
    server: SimulatorServer
    source: OandaSource
    store: LocalStateStore
    journal: SqliteJournal
    clock: FakeClock
    seen: int = 0

    def wake(self, at: float, *, patient: bool = False) -> Sequence[StrategyResult]:
        self.clock.time = at
        self.seen = len(self.server.requests)
        return catch_up(
            STRATEGIES,
            source=self.source,
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            hold_gaps=patient,
        ).results

    def asked(self) -> list[list[str]]:
        """The series of each request for candles in the last wake."""
        found = []
        for one in list(self.server.requests)[self.seen :]:
            if "latest" in one.path:
                found.append(sorted(one.query["candleSpecifications"].split(",")))
            elif "candles" in one.path:
                found.append([f"{one.path.split('/')[-2]}:{one.query['granularity']}:M"])
        return sorted(found, key=len)

    def listed(self, strategy: Strategy) -> list[str]:
        signals = [decode_signal(text) for _, text in self.journal.waiting(10_000)]
        return [one.id for one in signals if one.strategy == strategy.name]


@pytest.fixture(params=["an account", "none"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock, journal = FakeClock(BEGIN + 60.0), SqliteJournal(tmp_path / "journal.sqlite3")
    store = LocalStateStore(journal)
    lags = ByLag(least=0.5, most=4.0, tail=30.0, tail_per_thousand=300)
    with SimulatorServer(RandomMarket(seed=5), token=TOKEN, clock=clock, completion=lags) as server:
        account = DEFAULT_ACCOUNT if request.param == "an account" else None
        source = OandaSource(Secret(TOKEN), server.url, account_id=account, clock=clock)
        yield World(server, source, store, journal, clock)
        source.close()
    store.close()
    journal.close()


def test_larger_candles_cost_a_request_at_their_closes_only(world: World) -> None:
    assert all(one.error is None for one in world.wake(BEGIN + 60.0))
    own, larger = [f"{name}:H1:M" for name in NAMES], [f"{name}:H4:M" for name in NAMES]
    for hour in range(1, 9):
        assert all(one.error is None for one in world.wake(BEGIN + HOUR * hour + 60.0))
        asked = world.asked()
        # Both strategies of a pair look at the same larger candles.
        assert sorted(name for names in asked for name in names) == sorted(own + (larger if hour % 4 == 0 else []))
        if "latest" in "".join(one.path for one in world.server.requests):
            assert len(asked) == 2


def test_wakes_replays_and_derivations_give_the_same_signals(world: World) -> None:
    """Looks a second or two after each close find larger candles late; every way ends with the same ids."""
    world.wake(BEGIN + 60.0)
    awaited = 0
    for hour in range(1, 24 * 4):
        for after in (1.0, 4.5):
            awaited += sum(bool(one.awaited) for one in world.wake(BEGIN + HOUR * hour + after, patient=True))
    assert all(one.error is None for one in world.wake(world.clock.time + 60.0))
    assert awaited > 5
    for strategy in STRATEGIES:
        since = BEGIN
        listed = world.listed(strategy)
        derived = derive(world.source, strategy, Span(since))
        assert list(derived.signals()) == listed
        history = read_history(world.source, strategy.series, Span(since), strategy.warm_up)
        larger = read_larger(world.source, [strategy], int(history.parts[0].time[0]))
        for engine in Engine:
            parts = judgeable(strategy, history.parts, larger)
            (report,) = replay([bound(strategy, history.instrument, larger)], parts, history.span, engine)
            assert [one.id for one in report.signals] == listed
            assert report.rejected


def test_nothing_is_derived_by_a_larger_candle_that_is_not_complete(world: World) -> None:
    strategy = STRATEGIES[0]
    border = next(
        at
        for at in range(BEGIN, BEGIN + 40 * 4 * HOUR, 4 * HOUR)
        if _completed(world, at, Granularity.H4) > _completed(world, at, Granularity.H1) + 1
    )
    world.clock.time = _completed(world, border, Granularity.H1) + 0.5
    derived = derive(world.source, strategy, Span(border - 10 * HOUR))
    assert derived.unjudged == border - HOUR
    assert int(derived.candles.time[-1]) == border - 2 * HOUR
    world.clock.time = _completed(world, border, Granularity.H4) + 0.5
    derived = derive(world.source, strategy, Span(border - 10 * HOUR))
    assert (derived.unjudged, int(derived.candles.time[-1])) == (None, border - HOUR)


def _completed(world: World, close: Instant, granularity: Granularity) -> float:
    broker = world.server.broker
    return broker.completion.completed_at(broker.market, "EUR_USD", granularity, close)
