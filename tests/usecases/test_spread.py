"""Spreads at the closes: asked for where a strategy needs them, judged by, listed, and counted as a cost."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_id
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Wanted, WantedHistory
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.proof.derivation import derive
from ninja_daemon.usecases.replay import Span
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

EUR_USD = Instrument("EUR_USD", 5, -4)
START = 1_600_000_200
PLAIN = Strategy(
    "PLAIN", "EUR_USD", Granularity.M15, 1, 3, atr_period=2, market_hours=MarketHours.ALWAYS, max_candles=4
)
TIGHT = replace(PLAIN, name="TIGHT", filters=(("max_spread_pips", Decimal("1.5")),))
COSTLY = replace(PLAIN, name="COSTLY", cost_is_spread=True)


def candles(count: int) -> list[Candle]:
    chance, close, made = random.Random(4), 110_000, list[Candle]()
    for number in range(count):
        opened, close = close, close + chance.choice((-40, -20, 20, 40))
        made.append(Candle(START + 900 * number, opened, max(opened, close) + 3, min(opened, close) - 3, close))
    return made


SPREADS = {one.time: 5 + one.time // 900 * 7 % 21 for one in candles(300) if one.time // 900 % 5}
"""From 0.5 to 2.5 pips; every fifth is not known."""


@dataclass
class World:
    store: LocalStateStore
    journal: SqliteJournal
    strategies: Sequence[Strategy]
    broker: FakeBroker = field(
        default_factory=lambda: FakeBroker(
            {"EUR_USD": EUR_USD}, {PLAIN.series: candles(300)}, spreads={PLAIN.series: SPREADS}
        )
    )
    clock: FakeClock = field(default_factory=FakeClock)
    closed: list[Outcome] = field(default_factory=list)

    def wake(self, newest: int) -> None:
        self.broker.newest[PLAIN.series] = START + 900 * newest
        self.clock.time = START + 900 * (newest + 1) + 1.0
        done = catch_up(self.strategies, source=self.broker, store=self.store, journal=self.journal, clock=self.clock)
        assert [one.error for one in done.results] == [None] * len(self.strategies)
        self.closed += [outcome for one in done.results for outcome in one.closed]

    def listed(self, strategy: Strategy) -> list[Signal]:
        signals = [decode_signal(text) for _, text in self.journal.waiting(10_000)]
        return [one for one in signals if one.strategy == strategy.name]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    store = LocalStateStore(journal)
    world = World(store, journal, (PLAIN, TIGHT, COSTLY))
    yield world
    store.close()
    journal.close()


def crosses_after(strategy: Strategy, place: int) -> list[tuple[int, int]]:
    rules = Rules(replace(strategy, filters=()), EUR_USD)
    state, found = rules.empty_state(), []
    for candle in candles(300):
        state, cross = rules.advance(state, candle)
        if cross is not None and cross.rejected_by is None and candle.time >= START + 900 * place:
            found.append((candle.time, cross.side.value))
    return found


def test_a_wide_or_unknown_spread_rejects_and_the_signals_have_theirs(world: World) -> None:
    for newest in (20, 21, 22, 50, 51, 299):
        world.wake(newest)
    crosses = crosses_after(PLAIN, 20)
    assert [(one.time, one.side.value) for one in world.listed(PLAIN)] == crosses
    narrow = [(time, side) for time, side in crosses if SPREADS.get(time, 99) <= 15]
    assert 0 < len(narrow) < len(crosses)
    assert [(one.time, one.side.value) for one in world.listed(TIGHT)] == narrow
    assert {one.spread_pips for one in world.listed(PLAIN)} == {None}
    for strategy in (TIGHT, COSTLY):
        assert [one.spread_pips for one in world.listed(strategy)] == [
            None if (spread := SPREADS.get(one.time)) is None else Decimal(spread) / 10
            for one in world.listed(strategy)
        ]


def test_the_spread_is_the_cost_of_a_signal_that_is_listed_with_it(world: World) -> None:
    for newest in (20, 21, 100, 299):
        world.wake(newest)
    spreads = {one.id: one.spread_pips or Decimal(0) for one in world.listed(COSTLY)}
    distances = {one.id: one.sl_pips for one in world.listed(COSTLY)}
    closed = [one for one in world.closed if one.strategy == "COSTLY"]
    assert len(closed) > 20
    for one in closed:
        assert one.net_r == round((one.pips - spreads[one.id]) / distances[one.id], 4)
    assert all(one.net_r == one.r for one in world.closed if one.strategy == "PLAIN")


def test_spreads_are_asked_for_in_the_same_request_and_only_where_needed(world: World) -> None:
    world.wake(20)
    world.broker.asked.clear()
    world.wake(21)
    assert set(world.broker.asked) == {Wanted(PLAIN.series, START + 900 * 20, with_spreads=True)}
    world.strategies = (PLAIN,)
    world.broker.asked.clear()
    world.wake(22)
    assert world.broker.asked == [Wanted(PLAIN.series, START + 900 * 21)]


def test_a_derivation_gives_the_same_signals_with_the_same_spreads(world: World) -> None:
    for newest in (20, 40, 299):
        world.wake(newest)
    for strategy in world.strategies:
        world.broker.asked.clear()
        derived = derive(world.broker, strategy, Span(START + 900 * 20))
        assert {type(one) for one in world.broker.asked} == {WantedHistory}
        assert {one.with_spreads for one in world.broker.asked} == {strategy.needs_spread}
        own = [(one.id, one.spread_pips) for one in derived.signals().values()]
        assert own == [(one.id, one.spread_pips) for one in world.listed(strategy)]


def test_what_a_spread_costs_changes_no_id() -> None:
    time = crosses_after(PLAIN, 20)[0][0]
    renamed = replace(COSTLY, name="PLAIN")
    assert signal_id(renamed, time, Side.BUY) == signal_id(PLAIN, time, Side.BUY)
