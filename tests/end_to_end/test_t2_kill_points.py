"""T2: ended at any point and begun again, a pass leaves what an undisturbed one leaves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Series
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.faults import BrokerFault, Delay
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched, Wanted, WantedHistory
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import NO_BOOKS, Change, Committed, Journal, Loaded, StateStore
from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import nasty, oracle
from tests.end_to_end.stage import Stage
from tests.oracle import assert_same_signals, read_candles, signals_after, signals_until
from tests.servers import RedisServer

POINTS = (
    "before load",
    "after load",
    "before broker",
    "after broker",
    "before commit",
    "after first commit",
    "after commit",
    "reply lost, sent again",
    "reply lost, given up",
    "before remember",
    "after remember",
)


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


@dataclass
class Fuse:
    """Ends the pass when its point is reached."""

    point: str

    def reached(self, point: str) -> None:
        if point == self.point:
            raise Killed(point)


@dataclass
class MortalStore(StateStore):
    """The real store, in a process that ends at the fuse's point."""

    store: StateStore
    fuse: Fuse

    def supposed(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        self.fuse.reached("before load")
        supposed = self.store.supposed(strategies)
        self.fuse.reached("after load")
        return supposed

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded | NinjaError]:
        self.fuse.reached("before load")
        loaded = self.store.load(strategies)
        self.fuse.reached("after load")
        return loaded

    def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
        self.fuse.reached("before commit")
        if self.fuse.point == "after first commit":
            self.store.commit(changes[:1])
            raise Killed(self.fuse.point)
        results = self.store.commit(changes)
        self.fuse.reached("after commit")
        if self.fuse.point == "reply lost, sent again":
            results = self.store.commit(changes)
        if self.fuse.point == "reply lost, given up":
            message = "the connection broke while the reply was on its way"
            raise StoreUnavailable(message)
        return results

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        return self.store.unfinished(strategies)

    def last_listed(self, until: Mapping[str, int | None]) -> Mapping[str, int | None]:
        return self.store.last_listed(until)


@dataclass
class MortalSource(CandleSource):
    """The real broker adapter, cut as well."""

    source: CandleSource
    fuse: Fuse

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        self.fuse.reached("before broker")
        answers = self.source.newer(wanted)
        self.fuse.reached("after broker")
        return answers

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        self.fuse.reached("before broker")
        answers = self.source.history(wanted)
        self.fuse.reached("after broker")
        return answers

    def had_prices(self, series: Series, start: Instant, end: Instant) -> bool:
        return self.source.had_prices(series, start, end)


@dataclass
class MortalJournal(Journal):
    """The real journal, cut as well."""

    journal: Journal
    fuse: Fuse

    def marks(self) -> Mapping[str, Instant]:
        return self.journal.marks()

    def open_books(self, strategies: Sequence[Strategy]) -> Mapping[str, Book]:
        return self.journal.open_books(strategies)

    def remember(self, marks: Mapping[str, Instant], books: Mapping[Strategy, Book] = NO_BOOKS) -> None:
        self.fuse.reached("before remember")
        self.journal.remember(marks, books)
        self.fuse.reached("after remember")


def mortal_wake(stage: Stage, point: str) -> bool:
    """A pass that ends at a point; returns whether it came that far."""
    fuse = Fuse(point)
    try:
        catch_up(
            stage.strategies,
            source=MortalSource(stage.source, fuse),
            store=MortalStore(stage.store, fuse),
            journal=MortalJournal(stage.journal, fuse),
            clock=stage.clock,
        )
    except (Killed, StoreUnavailable):
        return True
    return False


@pytest.mark.parametrize("candles_a_pass", [1, 7])
@pytest.mark.parametrize("averages_lost", [False, True])
def test_t2_a_pass_that_ends_at_any_point_changes_nothing_in_the_end(
    make_stage: Callable[..., Stage], candles_dir: Path, candles_a_pass: int, averages_lost: bool
) -> None:
    rules = nasty("EUR_USD_H4")[:3]
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    stage = make_stage(rules, candles_dir)
    ended = dict.fromkeys(POINTS, 0)
    first, last = 500, 500 + candles_a_pass * 4 * len(POINTS)
    for place, point in zip(range(first, last + 1, candles_a_pass), itertools.cycle(POINTS), strict=False):
        stage.show(candles[place], "H4")
        ended[point] += mortal_wake(stage, point)
        if averages_lost:
            stage.client.delete(*(stage.keys.ma_state(each.name) for each in rules))
        stage.restart()
        if place % 3:
            stage.good_wake()
    stage.good_wake()
    assert all(count >= 3 for point, count in ended.items() if point != "reply lost, sent again"), ended
    for each in rules:
        must = signals_until(oracle(candles_dir / "EUR_USD_H4.csv", each).signals, candles[last]["time"])
        assert_same_signals(
            stage.listed(each.name), [signal for signal in must if signal["time"] >= candles[first]["time"]]
        )
        assert stage.evaluated(each.name) == last - first, "each candle exactly once"
    stage.assert_outcomes(candles_dir, rules)


@pytest.mark.parametrize("point", POINTS)
def test_t2_a_first_start_may_end_anywhere_too(make_stage: Callable[..., Stage], candles_dir: Path, point: str) -> None:
    rules = nasty("GBP_JPY_D")[:2]
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    stage = make_stage(rules, candles_dir)
    stage.show(candles[300], "D")
    mortal_wake(stage, point)
    stage.restart()
    for place in (300, 301, 340):
        stage.show(candles[place], "D")
        stage.good_wake()
    for each in rules:
        must = signals_until(oracle(candles_dir / "GBP_JPY_D.csv", each).signals, candles[340]["time"])
        assert_same_signals(
            stage.listed(each.name), [signal for signal in must if signal["time"] >= candles[300]["time"]]
        )


@dataclass
class FatefulSource(MortalSource):
    """The real broker adapter; something happens while its answer is on the way."""

    happens: Callable[[], object] = lambda: None

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        answers = super().newer(wanted)
        self.happens()
        return answers


@pytest.mark.parametrize("how", ["killed", "restarted", "flushed", "averages evicted", "cursor moved by another"])
def test_t9_what_becomes_of_redis_between_reading_and_writing_changes_no_signal(
    make_stage: Callable[..., Stage], fresh_redis: RedisServer, candles_dir: Path, how: str
) -> None:
    rules = nasty("GBP_JPY_D")[:2]
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    stage = make_stage(rules, candles_dir)

    def happen() -> None:
        match how:
            case "killed":
                fresh_redis.kill()
            case "restarted":
                fresh_redis.restart()
            case "flushed":
                stage.drain()
                stage.client.flushall()
            case "averages evicted":
                stage.client.delete(*(stage.keys.ma_state(each.name) for each in rules))
            case _:
                catch_up(
                    stage.strategies, source=stage.source, store=stage.store, journal=stage.journal, clock=stage.clock
                )

    for place in (400, 420, 421, 450):
        stage.show(candles[place], "D")
        if place in {420, 450}:
            source = FatefulSource(stage.source, Fuse(""), happen)
            with suppress(StoreUnavailable):
                catch_up(stage.strategies, source=source, store=stage.store, journal=stage.journal, clock=stage.clock)
            if not fresh_redis.running:
                fresh_redis.start()
        stage.good_wake()
    for each in rules:
        must = signals_until(oracle(candles_dir / "GBP_JPY_D.csv", each).signals, candles[450]["time"])
        assert_same_signals(
            stage.listed(each.name), [signal for signal in must if signal["time"] >= candles[400]["time"]]
        )
        assert stage.evaluated(each.name) == (29 if how == "flushed" else 50), "each candle exactly once"
    stage.assert_outcomes(candles_dir, rules)


def kill_in_its_middle(outside: Outside, seconds: float) -> None:
    """Start a pass and kill it that many seconds after its first request."""
    seen = len(outside.server.requests)
    running = outside.place.start("run", "--once")
    running.until(lambda: len(outside.server.requests) > seen, "a request to the broker")
    running.ends_within(seconds)
    running.kill()


def test_t2_processes_killed_at_random_moments_lose_and_repeat_nothing(outside: Outside, candles_dir: Path) -> None:
    chance = random.Random(7)
    rules = nasty("EUR_USD_H4")[:2]
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    outside.watch(rules)
    outside.show(candles[400], "H4")
    outside.once()
    # Every answer of the broker takes its time, so that a kill finds the pass in its middle.
    outside.server.faults.add(BrokerFault(Delay(0.05)))
    for step in range(1, 9):
        outside.show(candles[400 + 40 * step], "H4")
        kill_in_its_middle(outside, chance.uniform(0, 0.15))
        if step % 3 == 0:
            outside.redis_server.kill()
            outside.redis_server.start()
    outside.once()
    for each in rules:
        must = signals_until(oracle(candles_dir / "EUR_USD_H4.csv", each).signals, candles[720]["time"])
        assert_same_signals(outside.listed(each.name), signals_after(must, candles[400]["time"]))
