"""Who leads what, and how much of the broker each may use: by the signs of life of all."""

from __future__ import annotations

import itertools
import json
import threading

import pytest

from ninja_daemon.adapters.oanda.limits import Gate
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.sharing.members import RedisMembers, agreed_count
from ninja_daemon.adapters.redis.sharing.shard_reports import read_shards
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.checks.shared.shards import check_shards
from ninja_daemon.app.fleet.membership import Identity, Membership, ShardSeat
from ninja_daemon.app.status.shared.shards import shards_fields, shards_sentence
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.usecases.sharing.sharding import Member, entitled, is_calm, owner_of
from tests.fakes.clock import FakeClock

COUNT = 32


class Board:
    """A register that all members of a test share."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.signs: dict[str, tuple[float, float, str]] = {}

    def tick(self, token: str, egress: str) -> list[Member]:
        now = self.clock.monotonic()
        _, first, _ = self.signs.get(token, (now, now, egress))
        self.signs[token] = (now, first, egress)
        return [Member(name, where, now - at, now - since) for name, (at, since, where) in self.signs.items()]

    def leave(self, token: str) -> None:
        self.signs.pop(token, None)


class Process:
    """A member with its part of the limits."""

    def __init__(self, board: Board, token: str, egress: str = "here") -> None:
        self.parts = 0
        self.membership = Membership(
            board,
            Identity(f"run|x|y|{token}|z", egress, COUNT),
            board.clock,
            agree=lambda: None,
            divide=lambda parts, _: setattr(self, "parts", parts),
        )

    def owned(self) -> set[int]:
        return {shard for shard in range(COUNT) if self.membership.owns(shard)}


def tick(board: Board, *processes: Process) -> None:
    board.clock.wait(threading.Event(), 5.0)
    for process in processes:
        process.membership.refresh()


def test_members_divide_all_shards_and_no_shard_twice() -> None:
    board = Board(FakeClock(0.0))
    one, two, three = (Process(board, name) for name in "abc")
    for _ in range(3):
        tick(board, one, two, three)
    shares = [each.owned() for each in (one, two, three)]
    assert set.union(*shares) == set(range(COUNT))
    assert sum(map(len, shares)) == COUNT
    assert [each.parts for each in (one, two, three)] == [3, 3, 3]


def test_a_newcomer_gets_nothing_before_the_others_have_made_room() -> None:
    board = Board(FakeClock(0.0))
    one, two = Process(board, "a"), Process(board, "b")
    tick(board, one)
    assert one.owned() == set(range(COUNT))
    two.membership.refresh()
    assert not two.owned()
    tick(board, one)
    assert one.parts == 2, "it keeps to its part as soon as it has seen the other"
    tick(board, one, two)
    assert two.owned()
    assert not one.owned() & two.owned()


def test_only_the_shards_of_the_dead_move() -> None:
    tokens = ["a", "b", "c", "d"]
    before = {shard: owner_of(shard, tokens) for shard in range(COUNT)}
    after = {shard: owner_of(shard, tokens[1:]) for shard in range(COUNT)}
    assert all(before[shard] == after[shard] for shard in range(COUNT) if before[shard] != "a")


def test_a_member_that_says_nothing_for_a_lease_is_left_out() -> None:
    board = Board(FakeClock(0.0))
    one, two = Process(board, "a"), Process(board, "b", egress="there")
    for _ in range(3):
        tick(board, one, two)
    assert one.owned() < set(range(COUNT))
    assert one.parts == 1, "the other one has an address of its own"
    for _ in range(4):
        tick(board, one)
    assert one.owned() == set(range(COUNT))


def test_all_that_begin_together_wait_for_the_first() -> None:
    assert entitled([Member("b", "", 0.0, 1.0), Member("a", "", 0.0, 2.0)]) == ["a"]


@pytest.mark.parametrize(("seconds", "is_so"), [(-11, True), (-9, False), (9, False), (11, True)])
def test_no_shard_changes_hands_near_a_close(seconds: int, is_so: bool) -> None:
    close = 1_600_000_200  # a Sunday evening's quarter of an hour
    assert is_calm([(Granularity.M15, MarketHours.ALWAYS)], close + seconds) is is_so
    assert is_calm([(Granularity.S5, MarketHours.ALWAYS)], close + seconds)


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_members_together_keep_to_the_limits(parts: int) -> None:
    sent: list[float] = []
    for place in range(parts):
        clock = FakeClock(0.0)
        gate, started = Gate(clock), clock.monotonic()
        gate.divide(parts, place)
        for _ in range(12):
            gate.connecting()
            sent.append(clock.monotonic() - started)
        gate.close()
    for first in sent:
        assert sum(first <= at < first + 1.0 for at in sent) <= 2


class Sleeper(FakeClock):
    """Stopped for a while in its first wait, as by SIGSTOP."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        slept, self.slept = getattr(self, "slept", False), True
        return super().wait(stop, seconds if slept else 20.0)


def test_a_member_that_was_stopped_does_not_make_up_for_missed_connections() -> None:
    clock, sent = Sleeper(0.0), []
    gate = Gate(clock)
    gate.divide(4, 1)
    for _ in range(4):
        gate.connecting()
        sent.append(clock.monotonic())
    gate.close()
    assert all(later - earlier > 1.0 for earlier, later in itertools.pairwise(sent))


def test_another_count_than_that_of_the_namespace_is_refused(redis_url: str) -> None:
    client, keys = connect(redis_url, name="test"), Keys("test")
    agreed_count(client, keys, 1)
    assert not client.keys("*"), "one lease stores what it always did"
    agreed_count(client, keys, 4)
    with pytest.raises(ConfigError, match=r"must be 4.*was 3.*DEL '\{test\}:shards'"):
        agreed_count(client, keys, 3)
    with pytest.raises(ConfigError, match=r"must be 4.*was 1"):
        agreed_count(client, keys, 1)
    client.flushdb()
    client.set(keys.fence, 7)
    with pytest.raises(ConfigError, match=r"must be 1.*was 2"):
        agreed_count(client, keys, 2)
    client.close()


def test_signs_of_life_are_kept_with_their_ages(redis_url: str) -> None:
    client = connect(redis_url, name="test")
    members = RedisMembers(client, Keys("test"))
    members.tick("run|a|x|1|a", "home")
    found = {one.token: one for one in members.tick("run|a|x|2|b", "away from home")}
    assert found["run|a|x|1|a"].egress == "home"
    assert found["run|a|x|2|b"].egress == "away from home"
    assert {one.token for one in members.read()} == set(found)
    members.leave("run|a|x|1|a")
    assert [one.token for one in members.read()] == ["run|a|x|2|b"]
    client.close()


def test_status_and_check_show_who_leads_what(redis_url: str) -> None:
    client, keys = connect(redis_url, name="test"), Keys("test")
    assert read_shards(client, keys) is None
    agreed_count(client, keys, 3)
    token = "run|host|x|17|a"
    RedisMembers(client, keys).tick(token, "home")
    for shard, waiting in ((0, {"s": "why"}), (1, {})):
        store = RedisStateStore(client, Keys("test", shard))
        store.lease(token, 30)
        beat = {"host": "host", "pid": 17, "at": f"2026-01-05T00:00:0{shard}Z", "strategies": 2, "signals": 5}
        store.report(json.dumps(beat | {"waiting": waiting, "shard": shard}), 30)
    found = read_shards(client, keys)
    assert found is not None
    fields = shards_fields(found)
    assert fields["count"] == 3
    assert fields["uncovered"] == [2]
    assert fields["members"] == [{"host": "host", "pid": "17", "egress": "home", "age": pytest.approx(0.0, abs=5.0)}]
    assert found.daemon is not None
    assert (found.daemon["strategies"], found.daemon["signals"]) == (4, 5), "one process's counts are those of all"
    assert [text for text, _ in shards_sentence(found)] == ["2 of 3 shards led", "by 1 member", "host 17: 2"]
    codes = {one.code for one in check_shards(found, 4, "Redis")}
    assert codes == {"shards.count", "shards.uncovered", "shards.egress"}
    client.close()


def test_what_one_shard_sees_of_the_members_all_shards_look_at_at_once() -> None:
    board = Board(FakeClock(0.0))
    one, two = Process(board, "a"), Process(board, "b")
    for _ in range(3):
        tick(board, one, two)
    seats = [ShardSeat(one.membership, shard) for shard in range(2)]
    for seat in seats:
        seat.refresh()
    assert not any(seat.must_look() for seat in seats)
    two.membership.leave()
    board.clock.wait(threading.Event(), 5.0)
    seats[0].refresh()
    assert [seat.must_look() for seat in seats] == [False, True]
    assert one.owned() == set(range(COUNT))
