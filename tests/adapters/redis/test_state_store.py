"""The commit script and the lease, on a real server."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.host.lease_token import holder_token, is_dead
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.sharing import lease
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.commit import averages_life_ms
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Counts, Loaded
from tests.core.series import moment_of

EUR_USD = Instrument("EUR_USD", 5, -4)
STRATEGY = Strategy("EUR_USD_H1", "EUR_USD", Granularity.H1, fast_ma=3, slow_ma=7, atr_period=4)
RULES = Rules(STRATEGY, EUR_USD)
KEYS = Keys("test")
START = 1_600_000_000 - 1_600_000_000 % 3_600


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, name="test")
    yield client
    client.close()


@pytest.fixture
def store(client: redis.Redis) -> RedisStateStore:
    return RedisStateStore(client, KEYS)


def candles(count: int, seed: int = 1) -> list[Candle]:
    chance = random.Random(seed)
    made = []
    close = 110_000
    for number in range(count):
        open_, close = close, close + chance.randint(-40, 40)
        made.append(Candle(START + 3_600 * number, open_, max(open_, close) + 5, min(open_, close) - 5, close))
    return made


def state_after(rules: Rules, made: list[Candle]) -> StrategyState:
    state = rules.empty_state()
    for candle in made:
        state, _ = rules.advance(state, candle)
    return state


def change_to(
    store: RedisStateStore, state: StrategyState, taken_in: int, *, crossed: bool = False, rules: Rules = RULES
) -> Change:
    loaded = store.load([rules.strategy])[rules.strategy.name]
    signals = []
    if crossed:
        assert state.last is not None
        moment = moment_of(Side.BUY, state.last, (110_000, 1), (109_999, 1), 200)
        signals = [signal_of(rules, Cross(Side.BUY, state.last, moment, None), 1.7e9)]
    return Change(rules, loaded, state, Counts(evaluated=taken_in), signals, taken_in)


def commit(store: RedisStateStore, change: Change) -> Committed:
    result = store.commit([change])[change.rules.strategy.name]
    assert isinstance(result, Committed), result
    return result


def stored(store: RedisStateStore, rules: Rules = RULES) -> Loaded:
    return store.load([rules.strategy])[rules.strategy.name]


@pytest.mark.parametrize("kind", list(MovingAverageKind))
@pytest.mark.parametrize("steps", [(30,), (1,) * 12, (9, 1, 1, 4, 1), (8, 8, 8, 1, 2)])
def test_what_is_committed_is_read_back_however_it_was_cut(
    store: RedisStateStore, kind: MovingAverageKind, steps: tuple[int, ...]
) -> None:
    rules = Rules(replace(STRATEGY, ma_type=kind), EUR_USD)
    made = candles(sum(steps))
    state, at = rules.empty_state(), 0
    for step in steps:
        for candle in made[at : at + step]:
            state, _ = rules.advance(state, candle)
        at += step
        assert commit(store, change_to(store, state, step, rules=rules)).result == CommitResult.OK
        loaded = stored(store, rules)
        assert (loaded.state, loaded.instrument, list(loaded.notes)) == (state, EUR_USD, [])
        assert loaded.cursor == made[at - 1].time


def test_a_candle_changes_a_dozen_fields_however_long_the_averages_are(store: RedisStateStore) -> None:
    rules = Rules(replace(STRATEGY, slow_ma=300, fast_ma=100), EUR_USD)
    made = candles(400)
    state = state_after(rules, made[:-1])
    commit(store, change_to(store, state, 399, rules=rules))
    state, _ = rules.advance(state, made[-1])

    arguments = store._commit_arguments([store.prepared(change_to(store, state, 1, rules=rules))])

    assert sum(len(str(argument)) for argument in arguments) < 600


def test_a_commit_sent_twice_changes_nothing(store: RedisStateStore, client: redis.Redis) -> None:
    change = change_to(store, state_after(RULES, candles(10)), 10, crossed=True)
    first, second = commit(store, change), commit(store, change)

    assert (first.result, first.listed) == (CommitResult.OK, 1)
    assert second.result == CommitResult.ALREADY
    assert client.llen(KEYS.signals) == 1


def test_a_commit_on_an_old_cursor_is_stale_and_changes_nothing(store: RedisStateStore, client: redis.Redis) -> None:
    made = candles(12)
    old = change_to(store, state_after(RULES, made[:11]), 11, crossed=True)
    commit(store, change_to(store, state_after(RULES, made), 12))
    before = client.hgetall(KEYS.ma_state("EUR_USD_H1"))

    assert commit(store, old).result == CommitResult.STALE
    assert client.hgetall(KEYS.ma_state("EUR_USD_H1")) == before
    assert client.llen(KEYS.signals) == 0


def test_a_commit_under_an_old_fence_is_refused(store: RedisStateStore, client: redis.Redis) -> None:
    made = candles(12)
    store.fence = 2
    commit(store, change_to(store, state_after(RULES, made[:11]), 11))
    paused = RedisStateStore(client, KEYS, fence=1)

    assert commit(paused, change_to(paused, state_after(RULES, made), 1, crossed=True)).result == CommitResult.FENCED
    assert client.llen(KEYS.signals) == 0


@pytest.mark.parametrize(
    ("key", "value"), [("signals", "string"), ("history", "string"), ("listed:EUR_USD_H1", "string")]
)
def test_a_key_of_the_wrong_type_stops_the_whole_commit(
    store: RedisStateStore, client: redis.Redis, key: str, value: str
) -> None:
    client.set(KEYS.prefix + key, value)

    result = commit(store, change_to(store, state_after(RULES, candles(10)), 10, crossed=True))

    assert (result.result, result.detail) == (CommitResult.BADTYPE, f"{KEYS.prefix}{key} string")
    assert client.keys("*") == [KEYS.prefix + key]


def test_a_mirror_of_the_wrong_type_stops_every_commit_and_loses_no_signal(
    store: RedisStateStore, client: redis.Redis
) -> None:
    store.mirror_to("mine")
    client.set(KEYS.mirror("mine"), "x")
    made = candles(11)
    quiet = commit(store, change_to(store, state_after(RULES, made[:10]), 10))
    change = change_to(store, state_after(RULES, made), 11, crossed=True)

    refused = commit(store, change)

    assert {(one.result, one.detail) for one in (quiet, refused)} == {
        (CommitResult.BADTYPE, f"{KEYS.mirror('mine')} string")
    }
    assert client.keys("*") == [KEYS.mirror("mine")]
    client.rename(KEYS.mirror("mine"), "aside")
    assert commit(store, change).listed == 1
    assert client.lrange(KEYS.mirror("mine"), 0, -1) == client.lrange(KEYS.signals, 0, -1)


def test_a_mirror_gets_every_signal_once_and_its_oldest_go(
    store: RedisStateStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.redis.state_store.QUEUE_CAP", 3)
    store.mirror_to("mine")
    made = candles(16)
    for count in range(11, 16):
        change = change_to(store, state_after(RULES, made[:count]), 1, crossed=True)
        assert commit(store, change).listed == 1
        assert commit(store, change).result == CommitResult.ALREADY
        client.delete(KEYS.signals)
    assert client.lrange(KEYS.mirror("mine"), 0, -1) == client.lrange(KEYS.history, -3, -1)

    # A cursor that was set back lists nothing again, and copies nothing again.
    client.set(KEYS.last_processed(STRATEGY.name), "2020-09-13T21:00:00Z")
    again = change_to(store, state_after(RULES, made[:15]), 1, crossed=True)
    assert commit(store, again).repeated == 1
    assert client.lrange(KEYS.mirror("mine"), 0, -1) == client.lrange(KEYS.history, -3, -1)


def test_a_fence_of_the_wrong_type_stops_the_whole_commit(store: RedisStateStore, client: redis.Redis) -> None:
    client.rpush(KEYS.fence, "x")

    assert commit(store, change_to(store, state_after(RULES, candles(9)), 9)).result == CommitResult.BADTYPE


@pytest.mark.parametrize(
    "right",
    [
        *("llen", "get", "getrange", "hmget"),
        *("rpush", "zadd", "ltrim", "zremrangebyrank", "hset", "del", "pexpire", "set"),
    ],
)
def test_a_right_that_is_missing_is_named_and_not_taken_for_a_wrong_type(
    store: RedisStateStore, client: redis.Redis, redis_url: str, right: str
) -> None:
    made = candles(12)
    commit(store, change_to(store, state_after(RULES, made[:11]), 11))
    change = change_to(store, state_after(RULES, made), 1, crossed=True)
    before = {key: client.dump(key) for key in client.keys("*")}
    rights = ("SETUSER", "clerk", "on", ">secret", "~*", "+@all", f"-{right}")
    client.execute_command("ACL", *rights)  # type: ignore[no-untyped-call]
    clerk = RedisStateStore(connect(redis_url.replace("://", "://clerk:secret@", 1), name="test"), KEYS)

    result = clerk.commit([change])[STRATEGY.name]

    clerk.client.close()
    client.execute_command("ACL", "DELUSER", "clerk")  # type: ignore[no-untyped-call]
    assert isinstance(result, StoreUnavailable)
    assert "permission" in str(result)
    assert right in str(result)
    assert {key: client.dump(key) for key in client.keys("*")} == before


def test_averages_that_vanished_since_they_were_read_are_not_half_written(
    store: RedisStateStore, client: redis.Redis
) -> None:
    made = candles(12)
    commit(store, change_to(store, state_after(RULES, made[:11]), 11))
    change = change_to(store, state_after(RULES, made), 1)
    client.delete(KEYS.ma_state("EUR_USD_H1"))

    assert commit(store, change).result == CommitResult.OK
    assert client.exists(KEYS.ma_state("EUR_USD_H1")) == 0
    assert stored(store).cursor == made[-1].time


def test_a_server_out_of_memory_refuses_the_commit_as_a_whole(store: RedisStateStore, client: redis.Redis) -> None:
    made = candles(12)
    commit(store, change_to(store, state_after(RULES, made[:11]), 11))
    before = client.hgetall(KEYS.signal_state("EUR_USD_H1"))
    client.config_set("maxmemory", "1")
    try:
        results = store.commit([change_to(store, state_after(RULES, made), 1, crossed=True)])
    finally:
        client.config_set("maxmemory", "0")

    error = results["EUR_USD_H1"]
    assert isinstance(error, StoreUnavailable)
    assert "out of memory" in str(error)
    assert client.hgetall(KEYS.signal_state("EUR_USD_H1")) == before
    assert stored(store).cursor == made[10].time
    assert client.llen(KEYS.signals) == 0


def test_scripts_that_the_server_forgot_are_loaded_again(store: RedisStateStore, client: redis.Redis) -> None:
    made = candles(12)
    commit(store, change_to(store, state_after(RULES, made[:11]), 11))
    client.script_flush()

    assert commit(store, change_to(store, state_after(RULES, made), 1)).result == CommitResult.OK


def test_loading_and_committing_many_strategies_is_one_round_trip_each(store: RedisStateStore) -> None:
    many = [Rules(replace(STRATEGY, name=f"S{number}"), EUR_USD) for number in range(40)]
    state = state_after(RULES, candles(10))
    loaded = store.load([rules.strategy for rules in many])
    changes = [Change(rules, loaded[rules.strategy.name], state, Counts(), (), 10) for rules in many]
    store.commit(changes)
    sent: list[int] = []
    original: Any = redis.connection.AbstractConnection.send_packed_command

    def counted(self: object, *arguments: object, **named: object) -> object:
        sent.append(1)
        return original(self, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis.connection.AbstractConnection, "send_packed_command", counted)
        store.load([rules.strategy for rules in many])
        store.commit(changes)

    assert len(sent) == 2


def test_a_change_that_cannot_be_encoded_leaves_no_reply_for_the_next_question(store: RedisStateStore) -> None:
    """Commits are written down while those before them are made: an error of ours comes when some have been sent."""
    many = [Rules(replace(STRATEGY, name=f"S{number}"), EUR_USD) for number in range(40)]
    loaded = store.load([rules.strategy for rules in many])
    states = [state_after(RULES, candles(10))] * 39 + [RULES.empty_state()]
    changes = [
        Change(rules, loaded[rules.strategy.name], state, Counts(), (), 10)
        for rules, state in zip(many, states, strict=True)
    ]

    with pytest.raises(AssertionError):
        store.commit(changes)

    again = store.commit(changes[:39])
    assert {str(result.result) for result in again.values() if isinstance(result, Committed)} <= {"OK", "ALREADY"}
    assert {loaded.cursor for loaded in store.load([rules.strategy for rules in many[:39]]).values()} == {
        candles(10)[-1].time
    }


def test_averages_live_four_candles_and_four_days_at_least(store: RedisStateStore, client: redis.Redis) -> None:
    commit(store, change_to(store, state_after(RULES, candles(10)), 10))

    assert client.pttl(KEYS.ma_state("EUR_USD_H1")) > (4 * 3_600 + 4 * 86_400 - 60) * 1000
    assert client.ttl(KEYS.last_processed("EUR_USD_H1")) == -1
    assert client.ttl(KEYS.signal_state("EUR_USD_H1")) == -1
    assert averages_life_ms(Granularity.D, 3_600) == 8 * 86_400_000
    assert averages_life_ms(Granularity.M1, 10_000_000) == 10_000_000_000


def test_the_listed_signal_is_the_one_in_the_history(store: RedisStateStore, client: redis.Redis) -> None:
    change = change_to(store, state_after(RULES, candles(10)), 10, crossed=True)
    commit(store, change)

    assert client.lrange(KEYS.signals, 0, -1) == client.lrange(KEYS.history, 0, -1)
    assert decode_signal(client.lindex(KEYS.signals, 0) or "") == change.signals[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("rejected:a\nb", "3"), ("last_signal_id", "x\nside\nBUY\n"), ("more\n", "\n"), ("gaps", "1\n2")],
)
def test_line_feeds_that_somebody_wrote_lead_no_commit_astray(
    store: RedisStateStore, client: redis.Redis, name: str, value: str
) -> None:
    made = candles(12)
    commit(store, change_to(store, state_after(RULES, made[:11]), 11))
    client.hset(KEYS.signal_state("EUR_USD_H1"), name, value)
    loaded = stored(RedisStateStore(client, KEYS))
    state, _ = RULES.advance(state_after(RULES, made[:11]), made[11])

    assert commit(store, Change(RULES, loaded, state, loaded.counts, (), 1)).result == CommitResult.OK
    again = stored(RedisStateStore(client, KEYS))
    assert (again.state, again.cursor, again.named) == (state, made[11].time, made[11].time)
    assert client.hget(KEYS.signal_state("EUR_USD_H1"), "side") == ("" if state.side is None else state.side.name)


def test_a_value_of_a_hundred_megabytes_is_not_fetched(store: RedisStateStore, client: redis.Redis) -> None:
    commit(store, change_to(store, state_after(RULES, candles(10)), 10))
    client.setrange(KEYS.last_processed("EUR_USD_H1"), 100_000_000, "x")
    client.hset(KEYS.ma_state("EUR_USD_H1"), "atr", "1" * 5_000_000)

    loaded = stored(store)

    assert loaded.cursor is None
    assert loaded.state is None
    assert all(len(note) < 300 for note in loaded.notes)


def test_a_server_that_is_away_is_one_kind_of_error(tmp_path: object) -> None:
    store = RedisStateStore(connect(f"unix://{tmp_path}/none", name="test"), KEYS)

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.load([STRATEGY])


def test_the_threads_of_every_timeframe_may_ask_at_once(client: redis.Redis) -> None:
    store = RedisStateStore(client, KEYS)
    threads = 24
    together = threading.Barrier(threads)

    def load(_: int) -> None:
        together.wait(10)
        for _ in range(20):
            store.load([STRATEGY])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(load, range(threads)))


class TestLease:
    """One of several daemons is the active one."""

    def test_only_one_holds_it_and_the_next_one_has_a_higher_fence(self, client: redis.Redis) -> None:
        one, two = RedisStateStore(client, KEYS), RedisStateStore(client, KEYS)

        first, refused = one.lease("run|elsewhere|x|1|a", 30), two.lease("run|elsewhere|x|1|b", 30)
        one.release("run|elsewhere|x|1|a")
        second = two.lease("run|elsewhere|x|1|b", 30)

        assert first.held
        assert (refused.held, refused.holder) == (False, "run|elsewhere|x|1|a")
        assert 0 < refused.remaining <= 30
        assert second.held
        assert second.fence > first.fence == one.fence

    def test_keeping_it_keeps_the_fence(self, store: RedisStateStore) -> None:
        taken = store.lease("run|elsewhere|x|1|a", 30)
        assert taken.is_new
        assert store.lease("run|elsewhere|x|1|a", 30) == taken._replace(is_new=False)

    def test_it_runs_out(self, client: redis.Redis) -> None:
        one, two = RedisStateStore(client, KEYS), RedisStateStore(client, KEYS)
        one.lease("run|elsewhere|x|1|a", 30)
        client.pexpire(KEYS.leader, 1)
        while client.exists(KEYS.leader):
            pass

        assert two.lease("run|elsewhere|x|1|b", 30).held

    def test_a_dead_process_of_this_machine_is_taken_over_at_once(self, client: redis.Redis) -> None:
        code = "from ninja_daemon.adapters.host.lease_token import holder_token; print(holder_token('run'))"
        dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        RedisStateStore(client, KEYS).lease(dead, 30)

        assert is_dead(dead)
        assert RedisStateStore(client, KEYS).lease(holder_token("run"), 30).held

    def test_the_number_of_a_failover_stands_in_front_of_the_fence(
        self, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, token = RedisStateStore(client, KEYS), "run|elsewhere|x|1|a"
        before = store.lease(token, 30)
        monkeypatch.setattr(lease, "failover_epoch", lambda _: 3)
        after, again = store.lease(token, 30), store.lease(token, 30)

        assert (before.fence, after.fence, again.fence) == (1, 3 * 2**32 + 1, 3 * 2**32 + 1)
        assert after.is_new
        assert not again.is_new

    def test_a_living_process_is_not_taken_over(self, client: redis.Redis) -> None:
        RedisStateStore(client, KEYS).lease(holder_token("run"), 30)

        assert not RedisStateStore(client, KEYS).lease(holder_token("run"), 30).held

    def test_giving_back_what_somebody_else_holds_changes_nothing(self, client: redis.Redis) -> None:
        one, two = RedisStateStore(client, KEYS), RedisStateStore(client, KEYS)
        one.lease("run|elsewhere|x|1|a", 30)
        two.release("run|elsewhere|x|1|b")

        assert client.get(KEYS.leader) == "run|elsewhere|x|1|a"

    def test_a_lost_epoch_never_leads_to_a_fence_that_is_refused(
        self, store: RedisStateStore, client: redis.Redis
    ) -> None:
        store.fence = 9
        commit(store, change_to(store, state_after(RULES, candles(10)), 10))
        client.delete(KEYS.epoch, KEYS.leader)

        assert store.lease("run|elsewhere|x|1|a", 30).fence > 9

    def test_a_fence_that_somebody_raised_does_not_lock_the_holder_out(
        self, store: RedisStateStore, client: redis.Redis
    ) -> None:
        held = store.lease("run|h|n|1|a", 15)
        client.set(KEYS.fence, str(held.fence + 41))
        again = store.lease("run|h|n|1|a", 15)
        assert again.held
        assert again.fence > held.fence + 41
        assert commit(store, change_to(store, state_after(RULES, candles(9)), 9)).result == CommitResult.OK

    def test_a_lease_key_of_the_wrong_type_is_named(self, store: RedisStateStore, client: redis.Redis) -> None:
        client.rpush(KEYS.leader, "x")

        with pytest.raises(StoreUnavailable, match="leader must be a string, was a list"):
            store.lease("run|elsewhere|x|1|a", 30)

    @pytest.mark.parametrize(
        "token",
        ["", "x", "run|h|n|notanumber|a", f"run|other|pid:[1]|{os.getpid()}|a"],
        ids=["empty", "a word", "no number", "another machine"],  # a process id in a name differs between two workers
    )
    def test_a_token_that_says_nothing_is_taken_for_a_living_process(self, token: str) -> None:
        assert not is_dead(token)


def test_errors_hold_no_password() -> None:
    store = RedisStateStore(connect("redis://user:hunter2@127.0.0.1:1/0", name="test"), KEYS)

    with pytest.raises(NinjaError) as caught:
        store.load([STRATEGY])

    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_options_inside_the_address_do_not_undo_the_limits() -> None:
    client = connect("redis://127.0.0.1:1/0?socket_timeout=60&health_check_interval=0", name="test")

    limits = client.connection_pool.connection_kwargs
    assert (limits["socket_timeout"], limits["socket_connect_timeout"], limits["health_check_interval"]) == (
        2.0,
        1.0,
        15,
    )


def test_what_is_too_much_for_one_round_trip_goes_in_several(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.redis.state_store._MOST_AT_ONCE", 100)
    writer, reader = RedisStateStore(client, KEYS), RedisStateStore(client, KEYS)
    many = [replace(STRATEGY, name=f"S{number}") for number in range(9)]
    changes = []
    for strategy in many:
        rules = Rules(strategy, EUR_USD)
        state = state_after(rules, candles(40))
        changes.append(change_to(writer, state, 40, rules=rules))
    assert all(isinstance(result, Committed) and result.result == "OK" for result in writer.commit(changes).values())
    loaded = reader.load(many)
    assert [loaded[strategy.name].state for strategy in many] == [change.state for change in changes]
    assert list(loaded) == [strategy.name for strategy in many]
