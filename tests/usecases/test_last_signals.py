"""Signals that keep a distance: whatever is lost between two candles, the list is that of an uncut run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.usecases.proof.audit import audit
from ninja_daemon.usecases.proof.record import Record
from ninja_daemon.usecases.wake_result import Start
from tests.usecases.test_catch_up import EUR_USD, STRATEGY, World, broker_of, candles_of, wandering

LEAST = 14
SPACED = replace(STRATEGY, filters=(("min_candles_between", LEAST),))
CANDLES = candles_of(wandering(600, seed=11))
BEGUN = 100
CURSOR, AVERAGES, COUNTS = (f"{{test}}:{key}:EUR_USD_M15" for key in ("last_processed", "ma_state", "signal_state"))

Damage = Callable[[redis.Redis, Sequence[Candle]], object]
DAMAGES: dict[str, Damage] = {
    "none": lambda *_: None,
    "averages": lambda client, _: client.delete(AVERAGES),
    "averages and counts": lambda client, _: client.delete(AVERAGES, COUNTS),
    "cursor": lambda client, _: client.delete(CURSOR),
    "number": lambda client, _: client.hset(AVERAGES, "signal_at", "9999"),
    "no number": lambda client, _: client.hdel(AVERAGES, "signal_at"),
    "cursor set back": lambda client, taken: client.set(CURSOR, format_instant(taken[max(BEGUN, len(taken) - 9)].time)),
    "set back, counts lost": lambda client, taken: (
        client.set(CURSOR, format_instant(taken[max(BEGUN, len(taken) - 9)].time)),
        client.delete(COUNTS),
    ),
}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    yield journal
    journal.close()


@pytest.fixture
def world(redis_url: str, journal: SqliteJournal) -> Iterator[World]:
    client = connect(redis_url, name="test")
    yield World(RedisStateStore(client, Keys("test")), journal, broker_of(CANDLES), strategies=(SPACED,))
    client.close()


def uncut(begun: int, last: int) -> list[Instant]:
    """What is listed when nothing is lost: signals count from the first start on."""
    rules = Rules(SPACED, EUR_USD)
    state, signals = rules.empty_state(), []
    for number, candle in enumerate(CANDLES[: last + 1]):
        if number == begun:
            state = state._replace(signal_at=None)
        state, cross = rules.advance(state, candle)
        if cross is not None and cross.rejected_by is None and number >= begun:
            signals.append(candle.time)
    return signals


def listed(world: World) -> list[Instant]:
    return [time for _, time in world.listed()]


def test_the_distance_is_kept_and_is_not_kept_without_the_filter() -> None:
    numbers = [next(number for number, candle in enumerate(CANDLES) if candle.time == at) for at in uncut(BEGUN, 599)]
    assert min(later - earlier for earlier, later in pairwise(numbers)) >= LEAST
    assert len(numbers) > 10


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_lost_the_last_signal_is_known_again(world: World, damage: str) -> None:
    chance = random.Random(damage)
    assert isinstance(world.store, RedisStateStore)
    at = BEGUN
    world.wake(at)
    while at < 599:
        DAMAGES[damage](world.store.client, CANDLES[: at + 1])
        at = min(599, at + chance.choice((1, 2, 3, 7, 20)))
        assert world.wake(at).results[0].error is None
    assert listed(world) == uncut(BEGUN, 599)


def test_a_redis_that_lost_everything_leaves_it_to_the_candles(world: World) -> None:
    assert isinstance(world.store, RedisStateStore)
    world.wake(BEGUN)
    world.wake(300)
    world.store.client.flushall()
    assert world.wake(599).results[0].start is Start.REBUILT
    assert listed(world) == [time for time in uncut(BEGUN, 599) if time > CANDLES[300].time]


def test_without_redis_every_start_knows_the_last_signal(journal: SqliteJournal) -> None:
    world = World(LocalStateStore(journal), journal, broker_of(CANDLES), strategies=(SPACED,))
    at = BEGUN
    world.wake(at)
    while at < 599:
        world.store.close()  # type: ignore[union-attr]
        world.store = LocalStateStore(journal)
        at = min(599, at + random.Random(at).choice((1, 2, 5, 30)))
        assert world.wake(at).results[0].start is Start.REBUILT
    assert listed(world) == uncut(BEGUN, 599)
    world.store.close()  # type: ignore[union-attr]


def test_a_late_cross_at_the_first_start_is_no_signal_to_keep_away_from(world: World) -> None:
    first = next(time for time in uncut(BEGUN, 599) if time > CANDLES[200].time)
    number = next(number for number, candle in enumerate(CANDLES) if candle.time == first)
    world.broker.newest[SPACED.series] = first
    world.clock.time = first + 900 + 901.0
    world.wake()
    world.wake(599)
    assert listed(world) == uncut(number + 1, 599)


def test_an_audit_judges_by_what_was_listed(world: World) -> None:
    assert isinstance(world.store, RedisStateStore)
    judged_from_the_first_candle = [
        cross.candle.time
        for cross in evaluate(Rules(SPACED, EUR_USD), CandleColumns.of(CANDLES)).crosses
        if cross.rejected_by is None
    ]
    differing = [
        number
        for number in range(BEGUN, 300)
        if uncut(number, 599) != [time for time in judged_from_the_first_candle if time >= CANDLES[number].time]
    ]
    world.wake(differing[0])
    world.wake(599)
    texts = world.store.client.lrange(world.store.keys.signals, 0, -1)
    loaded = world.store.load([SPACED])[SPACED.name]
    record = Record(loaded, None, [decode_signal(text) for text in texts], is_cut=False, is_counted=True)
    for since in (None, CANDLES[differing[0] + 40].time):
        audited = audit(world.broker, SPACED, record, since)
        assert (list(audited.differences), audited.derived > 5) == ([], True)
