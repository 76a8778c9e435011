"""Random orders to a lane, given to both stores and to a model in memory: they answer and stand alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
import redis
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.queue.queue_rows import MessageRow, append
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.queue import decode_entry, encode_entry
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.lanes import lane_change, lane_orders
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, LeasedLane, NotNow, Settlement
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery.delivery_ports import LaneStore
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from tests.fakes.clock import FakeClock
from tests.fakes.lane_store import MemoryLaneStore
from tests.fakes.messages import a_signal

QUERY = LaneQuery("desk", most=3, provider="fake", after="first")
AN_HOUR = 3_600.0
LONG, OVER = AN_HOUR / 12, 0.0
_TIMES = (
    "lease",
    "suspended",
    "due",
    "young_since",
    "first_attempt",
    "allowance",
    "accepted",
    "untold_since",
    "told",
)


class Side(Protocol):
    """A store with the doors that the machine needs."""

    @property
    def store(self) -> LaneStore: ...
    def push(self, lane: str, number: int) -> None: ...
    def counters(self) -> dict[str, int]: ...


def stored(number: int) -> str:
    signal = a_signal(number)
    return encode_entry("signal", signal.id, number, 1_700_000_000_000, encode_signal(signal))


class Memory:
    def __init__(self, clock: FakeClock) -> None:
        self.store = MemoryLaneStore(clock)

    def push(self, lane: str, number: int) -> None:
        self.store.messages[lane].append(decode_entry(stored(number)))

    def counters(self) -> dict[str, int]:
        return dict(self.store.counters)


class InRedis:
    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self.client, self.keys = client, QueueKeys(namespace)
        self.store = RedisQueueStore(client, self.keys)

    def push(self, lane: str, number: int) -> None:
        self.client.rpush(self.keys.lane(lane), stored(number))

    def counters(self) -> dict[str, int]:
        return dict(self.store.survey(()).counters)


class InJournal:
    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.file = LocalQueueFile(path, clock)
        self.store = LocalQueueStore(self.file)

    def push(self, lane: str, number: int) -> None:
        signal = a_signal(number)
        with self.file.changing() as connection:
            message = MessageRow(number, "signal", signal.id, 1_700_000_000_000, encode_signal(signal))
            append(connection, lane, message)

    def counters(self) -> dict[str, int]:
        return dict(self.store.survey(()).counters)


def shape(record: LaneRecord, now: int) -> LaneRecord:
    """Return a record whose instants only say on which side of now they are: the clocks are not the same."""
    sides = {name: (getattr(record, name) > now + 60_000) + (getattr(record, name) > 0) for name in _TIMES}
    paused = record.paused if record.paused <= 0 else 1 + (record.paused > now + 60_000)
    return replace(record, paused=paused, **sides)


def summary(answer: LeasedLane | NotNow) -> object:
    if isinstance(answer, NotNow):
        return answer.state, answer.reason, answer.wait is None
    numbers = [entry.number for entry in answer.entries]
    return answer.token, numbers, answer.attempts, answer.maybe_sent, answer.error, bool(answer.young_since)


class Machine(RuleBasedStateMachine):
    """One lane, and the one that must be ahead of it."""

    def __init__(self, *sides: Side) -> None:
        super().__init__()
        self.sides = sides
        self.lanes = [StoredLanes(side.store) for side in sides]
        self.numbers = itertools.count(1)
        self.held: list[LeasedLane] = []
        self.stale: list[list[LeasedLane]] = []
        self.pushed = self.purged = 0

    def alike(self, answers: list[object]) -> object:
        assert all(answer == answers[0] for answer in answers[1:]), answers
        return answers[0]

    @rule(ahead=st.booleans())
    def push(self, ahead: bool) -> None:
        number = next(self.numbers)
        for side in self.sides:
            side.push("desk", number)
            if ahead:
                side.push("first", number)
        self.pushed += 1

    @rule()
    def the_one_ahead_goes_on(self) -> None:
        for side in self.sides:
            query = LaneQuery("first", most=50)
            seen = side.store.look(query)
            assert side.store.write(query, lane_orders.purge(seen.record)).is_done

    @rule(lease=st.sampled_from([LONG, OVER]))
    def take(self, lease: float) -> None:
        answers = [lanes.take(QUERY, lease) for lanes in self.lanes]
        self.alike([summary(answer) for answer in answers])
        if all(isinstance(answer, LeasedLane) for answer in answers):
            if self.held:
                self.stale.append(self.held)
            self.held = [answer for answer in answers if isinstance(answer, LeasedLane)]

    def settled(self, held: list[LeasedLane], done: Settlement) -> object:
        said = [lanes.settle(QUERY, taken, done) for lanes, taken in zip(self.lanes, held, strict=True)]
        views = [[entry.number for entry in one.view.entries] if one.view else None for one in said]
        return self.alike([(one.is_ours, view) for one, view in zip(said, views, strict=True)])

    @precondition(lambda self: self.held)
    @rule(
        delivered=st.integers(0, 2),
        dead=st.integers(0, 1),
        wait=st.sampled_from([0.0, AN_HOUR]),
        reason=st.sampled_from([Reason.RETRY, Reason.QUIET]),
        text=st.sampled_from(["", "it broke"]),
        suspend=st.sampled_from(["", "", "gone"]),
        hold=st.sampled_from([0.0, 0.0, AN_HOUR]),
        attempts=st.integers(0, 3),
    )
    def settle(self, delivered: int, dead: int, wait: float, reason: Reason, **rest: object) -> None:
        attempts = int(str(rest["attempts"]))
        count = len(self.held[0].entries)
        delivered = min(delivered, count)
        done = Settlement(
            delivered=delivered,
            dead=min(dead, count - delivered),
            cause="refused",
            wait=wait,
            reason=reason,
            rejuvenates=reason is Reason.QUIET,
            text=str(rest["text"]),
            suspend=str(rest["suspend"]),
            refusals=attempts,
            throttles=attempts,
            hold_provider=float(str(rest["hold"])),
            attempts=attempts,
            maybe_sent=self.held[0].maybe_sent,
            repeats=delivered,
        )
        held, self.held = self.held, []
        self.settled(held, done)
        before = [side.counters() for side in self.sides]
        assert self.settled(held, done) == (False, None), "a settlement is written once"
        assert [side.counters() for side in self.sides] == before

    @precondition(lambda self: self.stale)
    @rule()
    def settle_late(self) -> None:
        held = self.stale.pop()
        assert self.settled(held, Settlement(delivered=1)) == (False, None), "somebody else has taken the lane since"

    def order(self, decide: Callable[[LaneRecord, int], LaneChange | None]) -> None:
        query = LaneQuery("desk")
        found = []
        for side in self.sides:
            seen = side.store.look(query)
            change = decide(seen.record, seen.now)
            found.append(change is not None and side.store.write(query, change).is_done)
            if change is not None:
                assert not side.store.write(query, change).is_done, "a change is written once"
        self.alike(list(found))

    @rule(seconds=st.sampled_from([None, AN_HOUR, 0.0]))
    def pause(self, seconds: float | None) -> None:
        self.order(lambda record, now: lane_orders.pause(record, now, seconds))

    @rule()
    def resume(self) -> None:
        self.order(lane_orders.resume)

    @rule()
    def hurry(self) -> None:
        self.order(lane_orders.hurry)

    @rule()
    def purge(self) -> None:
        self.purged += len(self.sides[0].store.look(LaneQuery("desk", most=1_000)).entries)
        self.order(lambda record, _: lane_orders.purge(record))

    @rule()
    def an_hour_passes_over_what_waits_and_what_is_told(self) -> None:
        for side in self.sides:
            seen = side.store.look(LaneQuery("desk"))
            names = ("due", "untold_since", "told")
            earlier = {name: max(0, getattr(seen.record, name) - 3_600_000) for name in names}
            assert side.store.write(
                LaneQuery("desk"), lane_change.change(seen.record, replace(seen.record, **earlier))
            ).is_done

    @rule()
    def the_hold_ends(self) -> None:
        for side in self.sides:
            if isinstance(side, Memory):
                side.store.holds.clear()
            elif isinstance(side, InRedis):
                side.client.delete(side.keys.hold("fake"))
            elif isinstance(side, InJournal):
                with side.file.changing() as connection:
                    connection.execute("DELETE FROM queue_holds")

    @invariant()
    def all_stand_alike_and_nothing_is_lost(self) -> None:
        seen = [side.store.look(LaneQuery("desk", most=1_000)) for side in self.sides]
        self.alike([(shape(view.record, view.now), [entry.number for entry in view.entries]) for view in seen])
        numbers = [entry.number for entry in seen[0].entries]
        assert numbers == sorted(numbers)
        counters = self.alike([side.counters() for side in self.sides])
        assert isinstance(counters, dict)
        gone = counters.get("delivered:desk", 0) + counters.get("dead:desk", 0)
        assert gone + self.purged + len(numbers) == self.pushed


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = connect(redis_url, name="test")
    yield made
    made.close()


@pytest.mark.timeout(180)
def test_both_stores_and_the_model_follow_the_same_rules(client: redis.Redis, tmp_path: Path) -> None:
    runs, files = itertools.count(), list[LocalQueueFile]()

    def machine() -> Machine:
        run, clock = next(runs), FakeClock()
        while files:
            files.pop().close()
        journal = InJournal(tmp_path / f"{run}.sqlite3", clock)
        files.append(journal.file)
        return Machine(Memory(clock), InRedis(client, f"machine{run}"), journal)

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]  # it calls what it is given
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    for file in files:
        file.close()
