"""A process that knows what it left in Redis reads a few bytes; anything else than that it reads in full."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.filters.kinds import FILTERS
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Counts, Loaded
from tests.core.series import EUR_USD, walked
from tests.servers import RedisServer

STRATEGY = Strategy("S", "EUR_USD", Granularity.M1, fast_ma=3, slow_ma=7, atr_period=4)
RULES = Rules(STRATEGY, EUR_USD)
CANDLES = walked(400, seed=3)
AVERAGES, SIDES, CURSOR = "{test}:ma_state:S", "{test}:signal_state:S", "{test}:last_processed:S"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, name="test")
    yield client
    client.close()


@pytest.fixture
def store(client: redis.Redis) -> RedisStateStore:
    return RedisStateStore(client, Keys("test"))


def take_in(store: RedisStateStore, count: int, rules: Rules = RULES) -> Change:
    """Load, evaluate the next ``count`` candles and commit, as a wake does."""
    loaded = store.load([rules.strategy])[rules.strategy.name]
    state = loaded.state or rules.empty_state()
    crosses: list[Cross] = []
    for candle in CANDLES[state.seen : state.seen + count]:
        state, cross = rules.advance(state, candle)
        crosses += [] if cross is None else [cross]
    signals = [signal_of(rules, cross, 1.7e9) for cross in crosses if cross.rejected_by is None]
    rejected = dict(loaded.counts.rejected)
    for reason in (cross.rejected_by for cross in crosses):
        if reason is not None:
            rejected[reason.name] = rejected.get(reason.name, 0) + 1
    counts = loaded.counts._replace(
        evaluated=loaded.counts.evaluated + count,
        crosses=loaded.counts.crosses + len(crosses),
        rejected=rejected,
        last_signal_id=signals[-1].id if signals else loaded.counts.last_signal_id,
        last_signal_time=signals[-1].time if signals else loaded.counts.last_signal_time,
        shown_before=random.Random(state.seen).choice(((), (110_000,), (110_000, 109_990))),
    )
    change = Change(rules, loaded, state, counts, signals, count)
    result = store.commit([change])[rules.strategy.name]
    assert isinstance(result, Committed)
    assert result.result == CommitResult.OK
    return change


def read(store: RedisStateStore, strategy: Strategy = STRATEGY) -> Loaded:
    return store.load([strategy])[strategy.name]


def fresh(store: RedisStateStore) -> RedisStateStore:
    """Return a store that remembers nothing."""
    return RedisStateStore(store.client, store.keys)


def read_in_full(client: redis.Redis) -> int:
    """Return how often a hash was read as a whole so far."""
    return int(client.info("commandstats").get("cmdstat_hgetall", {}).get("calls", 0))


@pytest.mark.parametrize("kind", list(MovingAverageKind))
def test_what_is_remembered_is_what_a_new_process_reads(store: RedisStateStore, kind: MovingAverageKind) -> None:
    rules = Rules(replace(STRATEGY, ma_type=kind, min_atr_value=STRATEGY.min_rr_ratio / 4_000), EUR_USD)
    steps = itertools.islice(itertools.cycle((30, 1, 1, 1, 9, 1)), 24)
    full_reads = 0
    for step in steps:
        take_in(store, step, rules)
        before = read_in_full(store.client)
        remembered = read(store, rules.strategy)
        full_reads += read_in_full(store.client) - before
        assert remembered == read(fresh(store), rules.strategy)
    counts = read(store, rules.strategy).counts
    assert full_reads == 0
    assert counts.rejected.keys() <= {one.name for one in FILTERS}
    assert counts.crosses > 0


def test_of_many_strategies_only_those_that_were_touched_are_read_in_full(store: RedisStateStore) -> None:
    """What is known is proven by a few scripts, some strategies each; what is not known has a script of its own."""
    many = [Rules(replace(STRATEGY, name=f"S{number}"), EUR_USD) for number in range(70)]
    for rules in many:
        take_in(store, 20, rules)
    strategies = [rules.strategy for rules in many]
    client = store.client
    client.hset("{test}:ma_state:S5", "atr", "1")
    client.set("{test}:last_processed:S33", "nonsense")
    client.delete("{test}:signal_state:S34", "{test}:ma_state:S69")
    client.delete("{test}:last_processed:S7")
    client.rpush("{test}:last_processed:S7", "x")
    client.config_resetstat()

    found = store.load(strategies)

    counts = client.info("commandstats")
    assert counts["cmdstat_evalsha_ro"]["calls"] == 3
    assert counts["cmdstat_hgetall"]["calls"] == 8
    assert found == fresh(store).load(strategies)
    assert {name for name, loaded in found.items() if loaded.notes} == {"S5", "S7", "S33"}
    assert found["S69"].state is None


def test_the_second_reading_of_what_another_process_left_is_not_in_full(store: RedisStateStore) -> None:
    take_in(store, 50)
    other = fresh(store)
    read(other)
    before = read_in_full(store.client)

    assert read(other) == read(store)
    assert read_in_full(store.client) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda client: client.delete(AVERAGES),
        lambda client: (client.delete(AVERAGES), client.set(AVERAGES, "x")),
        lambda client: client.hset(AVERAGES, "fast", "3 330001"),
        lambda client: client.hset(AVERAGES, "side", ""),
        lambda client: client.hset(AVERAGES, "last", b"\xff"),
        lambda client: client.hdel(AVERAGES, "c3"),
        lambda client: client.hdel(AVERAGES, "atr"),
        lambda client: client.hset(AVERAGES, "more", "of it"),
        lambda client: client.set(CURSOR, "2020-09-13T12:31:00Z"),
        lambda client: client.append(CURSOR, " "),
        lambda client: client.delete(CURSOR),
        lambda client: (client.delete(CURSOR), client.rpush(CURSOR, "x")),
        lambda client: client.hset(SIDES, "evaluated", "7"),
        lambda client: client.hset(SIDES, "rejected:min_rr_ratio", "7"),
        lambda client: client.hset(SIDES, "time", "nonsense"),
        lambda client: client.delete(SIDES),
        lambda client: (client.delete(SIDES), client.lpush(SIDES, "x")),
        lambda client: client.flushall(),
    ],
)
def test_whatever_was_changed_by_others_is_read_as_a_new_process_would(
    store: RedisStateStore, client: redis.Redis, damage: Callable[[redis.Redis], object]
) -> None:
    take_in(store, 50)
    damage(client)

    assert read(store) == read(fresh(store))


@pytest.mark.parametrize("key", [AVERAGES, SIDES])
def test_a_field_that_a_newer_version_left_costs_one_full_reading(
    store: RedisStateStore, client: redis.Redis, key: str
) -> None:
    take_in(store, 50)
    client.hset(key, "more", "of it")
    before = read_in_full(client)
    for _ in range(5):  # quiet candles all of them
        take_in(store, 1)
    assert read_in_full(client) - before == 2, "both hashes, once"
    assert client.hget(key, "more") == "of it"


def test_a_commit_of_another_daemon_is_seen(store: RedisStateStore) -> None:
    take_in(store, 50)
    other = fresh(store)
    take_in(other, 3)

    assert read(store) == read(other)
    assert take_in(store, 1).state.seen == 54


def test_a_redis_that_went_back_in_time_is_believed(store: RedisStateStore, client: redis.Redis) -> None:
    take_in(store, 50)
    before = {key: client.dump(key) for key in (AVERAGES, SIDES)}, client.get(CURSOR)
    take_in(store, 5)
    for key, value in before[0].items():
        client.restore(key, 0, value, replace=True)  # type: ignore[arg-type]  # as DUMP gave it
    client.set(CURSOR, before[1] or "")

    loaded = read(store)

    assert loaded.state is not None
    assert loaded.state.seen == 50


def test_averages_that_vanish_between_reading_and_writing_are_found_missing(
    store: RedisStateStore, client: redis.Redis
) -> None:
    take_in(store, 50)
    loaded = read(store)
    assert loaded.state is not None
    state, _ = RULES.advance(loaded.state, CANDLES[50])
    client.delete(AVERAGES)

    store.commit([Change(RULES, loaded, state, loaded.counts, (), 1)])

    assert read(store).state is None


DAMAGES: Sequence[Callable[[redis.Redis], object]] = (
    lambda client: client.delete(AVERAGES),
    lambda client: (client.delete(AVERAGES), client.set(AVERAGES, "x")),
    lambda client: client.hset(AVERAGES, "fast", "3 330001"),
    lambda client: client.hdel(AVERAGES, "c3"),
    lambda client: client.set(CURSOR, "2020-09-13T12:31:00Z"),
    lambda client: (client.delete(CURSOR), client.rpush(CURSOR, "x")),
    lambda client: client.hset(SIDES, "evaluated", "7"),
    lambda client: (client.delete(SIDES), client.lpush(SIDES, "x")),
    lambda client: client.flushall(),
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_commit_on_what_was_supposed_and_is_not_so_writes_nothing(
    store: RedisStateStore, client: redis.Redis, damage: Callable[[redis.Redis], object]
) -> None:
    take_in(store, 50)
    first = replace(STRATEGY, name="A")  # the one that is asked for
    take_in(store, 20, Rules(first, EUR_USD))
    loaded = store.supposed([first, STRATEGY])["S"]
    assert loaded.state is not None
    state, _ = RULES.advance(loaded.state, CANDLES[50])
    damage(client)
    left = {key: client.dump(key) for key in (AVERAGES, SIDES, CURSOR)}

    results = store.commit([Change(RULES, loaded, state, loaded.counts, (), 1)])

    assert isinstance(results["S"], Committed)
    assert results["S"].result == CommitResult.STALE
    assert {key: client.dump(key) for key in left} == left
    assert read(store) == read(fresh(store))


def test_other_settings_under_the_same_name_are_read_in_full(store: RedisStateStore) -> None:
    take_in(store, 50)
    other = replace(STRATEGY, slow_ma=8)

    assert read(store, other).state is None
    assert read(store, other).notes


# --- what it costs ---------------------------------------------------------------------------------------------------


class Meter:
    """Counts what a server receives, sends and does, its own questions left out."""

    def __init__(self, server: RedisServer) -> None:
        self._client = server.client()
        self._own = 0
        self._last = self._numbers()
        self._own = self.bytes()

    def _numbers(self) -> tuple[int, int]:
        stats = self._client.info("stats")
        commands = self._client.info("commandstats")
        calls = sum(each["calls"] for name, each in commands.items() if name not in {"cmdstat_info", "cmdstat_ping"})
        return int(stats["total_net_input_bytes"]) + int(stats["total_net_output_bytes"]), calls

    def bytes(self) -> int:
        """Return the bytes since the last question."""
        return self.both()[0]

    def both(self) -> tuple[int, int]:
        """Return the bytes and the commands, those inside of scripts included, since the last question."""
        before, self._last = self._last, self._numbers()
        return self._last[0] - before[0] - self._own, self._last[1] - before[1]


def wake(store: RedisStateStore, all_rules: Sequence[Rules], count: int) -> None:
    strategies = [rules.strategy for rules in all_rules]
    loaded = store.supposed(strategies) or store.load(strategies)
    changes = []
    for rules in all_rules:
        state = loaded[rules.strategy.name].state or rules.empty_state()
        at = state.seen
        for candle in LONG[at : at + count]:
            state, _ = rules.advance(state, candle)
        changes.append(Change(rules, loaded[rules.strategy.name], state, Counts(evaluated=state.seen), (), count))
    results = store.commit(changes)
    assert {result.result for result in results.values() if isinstance(result, Committed)} == {CommitResult.OK}


LONG = walked(5_040, seed=4)
STRATEGIES = 20


def cost_of_a_wake(server: RedisServer, fast: int, slow: int) -> tuple[int, int]:
    """Return bytes on the wire and commands of a wake in which each of twenty strategies takes in one candle."""
    strategy = replace(STRATEGY, fast_ma=fast, slow_ma=slow, atr_period=14)
    rules = [Rules(replace(strategy, name=f"S{number:02}"), EUR_USD) for number in range(STRATEGIES)]
    client = connect(server.url, name="test")
    store = RedisStateStore(client, Keys(f"n{slow:05}"))
    wake(store, rules, 5_005)
    wake(store, rules, 1)
    meter = Meter(server)
    wake(store, rules, 1)
    cost = meter.both()
    client.close()
    return cost


def test_a_wake_moves_as_few_bytes_however_long_the_averages_are(
    fresh_redis: RedisServer,
) -> None:
    short_bytes, short_commands = cost_of_a_wake(fresh_redis, 50, 200)
    long_bytes, long_commands = cost_of_a_wake(fresh_redis, 500, 5_000)

    assert abs(long_bytes - short_bytes) <= 0.03 * short_bytes
    assert long_commands == short_commands
    assert short_bytes / STRATEGIES < 950
    assert short_commands / STRATEGIES <= 9.8
