"""The one path of a candle: the same rules hold on Redis and on the local journal alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.errors import BrokerUnavailable, HistoryGap, JournalUnavailable, StateError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.strategy import MAX_LOOK_BACK, Strategy
from ninja_daemon.usecases.candle_ports import WantedHistory
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.wake_result import Start, WakeResult
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

Damage = Callable[[redis.Redis], object]

EUR_USD = Instrument("EUR_USD", 5, -4)
STRATEGY = Strategy(
    "EUR_USD_M15", "EUR_USD", Granularity.M15, fast_ma=3, slow_ma=8, atr_period=5, market_hours=MarketHours.ALWAYS
)
START = 1_600_000_200


def candles_of(closes: Sequence[int], start: Instant = START, step: int = 900) -> list[Candle]:
    """Make candles that move from close to close, a little wider than their bodies."""
    opens = [closes[0], *closes[:-1]]
    return [
        Candle(start + step * number, open_, max(open_, close) + 3, min(open_, close) - 3, close)
        for number, (open_, close) in enumerate(zip(opens, closes, strict=True))
    ]


def wandering(count: int, seed: int = 7) -> list[int]:
    """Return closes that wander, with many crosses and some ties of the averages."""
    chance = random.Random(seed)
    closes = [110_000]
    for _ in range(count - 1):
        closes.append(closes[-1] + chance.choice((-24, -12, 0, 0, 12, 24)))
    return closes


def expected(strategy: Strategy, candles: Sequence[Candle], after: Instant) -> list[tuple[str, Instant]]:
    """Return id and candle of every signal later than ``after``, evaluated from the first candle of all."""
    rules = Rules(strategy, EUR_USD)
    state, signals = rules.empty_state(), []
    for candle in candles:
        state, cross = rules.advance(state, candle)
        if cross is not None and cross.rejected_by is None and candle.time > after:
            signals.append((signal_of(rules, cross, 0.0).id, candle.time))
    return signals


@dataclass
class World:
    """One strategy's surroundings: a broker whose edge a test moves, and a store that it may damage."""

    store: RedisStateStore | LocalStateStore
    journal: SqliteJournal
    broker: FakeBroker
    clock: FakeClock = field(default_factory=FakeClock)
    strategies: Sequence[Strategy] = (STRATEGY,)

    def wake(self, newest: int | None = None, *, hold_gaps: bool = False) -> WakeResult:
        """Show the broker's candles up to number ``newest`` and catch up, half a second after its close."""
        series = self.strategies[0].series
        if newest is not None:
            last = self.broker.candles[series][newest]
            self.broker.newest[series] = last.time
            self.clock.time = series.granularity.close_of(last.time) + 0.5
        return catch_up(
            self.strategies,
            source=self.broker,
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            hold_gaps=hold_gaps,
        )

    def listed(self) -> list[tuple[str, Instant]]:
        if isinstance(self.store, RedisStateStore):
            texts = self.store.client.lrange(self.store.keys.signals, 0, -1)
        else:
            texts = [text for _, text in self.journal.waiting(10_000)]
        return [(signal.id, signal.time) for signal in map(decode_signal, texts)]


def broker_of(candles: Sequence[Candle], strategy: Strategy = STRATEGY) -> FakeBroker:
    return FakeBroker({"EUR_USD": EUR_USD}, {strategy.series: candles})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    yield journal
    journal.close()


@pytest.fixture
def redis_world(redis_url: str, journal: SqliteJournal) -> Iterator[World]:
    client = connect(redis_url, name="test")
    yield World(RedisStateStore(client, Keys("test")), journal, broker_of(candles_of(wandering(600))))
    client.close()


@pytest.fixture(params=["redis", "local"])
def world(request: pytest.FixtureRequest, journal: SqliteJournal) -> Iterator[World]:
    if request.param == "redis":
        yield request.getfixturevalue("redis_world")
        return
    store = LocalStateStore(journal)
    yield World(store, journal, broker_of(candles_of(wandering(600))))
    store.close()


def test_a_first_start_says_nothing_of_history_and_goes_on_from_the_newest_candle(world: World) -> None:
    first = world.wake(299)
    outcome = first.results[0]
    candles = world.broker.candles[STRATEGY.series]

    assert (outcome.start, outcome.error, outcome.taken_in) == (Start.FIRST, None, 0)
    assert outcome.cursor == candles[299].time
    assert world.listed() == expected(STRATEGY, candles[:300], candles[298].time)


def test_a_first_start_lists_a_cross_on_the_newest_candle_when_it_is_not_late(world: World) -> None:
    candles = world.broker.candles[STRATEGY.series]
    crossed = next(time for _, time in expected(STRATEGY, candles, candles[100].time))
    number = next(index for index, candle in enumerate(candles) if candle.time == crossed)

    world.wake(number)

    assert [time for _, time in world.listed()] == [crossed]


def test_a_first_start_keeps_a_late_cross_to_itself(world: World) -> None:
    candles = world.broker.candles[STRATEGY.series]
    crossed = next(time for _, time in expected(STRATEGY, candles, candles[100].time))
    number = next(index for index, candle in enumerate(candles) if candle.time == crossed)
    world.broker.newest[STRATEGY.series] = crossed
    world.clock.time = candles[number].time + 900 + 901.0

    outcome = world.wake().results[0]

    assert (outcome.error, world.listed()) == (None, [])


@pytest.mark.parametrize("seed", range(4))
def test_however_the_candles_are_cut_every_cross_is_listed_once(world: World, seed: int) -> None:
    chance = random.Random(seed)
    candles = world.broker.candles[STRATEGY.series]
    at = 40
    world.wake(at)
    began = candles[at].time if not world.listed() else candles[at].time - 1
    while at < len(candles) - 1:
        at = min(len(candles) - 1, at + chance.choice((0, 1, 1, 1, 2, 3, 30, 120)))
        assert world.wake(at).results[0].error is None

    assert world.listed() == expected(STRATEGY, candles, began)


def test_signals_found_after_an_outage_are_listed_as_late(redis_world: World) -> None:
    redis_world.wake(100)
    redis_world.wake(500)

    signals = [decode_signal(text) for text in redis_world.store.client.lrange("{test}:signals", 0, -1)]  # type: ignore[union-attr]

    assert len(signals) > 5
    assert all(signal.late for signal in signals if signal.close_time < redis_world.clock.time - 900)


def test_a_wake_without_news_writes_nothing(redis_world: World) -> None:
    redis_world.wake(100)
    client = redis_world.store.client  # type: ignore[union-attr]
    before = client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    redis_world.wake(100)

    assert client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0) == before


class TestLostParts:
    """Contract 4.8, on Redis."""

    @pytest.mark.parametrize(
        "damage",
        [
            lambda client: client.delete("{test}:ma_state:EUR_USD_M15"),
            lambda client: (
                client.delete("{test}:ma_state:EUR_USD_M15"),
                client.set("{test}:ma_state:EUR_USD_M15", "x"),
            ),
            lambda client: client.hset("{test}:ma_state:EUR_USD_M15", "atr", "1"),
            lambda client: client.hset("{test}:ma_state:EUR_USD_M15", "fast", "3 nonsense"),
            lambda client: client.hset("{test}:ma_state:EUR_USD_M15", "v", "99"),
            lambda client: client.hset("{test}:ma_state:EUR_USD_M15", "cfg", "0" * 16),
            lambda client: client.hset("{test}:ma_state:EUR_USD_M15", "last", b"\xff"),
            lambda client: client.hset("{test}:ma_state:EUR_USD_M15", "last", "1" * 1_000_000),
            lambda client: client.hdel("{test}:ma_state:EUR_USD_M15", "atr"),
        ],
    )
    def test_averages_that_are_lost_or_damaged_are_rebuilt_and_nothing_is_missed(
        self, redis_world: World, damage: Damage
    ) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        damage(redis_world.store.client)  # type: ignore[union-attr]

        outcome = redis_world.wake(400).results[0]
        redis_world.wake(599)

        assert (outcome.start, outcome.error) == (Start.REBUILT, None)
        assert redis_world.listed() == expected(STRATEGY, candles, candles[100].time)

    def test_a_changed_close_is_found_by_the_next_process_and_does_not_confuse_this(self, redis_world: World) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        client = redis_world.store.client  # type: ignore[union-attr]
        redis_world.wake(100)
        client.hset("{test}:ma_state:EUR_USD_M15", "c3", "110001")

        assert redis_world.wake(101).results[0].start is Start.STORED
        redis_world.store = RedisStateStore(client, Keys("test"))
        assert redis_world.wake(300).results[0].start is Start.REBUILT
        redis_world.wake(599)
        assert redis_world.listed() == expected(STRATEGY, candles, candles[100].time)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda client: client.delete("{test}:last_processed:EUR_USD_M15"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "garbage"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "2020-09-13T12:31:00Z"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "2199-01-01T00:00:00Z"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "9999-12-31T22:00:00Z"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "999999999999"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "0"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "1500000300"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", b"\xff\xfe\x00"),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "\u00e9\u65e5" * 40),
            lambda client: client.set("{test}:last_processed:EUR_USD_M15", "9" * 1_000_000),
            lambda client: (
                client.delete("{test}:last_processed:EUR_USD_M15"),
                client.rpush("{test}:last_processed:EUR_USD_M15", "x"),
            ),
        ],
    )
    def test_a_lost_cursor_is_found_in_the_averages(self, redis_world: World, damage: Damage) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        damage(redis_world.store.client)  # type: ignore[union-attr]

        assert redis_world.wake(400).results[0].error is None
        assert redis_world.listed() == expected(STRATEGY, candles[:401], candles[100].time)
        cursor = redis_world.store.client.get("{test}:last_processed:EUR_USD_M15")  # type: ignore[union-attr]
        assert cursor == format_instant(candles[400].time)

    def test_a_lost_cursor_and_lost_averages_are_found_in_the_signal_state(self, redis_world: World) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        redis_world.store.client.delete("{test}:last_processed:EUR_USD_M15", "{test}:ma_state:EUR_USD_M15")  # type: ignore[union-attr]

        assert redis_world.wake(400).results[0].start is Start.REBUILT
        assert redis_world.listed() == expected(STRATEGY, candles[:401], candles[100].time)

    def test_a_redis_that_lost_everything_goes_on_from_the_journal(self, redis_world: World) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        redis_world.store.client.flushall()  # type: ignore[union-attr]

        assert redis_world.wake(400).results[0].start is Start.REBUILT
        assert redis_world.listed() == expected(STRATEGY, candles[:401], candles[100].time)

    def test_both_lost_is_a_first_start(self, redis_world: World) -> None:
        redis_world.wake(100)
        redis_world.store.client.flushall()  # type: ignore[union-attr]
        redis_world.journal.close()
        redis_world.journal.path.unlink()

        assert redis_world.wake(400).results[0].start is Start.FIRST

    def test_a_cursor_set_back_takes_candles_in_again_and_lists_nothing_twice(self, redis_world: World) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        redis_world.wake(300)
        redis_world.store.client.set("{test}:last_processed:EUR_USD_M15", format_instant(candles[120].time))  # type: ignore[union-attr]

        outcome = redis_world.wake(400).results[0]

        assert (outcome.error, outcome.taken_in) == (None, 280)
        assert outcome.repeated == len(expected(STRATEGY, candles[:301], candles[120].time))
        assert redis_world.listed() == expected(STRATEGY, candles[:401], candles[100].time)

    def test_averages_rebuilt_behind_a_cursor_that_was_set_back_are_stored_as_a_whole(self, redis_world: World) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        redis_world.store.client.set("{test}:last_processed:EUR_USD_M15", format_instant(candles[97].time))  # type: ignore[union-attr]
        redis_world.wake(100)

        outcome = redis_world.wake(101).results[0]

        assert (outcome.start, list(outcome.notes)) == (Start.STORED, [])

    def test_a_cursor_ahead_of_the_broker_is_found_out_whatever_our_clock_says(self, redis_world: World) -> None:
        candles = redis_world.broker.candles[STRATEGY.series]
        redis_world.wake(100)
        redis_world.store.client.set("{test}:last_processed:EUR_USD_M15", format_instant(candles[300].time))  # type: ignore[union-attr]
        redis_world.broker.newest[STRATEGY.series] = candles[200].time
        redis_world.clock.time = candles[599].time

        outcome = redis_world.wake().results[0]

        assert (outcome.error, outcome.taken_in, outcome.cursor) == (None, 100, candles[200].time)
        assert redis_world.listed() == expected(STRATEGY, candles[:201], candles[100].time)

    def test_a_history_that_does_not_end_at_the_cursor_makes_the_strategy_wait(self, redis_world: World) -> None:
        candles = list(redis_world.broker.candles[STRATEGY.series])
        redis_world.wake(100)
        redis_world.store.client.delete("{test}:ma_state:EUR_USD_M15")  # type: ignore[union-attr]
        cursor = redis_world.store.client.get("{test}:last_processed:EUR_USD_M15")  # type: ignore[union-attr]
        redis_world.broker.candles[STRATEGY.series] = candles[:100] + candles[101:]

        outcome = redis_world.wake(200).results[0]

        assert isinstance(outcome.error, HistoryGap)
        assert "must end at the last candle taken in" in str(outcome.error)
        assert redis_world.store.client.get("{test}:last_processed:EUR_USD_M15") == cursor  # type: ignore[union-attr]
        assert redis_world.listed() == []


def test_a_signals_key_that_is_no_list_stops_the_commit_and_the_cursor(redis_world: World) -> None:
    client = redis_world.store.client  # type: ignore[union-attr]
    redis_world.wake(100)
    before = client.get("{test}:last_processed:EUR_USD_M15"), client.hgetall("{test}:ma_state:EUR_USD_M15")
    client.set("{test}:signals", "not a list")

    outcome = redis_world.wake(400).results[0]

    assert isinstance(outcome.error, StateError)
    assert "{test}:signals string" in str(outcome.error)
    assert (client.get("{test}:last_processed:EUR_USD_M15"), client.hgetall("{test}:ma_state:EUR_USD_M15")) == before
    client.delete("{test}:signals")
    assert redis_world.wake(400).results[0].error is None
    candles = redis_world.broker.candles[STRATEGY.series]
    assert redis_world.listed() == expected(STRATEGY, candles[:401], candles[100].time)


def test_a_side_behind_ties_is_looked_for_further_back(redis_world: World) -> None:
    closes = [100_000] * 20 + [100_000 + 10 * step for step in range(1, 20)] + [100_190] * 400
    redis_world.broker = broker_of(candles_of([*closes, 100_000]))
    redis_world.wake(len(closes) - 1)

    outcome = redis_world.wake(len(closes)).results[0]

    histories = [request for request in redis_world.broker.asked if isinstance(request, WantedHistory)]
    assert any(request.count > MAX_LOOK_BACK for request in histories)
    assert [cross.side.name for cross in outcome.crosses] == ["SELL"]


def test_a_broker_that_fails_for_one_series_harms_no_other(redis_world: World) -> None:
    other = Strategy("EUR_USD_M5", "EUR_USD", Granularity.M5, 3, 8, atr_period=5, market_hours=MarketHours.ALWAYS)
    redis_world.strategies = (STRATEGY, other)
    redis_world.broker.candles[other.series] = candles_of(wandering(50), step=300)
    redis_world.broker.failing[STRATEGY.series] = BrokerUnavailable("the broker did not answer")

    wake = redis_world.wake()

    assert [type(outcome.error) for outcome in wake.results] == [BrokerUnavailable, type(None)]


def test_two_strategies_on_one_series_keep_apart(redis_world: World) -> None:
    twin = Strategy("TWIN", "EUR_USD", Granularity.M15, 5, 13, atr_period=5, market_hours=MarketHours.ALWAYS)
    redis_world.strategies = (STRATEGY, twin)
    candles = redis_world.broker.candles[STRATEGY.series]
    for newest in (100, 101, 250, 599):
        redis_world.wake(newest)

    both = expected(STRATEGY, candles, candles[100].time) + expected(twin, candles, candles[100].time)
    assert sorted(redis_world.listed()) == sorted(both)
    assert len({id_ for id_, _ in both}) == len(both)


def test_a_long_outage_is_taken_in_slice_by_slice_within_one_wake(world: World) -> None:
    candles = world.broker.candles[STRATEGY.series]
    world.wake(100)
    before = world.listed()
    world.broker.slice = 37

    outcome = world.wake(599).results[0]

    assert (outcome.taken_in, outcome.error, outcome.more) == (499, None, False)
    assert world.listed() == before + expected(STRATEGY, candles, candles[100].time)
    assert [signal.id for signal in outcome.signals] == [
        id_ for id_, _ in expected(STRATEGY, candles, candles[100].time)
    ]


def test_a_revised_candle_is_counted_and_never_evaluated_again(redis_world: World) -> None:
    redis_world.wake(100)
    candles = list(redis_world.broker.candles[STRATEGY.series])
    changed = candles[100]._replace(close=candles[100].close + 1, high=candles[100].high + 1)
    redis_world.broker.candles[STRATEGY.series] = [*candles[:100], changed, *candles[101:]]

    outcomes = [redis_world.wake(newest).results[0] for newest in (101, 102, 103)]

    assert [outcome.revised for outcome in outcomes] == [True, False, False]
    assert redis_world.store.client.hget("{test}:signal_state:EUR_USD_M15", "revisions") == "1"  # type: ignore[union-attr]


@pytest.mark.parametrize("place", [98, 99])
def test_a_candle_that_changes_behind_the_cursor_is_counted_once(redis_world: World, place: int) -> None:
    for newest in (97, 98, 99, 100):
        assert not redis_world.wake(newest).results[0].revised
    candles = list(redis_world.broker.candles[STRATEGY.series])
    candles[place] = candles[place]._replace(close=candles[place].close + 1, high=candles[place].high + 1)
    redis_world.broker.candles[STRATEGY.series] = candles

    outcomes = [redis_world.wake(newest).results[0] for newest in (101, 102, 103)]

    assert [(outcome.revised, outcome.taken_in) for outcome in outcomes] == [(True, 1), (False, 1), (False, 1)]
    assert redis_world.store.client.hget("{test}:signal_state:EUR_USD_M15", "revisions") == "1"  # type: ignore[union-attr]


@pytest.mark.parametrize("how", ["changes", "appears"])
def test_right_after_a_first_start_the_candle_before_the_cursor_is_known_too(redis_world: World, how: str) -> None:
    candles = list(redis_world.broker.candles[STRATEGY.series])
    if how == "appears":
        redis_world.broker.candles[STRATEGY.series] = candles[:99] + candles[100:]
    redis_world.wake(99 if how == "appears" else 100)
    other = candles[99]._replace(close=candles[99].close + 1, high=candles[99].high + 1)
    redis_world.broker.candles[STRATEGY.series] = [*candles[:99], other, *candles[100:]]

    outcomes = [redis_world.wake(newest).results[0] for newest in (101, 102, 103)]

    assert [(outcome.revised, outcome.taken_in) for outcome in outcomes] == [(True, 1), (False, 1), (False, 1)]


def test_a_candle_that_appears_behind_the_cursor_is_counted_once_and_not_evaluated(redis_world: World) -> None:
    candles = list(redis_world.broker.candles[STRATEGY.series])
    redis_world.broker.candles[STRATEGY.series] = candles[:99] + candles[100:]
    redis_world.wake(98)
    redis_world.wake(99)
    redis_world.broker.candles[STRATEGY.series] = candles

    outcomes = [redis_world.wake(newest).results[0] for newest in (101, 102, 103)]

    assert [(outcome.revised, outcome.taken_in) for outcome in outcomes] == [(True, 1), (False, 1), (False, 1)]
    assert redis_world.store.client.hget("{test}:signal_state:EUR_USD_M15", "revisions") == "1"  # type: ignore[union-attr]


def test_a_fresh_gap_holds_newer_candles_back_until_patience_ends(world: World) -> None:
    candles = list(world.broker.candles[STRATEGY.series])
    world.wake(100)
    world.broker.candles[STRATEGY.series] = candles[:101] + candles[102:]
    world.broker.prices_between = True

    held = world.wake(101, hold_gaps=True).results[0]
    taken = world.wake(101).results[0]

    assert (held.held, held.taken_in, held.gaps) == (True, 0, [candles[101].time])
    assert (taken.held, taken.taken_in, taken.gaps) == (False, 1, [candles[101].time])


def test_a_quiet_period_is_no_gap(world: World) -> None:
    candles = list(world.broker.candles[STRATEGY.series])
    world.wake(100)
    world.broker.candles[STRATEGY.series] = candles[:101] + candles[102:]

    outcome = world.wake(101, hold_gaps=True).results[0]

    assert (outcome.held, outcome.taken_in, outcome.quiet, list(outcome.gaps)) == (False, 1, 1, [])


def test_prices_with_more_digits_than_before_are_taken_in_exactly(redis_world: World) -> None:
    candles = redis_world.broker.candles[STRATEGY.series]
    redis_world.broker.instruments["EUR_USD"] = Instrument("EUR_USD", 4, -4)
    redis_world.wake(100)
    finer = [Candle(candle.time, *(price * 10 for price in candle[1:])) for candle in candles]
    redis_world.broker.instruments["EUR_USD"] = EUR_USD
    redis_world.broker.candles[STRATEGY.series] = finer

    outcome = redis_world.wake(200).results[0]

    assert (outcome.start, outcome.error, outcome.taken_in) == (Start.REBUILT, None, 100)
    assert redis_world.store.client.hget("{test}:ma_state:EUR_USD_M15", "decimals") == "5"  # type: ignore[union-attr]


def test_a_pip_is_not_guessed_from_a_few_prices_that_show_fewer_digits(redis_world: World) -> None:
    candles = redis_world.broker.candles[STRATEGY.series]
    redis_world.wake(100)
    round_ones = [Candle(candle.time, *(price // 100 for price in candle[1:])) for candle in candles[100:]]
    redis_world.broker.instruments["EUR_USD"] = Instrument.from_decimals("EUR_USD", 3)
    redis_world.broker.candles[STRATEGY.series] = [*candles[:100], *round_ones]

    redis_world.wake(200)

    signals = [decode_signal(text) for text in redis_world.store.client.lrange("{test}:signals", 0, -1)]  # type: ignore[union-attr]
    assert signals
    assert all(signal.sl_pips == abs(signal.close - signal.stop_loss) * 10_000 for signal in signals)


def test_a_timeframe_that_changes_under_the_same_name_is_a_first_start(world: World) -> None:
    world.wake(101)
    candles = world.broker.candles[STRATEGY.series]
    hourly = Strategy("EUR_USD_M15", "EUR_USD", Granularity.H1, 3, 8, atr_period=5, market_hours=MarketHours.ALWAYS)
    start = Granularity.H1.open_at(candles[0].time)
    world.broker.candles[hourly.series] = candles_of(wandering(100), start, 3_600)
    world.strategies = (hourly,)

    outcome = world.wake(60).results[0]

    assert (outcome.start, outcome.error) == (Start.FIRST, None)


def test_settings_that_change_rebuild_the_averages_and_go_on_from_the_cursor(redis_world: World) -> None:
    candles = redis_world.broker.candles[STRATEGY.series]
    redis_world.wake(100)
    changed = Strategy("EUR_USD_M15", "EUR_USD", Granularity.M15, 4, 9, atr_period=5, market_hours=MarketHours.ALWAYS)
    redis_world.strategies = (changed,)

    assert redis_world.wake(400).results[0].start is Start.REBUILT
    assert redis_world.listed() == expected(changed, candles[:401], candles[100].time)


def test_crosses_that_a_filter_rejects_are_counted_by_filter(redis_world: World) -> None:
    never = Strategy(
        "NEVER",
        "EUR_USD",
        Granularity.M15,
        3,
        8,
        atr_period=5,
        min_rr_ratio=Decimal("1.6"),
        market_hours=MarketHours.ALWAYS,
    )
    redis_world.strategies = (never,)
    redis_world.wake(100)
    redis_world.wake(599)

    counted = redis_world.store.client.hgetall("{test}:signal_state:NEVER")  # type: ignore[union-attr]
    assert int(counted["rejected:min_rr_ratio"]) > 5
    assert (counted["signals"], redis_world.listed()) == ("0", [])


def test_a_full_list_makes_the_commit_wait_and_loses_nothing(
    redis_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.redis.state_store.QUEUE_CAP", 2)
    redis_world.wake(100)
    client = redis_world.store.client  # type: ignore[union-attr]
    client.rpush("{test}:signals", "one that waits")

    outcome = redis_world.wake(599).results[0]

    assert isinstance(outcome.error, TransientError)
    assert "goes on when the notifier has taken some" in str(outcome.error)
    assert client.lrange("{test}:signals", 0, -1) == ["one that waits"]
    client.delete("{test}:signals")
    monkeypatch.setattr("ninja_daemon.adapters.redis.state_store.QUEUE_CAP", 10_000)
    redis_world.wake(599)
    candles = redis_world.broker.candles[STRATEGY.series]
    assert redis_world.listed() == expected(STRATEGY, candles, candles[100].time)
    assert client.llen("{test}:history") == len(redis_world.listed())


def test_a_journal_that_cannot_be_used_stops_nothing(redis_world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    redis_world.journal = SqliteJournal(tmp_path / "file" / "journal.sqlite3")

    wake = redis_world.wake(100)

    assert wake.results[0].error is None
    assert isinstance(wake.journal_error, JournalUnavailable)


def test_a_damaged_journal_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)
    journal = SqliteJournal(path)

    journal.remember({"A": 5})

    assert journal.marks() == {"A": 5}
    assert journal.set_aside is not None
    assert journal.set_aside.exists()
    journal.close()
