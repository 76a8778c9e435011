"""Trends by a larger timeframe: no candle is judged by an unfinished one, and no signal is missed."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.errors import BrokerUnavailable, NinjaError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched, Wanted, WantedHistory
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.wake_result import Start, StrategyResult
from tests.core.series import real_candles
from tests.fakes.clock import FakeClock

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EUR_USD = Instrument("EUR_USD", 5, -4)
DAILY = TrendAverage(Granularity.D, MovingAverageKind.SMA, 5)
STRATEGY = Strategy(
    "EUR_USD_H4", "EUR_USD", Granularity.H4, fast_ma=1, slow_ma=2, atr_period=3, filters=(("trend", DAILY),)
)
DAYS = Series("EUR_USD", Granularity.D, STRATEGY.price)
Question = Wanted | WantedHistory


@dataclass
class TimedBroker:
    """Shows candles by the clock: complete from their close on, forming from their first price on.

    Attributes:
        candles: the whole history of each series.
        now: the moment.
        late: opens of candles that are not complete yet although they have closed.
        hidden: opens of candles that are not shown at all.
        failing: errors by series.
        asked: every request, in order.
    """

    candles: Mapping[Series, Sequence[Candle]]
    clock: FakeClock
    late: set[tuple[Series, Instant]] = field(default_factory=set)
    hidden: set[tuple[Series, Instant]] = field(default_factory=set)
    failing: dict[Series, NinjaError] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        return {one: self._answer(one, one.cursor, None, None) for one in wanted}

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        return {one: self._answer(one, None, one.until, one.count) for one in wanted}

    def had_prices(self, series: Series, start: Instant, end: Instant) -> bool:
        del series, start, end
        return False

    def _answer(
        self, request: Question, cursor: Instant | None, until: Instant | None, count: int | None
    ) -> Fetched | NinjaError:
        self.asked.append(request)
        series = request.series
        if series in self.failing:
            return self.failing[series]
        shown: list[Candle] = []
        forming = None
        for candle in self.candles[series]:
            if candle.time >= self.clock.time or (until is not None and candle.time > until):
                break
            if (series, candle.time) in self.hidden:
                continue
            if (series, candle.time) in self.late or series.granularity.close_of(candle.time) > self.clock.time:
                forming = candle.time
                break
            shown.append(candle)
        at = next((one for one in shown if one.time == cursor), None)
        new = [one for one in shown if cursor is None or one.time > cursor]
        return Fetched(EUR_USD, new if count is None else new[-count:], at, forming=forming)


@dataclass
class World:
    """Some strategies' surroundings."""

    broker: TimedBroker
    clock: FakeClock
    store: RedisStateStore | LocalStateStore
    journal: SqliteJournal
    strategies: Sequence[Strategy] = (STRATEGY,)

    def wake(self, at: Instant | None = None, *, patient: bool = False) -> StrategyResult:
        """Catch up some seconds after a candle's close; with patience, as while looks are still to come."""
        if at is not None:
            self.clock.time = at + 2.0
        result = catch_up(
            self.strategies,
            source=self.broker,
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            hold_gaps=patient,
        )
        return result.results[0]

    def listed(self) -> list[tuple[str, Instant]]:
        if isinstance(self.store, RedisStateStore):
            texts = self.store.client.lrange(self.store.keys.signals, 0, -1)
        else:
            texts = [text for _, text in self.journal.waiting(10_000)]
        return [(one.id, one.time) for one in map(decode_signal, texts)]

    def lose_averages(self) -> None:
        if isinstance(self.store, RedisStateStore):
            self.store.client.delete(self.store.keys.ma_state("EUR_USD_H4"))
        else:
            self.store = LocalStateStore(self.journal)


def real(series: Series) -> Sequence[Candle]:
    path = DATA / f"{series.instrument}_{series.granularity.name}.csv"
    if not path.exists():
        pytest.skip(f"the shared candles are not here: {path}")
    return list(real_candles(path, 5))


def world_of(store: RedisStateStore | LocalStateStore, journal: SqliteJournal) -> World:
    clock = FakeClock()
    return World(TimedBroker({one: real(one) for one in (STRATEGY.series, DAYS)}, clock), clock, store, journal)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    yield journal
    journal.close()


@pytest.fixture
def redis_world(redis_url: str, journal: SqliteJournal) -> Iterator[World]:
    client: redis.Redis = connect(redis_url, name="test")
    yield world_of(RedisStateStore(client, Keys("test")), journal)
    client.close()


@pytest.fixture(params=["redis", "local"])
def world(request: pytest.FixtureRequest, journal: SqliteJournal) -> Iterator[World]:
    if request.param == "redis":
        yield request.getfixturevalue("redis_world")
        return
    store = LocalStateStore(journal)
    yield world_of(store, journal)
    store.close()


def expected(
    own: Sequence[Candle], days: Sequence[Candle], after: Instant, until: Instant, strategy: Strategy = STRATEGY
) -> list[tuple[str, Instant]]:
    """The slow way: crosses without the filter, each held against the mean of the days that had closed by then."""
    rules = Rules(replace(strategy, filters=()), EUR_USD)
    trend = strategy.trend
    assert trend is not None
    state, found = rules.empty_state(), []
    ends = [trend.granularity.close_of(day.time) for day in days]
    for candle in own[: bisect_right(own, until, key=lambda one: one.time)]:
        state, cross = rules.advance(state, candle)
        if cross is None or cross.rejected_by is not None or candle.time <= after:
            continue
        complete = bisect_right(ends, strategy.granularity.close_of(candle.time))
        closed = [day.close for day in days[:complete]][-trend.period :]
        mean = Fraction(sum(closed), trend.period)
        if len(closed) == trend.period and cross.side * (candle.close - mean) > 0:
            found.append((signal_id(strategy, candle.time, cross.side), candle.time))
    return found


def close_of(candle: Candle) -> Instant:
    return Granularity.H4.close_of(candle.time)


def days_end(world: World, number: int) -> tuple[int, Candle]:
    """A candle of four hours that closes together with a day, and that day."""
    own, days = world.broker.candles[STRATEGY.series], world.broker.candles[DAYS]
    day = days[number]
    index = next(place for place, one in enumerate(own) if close_of(one) == Granularity.D.close_of(day.time))
    return index, day


def started(world: World, index: int) -> Sequence[Candle]:
    own = world.broker.candles[STRATEGY.series]
    result = world.wake(close_of(own[index - 1]))
    assert (result.start, result.error) == (Start.FIRST, None)
    return own


# --- what the broker may do -------------------------------------------------------------------------------------------


def test_a_candle_at_a_shared_close_waits_for_the_larger_one(world: World) -> None:
    index, day = days_end(world, 40)
    own = started(world, index)
    world.broker.late.add((DAYS, day.time))

    first = world.wake(close_of(own[index]), patient=True)
    assert (first.held, first.error, first.taken_in, first.cursor) == (True, None, 0, own[index - 1].time)
    when = format_instant(close_of(own[index]))
    assert first.awaited == f"the EUR_USD D candle that closed at {when} decides the trend and is not complete yet"
    assert first.newest == own[index].time
    last = world.wake()
    assert isinstance(last.error, TransientError)
    assert str(last.error) == first.awaited
    assert (last.taken_in, last.held) == (0, False)

    world.broker.late.clear()
    done = world.wake()
    assert (done.error, done.taken_in, done.cursor) == (None, 1, own[index].time)
    assert world.listed() == expected(own, world.broker.candles[DAYS], own[index - 2].time, own[index].time)


def test_a_larger_candle_that_is_complete_before_the_own_one_does_no_harm(world: World) -> None:
    index, _ = days_end(world, 40)
    own = started(world, index)
    world.broker.late.add((STRATEGY.series, own[index].time))
    assert world.wake(close_of(own[index]), patient=True).cursor == own[index - 1].time
    world.broker.late.clear()
    assert world.wake().cursor == own[index].time
    assert world.wake(close_of(own[index + 1])).cursor == own[index + 1].time
    assert world.listed() == expected(own, world.broker.candles[DAYS], own[index - 2].time, own[index + 1].time)


def test_a_larger_candle_that_never_comes_is_waited_for_with_patience_then_a_gap(world: World) -> None:
    index, day = days_end(world, 40)
    own = started(world, index)
    world.broker.hidden.add((DAYS, day.time))
    without = [one for one in world.broker.candles[DAYS] if one != day]

    # Nothing later is there, so it may still come; with the next price the next day forms.
    following = (DAYS, Granularity.D.close_of(day.time))
    world.broker.hidden.add(following)
    assert isinstance(world.wake(close_of(own[index])).error, TransientError)
    world.broker.hidden.remove(following)
    patient = world.wake(close_of(own[index]) + 60, patient=True)
    assert (patient.held, patient.taken_in) == (True, 0)
    given_up = world.wake(close_of(own[index]) + 90)
    assert (given_up.error, given_up.taken_in, given_up.gaps) == (None, 1, [day.time])
    assert world.wake(close_of(own[index + 3])).gaps == []
    assert world.listed() == expected(own, without, own[index - 2].time, own[index + 3].time)


def test_a_gap_of_a_larger_candle_is_found_where_its_last_own_candle_is_missing(world: World) -> None:
    index, day = days_end(world, 40)
    own = started(world, index)
    world.broker.hidden |= {(DAYS, day.time), (STRATEGY.series, own[index].time)}
    assert world.wake(close_of(own[index + 1]), patient=True).held
    assert world.wake().gaps == [day.time]


def test_the_first_complete_version_of_a_larger_candle_counts(world: World) -> None:
    index, day = days_end(world, 40)
    own = started(world, index)
    assert world.wake(close_of(own[index])).taken_in == 1
    days = world.broker.candles[DAYS]
    world.broker.candles = {
        **world.broker.candles,
        DAYS: [one._replace(close=one.low + 1) if one == day else one for one in days],
    }
    results = [world.wake(close_of(candle)) for candle in own[index + 1 : index + 13]]
    assert [one.revised for one in results].count(True) == 1
    assert world.listed() == expected(own, days, own[index - 2].time, own[index + 12].time)


def test_trouble_with_the_larger_series_stops_only_what_needs_it(world: World) -> None:
    index, _ = days_end(world, 40)
    own = started(world, index - 1)
    world.broker.failing[DAYS] = BrokerUnavailable("HTTP 503")
    assert world.wake(close_of(own[index - 1])).error is None
    stopped = world.wake(close_of(own[index]), patient=True)
    assert (str(stopped.error), stopped.held, stopped.cursor) == ("HTTP 503", False, own[index - 1].time)
    world.broker.failing.clear()
    assert world.wake().cursor == own[index].time


def test_a_first_start_at_a_shared_close_waits_and_then_says_its_signal(world: World) -> None:
    own, days = world.broker.candles[STRATEGY.series], world.broker.candles[DAYS]
    ends = {Granularity.D.close_of(day.time): day for day in days[20:]}
    time = next(one for _, one in expected(own, days, 0, own[400].time) if Granularity.H4.close_of(one) in ends)
    candle = next(one for one in own if one.time == time)
    world.broker.late.add((DAYS, ends[close_of(candle)].time))

    waiting = world.wake(close_of(candle), patient=True)
    assert waiting.held
    assert world.wake().cursor is None
    world.broker.late.clear()
    first = world.wake()
    assert (first.start, first.error, first.cursor) == (Start.FIRST, None, time)
    assert [found for _, found in world.listed()] == [time]


def test_a_cursor_that_was_set_back_repeats_nothing(redis_world: World) -> None:
    world, store = redis_world, redis_world.store
    index, _ = days_end(world, 40)
    own = started(world, index)
    for candle in own[index : index + 20]:
        world.wake(close_of(candle))
    listed = world.listed()
    assert listed == expected(own, world.broker.candles[DAYS], own[index - 2].time, own[index + 19].time)
    assert isinstance(store, RedisStateStore)
    store.client.set(store.keys.last_processed("EUR_USD_H4"), format_instant(own[index + 2].time))
    again = world.wake()
    assert (again.start, again.taken_in, again.error) == (Start.REBUILT, 17, None)
    assert world.listed() == listed


def test_averages_that_are_lost_at_a_late_larger_candle_are_built_when_it_comes(world: World) -> None:
    index, day = days_end(world, 40)
    own = started(world, index)
    assert world.wake(close_of(own[index])).taken_in == 1
    world.lose_averages()
    world.broker.late.add((DAYS, day.time))
    assert world.wake(patient=True).held
    world.broker.late.clear()
    assert world.wake(close_of(own[index + 1])).cursor == own[index + 1].time
    assert world.listed() == expected(own, world.broker.candles[DAYS], own[index - 2].time, own[index + 1].time)


# --- however it is cut ------------------------------------------------------------------------------------------------


SPANS = {
    "clocks forward": ("2013-02-20T00:00:00Z", "2013-04-10T00:00:00Z"),
    "clocks back": ("2014-10-10T00:00:00Z", "2014-11-30T00:00:00Z"),
    "christmas": ("2015-12-10T00:00:00Z", "2016-01-20T00:00:00Z"),
}


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_signal_of_an_unfinished_day_and_none_missed(world: World, span: tuple[str, str], seed: int) -> None:
    """Wakes at random closes; days come late, averages are lost, looks are patient or not."""
    chance, (begin, end) = random.Random(f"{seed} {span}"), map(parse_instant, span)
    world.broker.candles = {
        series: [one for one in candles if begin - 30 * 86_400 <= one.time <= end]
        for series, candles in world.broker.candles.items()
    }
    own = [one for one in world.broker.candles[STRATEGY.series] if begin <= close_of(one)]
    days = world.broker.candles[DAYS]
    first = world.wake(close_of(own[0]))
    assert first.error is None
    place = 0
    while place < len(own) - 1:
        place = min(len(own) - 1, place + chance.choice((1, 1, 1, 2, 5, 20)))
        close = close_of(own[place])
        closed = [day for day in days if Granularity.D.close_of(day.time) <= close]
        world.broker.late = {(DAYS, closed[-1].time)} if chance.random() < 0.6 else set()
        if chance.random() < 0.2:
            world.lose_averages()
        for _ in range(chance.randint(1, 3)):
            world.wake(close, patient=chance.random() < 0.5)
    world.broker.late = set()
    assert world.wake(close_of(own[-1])).cursor == own[-1].time
    assert world.listed() == expected(world.broker.candles[STRATEGY.series], days, own[0].time - 1, own[-1].time)


# --- what it costs ----------------------------------------------------------------------------------------------------


def asked_in(world: World, at: Instant) -> list[tuple[str, str]]:
    world.broker.asked.clear()
    world.wake(at)
    return sorted((type(one).__name__, one.series.granularity.name) for one in set(world.broker.asked))


def test_a_larger_series_is_asked_for_at_its_closes_and_once_for_all(world: World) -> None:
    long = replace(DAILY, period=20)
    others = [replace(STRATEGY, name=f"OTHER_{number}", fast_ma=number) for number in (2, 3)]
    world.strategies = (STRATEGY, *others, replace(STRATEGY, name="LONG", filters=(("trend", long),)))
    index, _ = days_end(world, 40)
    own = world.broker.candles[STRATEGY.series]
    assert [one for one in asked_in(world, close_of(own[index - 1])) if one[1] == "D"] == [("WantedHistory", "D")]
    assert asked_in(world, close_of(own[index])) == [("Wanted", "D"), ("Wanted", "H4")]
    for candle in own[index + 1 : index + 6]:
        assert asked_in(world, close_of(candle)) == [("Wanted", "H4")]
    assert asked_in(world, close_of(own[index + 6])) == [("Wanted", "D"), ("Wanted", "H4")]
    assert asked_in(world, close_of(own[index + 60])) == [("Wanted", "D"), ("Wanted", "H4")]
