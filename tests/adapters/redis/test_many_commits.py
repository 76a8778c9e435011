"""Many strategies in one call of the commit script: each has its own answer; what stops the call stops all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.commit import prepared
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.usecases.ports import Change, CommitResult, Committed
from tests.adapters.redis.test_state_store import EUR_USD, KEYS, STRATEGY, candles

MADE = candles(120)
MANY = [Rules(replace(STRATEGY, name=f"S{place:02}"), EUR_USD) for place in range(40)]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url, name="test") as client:
        yield client


def changes(store: RedisStateStore, many: Sequence[Rules], count: int = 1) -> list[Change]:
    """What the next candles change."""
    loaded = store.load([rules.strategy for rules in many])
    found = []
    for rules in many:
        before = loaded[rules.strategy.name]
        state = before.state or rules.empty_state()
        after, crosses = advance_all(rules, state, MADE[state.seen : state.seen + count])
        signals = [signal_of(rules, cross, 1.7e9) for cross in crosses if cross.rejected_by is None]
        counts = before.counts._replace(evaluated=after.seen, signals=before.counts.signals + len(signals))
        found.append(Change(rules, before, after, counts, signals, count))
    return found


def answers(store: RedisStateStore, some: Sequence[Change]) -> dict[str, str]:
    return {name: one.result if isinstance(one, Committed) else str(one) for name, one in store.commit(some).items()}


def contents(client: redis.Redis) -> dict[str, object]:
    return {str(key): client.dump(key) for key in client.keys("*")}


def test_forty_strategies_are_two_calls_and_a_quiet_candle_writes_few_fields(client: redis.Redis) -> None:
    store = RedisStateStore(client, KEYS)
    for _ in range(2):
        store.commit(changes(store, MANY, 30))
    some = changes(store, MANY)
    client.config_resetstat()
    quiet = [one for one in some if one.state.side is one.loaded.state.side and not one.signals]  # type: ignore[union-attr]

    assert set(answers(store, some).values()) == {"OK"}
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 2
    short = prepared(quiet[0], 3_600, "a commit")
    assert (len(short.averages), len(short.sides), short.since) == (8, 3, "a commit")
    assert short.commit == prepared(quiet[0], 3_600).commit, "a lost reply is known again, however it was written"


def test_what_is_written_bit_by_bit_is_what_is_written_whole(client: redis.Redis) -> None:
    bit_by_bit, whole = RedisStateStore(client, KEYS), RedisStateStore(client, Keys("whole"))
    for count in (30, 1, 1, 1, 7, *(1,) * 30):
        bit_by_bit.commit(changes(bit_by_bit, MANY[:3], count))
        whole.send([whole.prepared(one) for one in changes(whole, MANY[:3], count)])
    for rules in MANY[:3]:
        for kind in ("ma_state", "signal_state"):
            name = f":{kind}:{rules.strategy.name}"
            assert client.hgetall("{test}" + name) == client.hgetall("{whole}" + name)


def test_a_refusal_of_one_stops_none_of_the_others(client: redis.Redis) -> None:
    store = RedisStateStore(client, KEYS)
    store.commit(changes(store, MANY[:6], 30))
    some = changes(store, MANY[:6], 20)
    assert all(one.signals for one in some)
    store.commit(some[:1])
    client.set(KEYS.last_processed("S01"), "2020-01-01T00:00:00Z")
    client.set(KEYS.listed("S02"), "no set")
    client.delete(KEYS.signal_state("S03"))

    found = answers(store, some)

    assert found == {"S00": "ALREADY", "S01": "STALE", "S02": "BADTYPE", "S03": "OK", "S04": "OK", "S05": "OK"}


def test_a_quiet_commit_behind_a_state_that_vanished_is_made_again_whole(client: redis.Redis) -> None:
    store = RedisStateStore(client, KEYS)
    store.commit(changes(store, MANY[:2], 40))
    while True:
        some = changes(store, MANY[:2])
        if prepared(some[0], 3_600, "x").since:
            break
        store.commit(some)
    client.hset(KEYS.signal_state("S00"), "commit", "somebody else's")
    before = client.hgetall(KEYS.signal_state("S00"))

    assert answers(store, some) == {"S00": "STALE", "S01": "OK"}
    assert client.hgetall(KEYS.signal_state("S00")) == before
    assert answers(store, changes(store, MANY[:1])) == {"S00": "OK"}


def test_two_commits_of_one_strategy_are_made_one_behind_the_other(client: redis.Redis) -> None:
    writer, store = RedisStateStore(client, Keys("other")), RedisStateStore(client, KEYS)
    rows = []
    for count in (30, 1):
        some = changes(writer, MANY[:2], count)
        rows += [writer.prepared(one) for one in some]
        writer.commit(some)

    results = store.send(rows)

    assert [one.result for one in results if isinstance(one, Committed)] == [CommitResult.OK] * 4


def test_the_limit_of_the_list_holds_within_a_call(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.redis.state_store.QUEUE_CAP", 5)
    store = RedisStateStore(client, KEYS)
    store.commit(changes(store, MANY[:6], 30))
    client.delete(KEYS.signals)
    some = [one._replace(signals=one.signals[-2:]) for one in changes(store, MANY[:6], 20)]

    found = list(answers(store, some).values())

    assert found == ["OK", "OK", "QFULL", "QFULL", "QFULL", "QFULL"]
    assert client.llen(KEYS.signals) == 4


@pytest.mark.parametrize("right", ["hset", "pexpire", "set", "zadd", "rpush"])
def test_a_right_that_is_missing_stops_all_before_the_first_write(
    client: redis.Redis, redis_url: str, right: str
) -> None:
    store = RedisStateStore(client, KEYS)
    store.commit(changes(store, MANY[:4], 30))
    some, before = changes(store, MANY[:4], 20), contents(client)
    client.execute_command("ACL", "SETUSER", "clerk", "on", ">secret", "~*", "+@all", f"-{right}")  # type: ignore[no-untyped-call]
    with connect(redis_url.replace("://", "://clerk:secret@", 1), name="test") as theirs:
        results: list[Committed | NinjaError] = list(RedisStateStore(theirs, KEYS).commit(some).values())
    client.execute_command("ACL", "DELUSER", "clerk")  # type: ignore[no-untyped-call]

    assert all(isinstance(one, StoreUnavailable) and right in str(one) for one in results)
    assert contents(client) == before
