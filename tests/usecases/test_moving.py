"""What is left of a destination goes to another one: in order, once, and again without harm; in both queues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.moving import MOVE_MOST
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.messages.destination import Delivery, Destination, Failure, Fault
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Route, Silence
from tests.fakes.bench import DESK, Bench
from tests.fakes.channel import FakeChannel
from tests.fakes.messages import a_signal

PHONE = replace(DESK, name="phone")
OUTAGE = Failure(Fault.UNREACHED, "no answer")


def to(*names: str) -> Delivery:
    return Delivery((DESK, PHONE), (Route(MATCH_ALL, names),), ())


def ids(*numbers: int) -> list[str]:
    return [a_signal(number).id for number in numbers]


def sent_by(bench: Bench, destination: Destination) -> list[str]:
    channel = FakeChannel()
    bench.works(bench.worker(channel, destination))
    return channel.ids


def test_what_waits_arrives_at_the_other_destination_in_order(bench: Bench) -> None:
    bench.lists(*(a_signal(number) for number in range(1, 6)))
    bench.drains(to("desk"))
    assert bench.queue.move("desk", "phone") == (5, 0)
    bench.lists(a_signal(6))
    bench.drains(to("phone"))
    assert sent_by(bench, PHONE) == ids(1, 2, 3, 4, 5, 6)
    assert sent_by(bench, DESK) == []


def test_moving_again_moves_nothing(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk"))
    assert bench.queue.move("desk", "phone") == (1, 0)
    assert bench.queue.move("desk", "phone") == (0, 0)
    assert sent_by(bench, PHONE) == ids(1)


def test_more_than_one_step_of_messages_keeps_its_order(bench: Bench) -> None:
    count = MOVE_MOST + 3
    for first in range(1, count + 1, 50):
        bench.lists(*(a_signal(number) for number in range(first, min(first + 50, count + 1))))
        bench.drains(to("desk"))
    assert bench.queue.move("desk", "phone") == (count, 0)
    assert sent_by(bench, PHONE) == ids(*range(1, count + 1))


def test_what_the_other_destination_has_or_waits_for_is_not_sent_twice(bench: Bench) -> None:
    bench.lists(a_signal(1), a_signal(2), a_signal(3))
    bench.drains(to("desk", "phone"))
    channel = FakeChannel()
    worker = bench.worker(channel, PHONE)
    worker.step()
    assert channel.ids == ids(1)
    bench.queue.move("desk", "phone")
    bench.works(worker)
    assert channel.ids == ids(1, 2, 3)


def test_dead_letters_become_those_of_the_other_destination(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk"))
    bench.has_accepted()
    bench.works(bench.worker(FakeChannel(Failure(Fault.REFUSED, "no"))))
    assert bench.queue.move("desk", "phone") == (0, 1)
    (letter,) = bench.queue.dead_letters("phone")
    assert bench.queue.retry(letter)
    assert sent_by(bench, PHONE) == ids(1)


def test_a_lane_that_is_being_sent_to_is_left_alone(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk"))
    bench.ground.lanes.take(LaneQuery("desk", provider="fake"), 20.0)
    with pytest.raises(StoreUnavailable, match="queue pause desk"):
        bench.queue.move("desk", "phone")
    assert bench.waiting() == 1


def test_the_wait_of_a_head_that_failed_does_not_go_with_it(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk"))
    slow = replace(DESK, policy=replace(DESK.policy, retry=replace(DESK.policy.retry, base=600.0)))
    bench.worker(FakeChannel(OUTAGE), slow).step()
    bench.queue.move("desk", "phone")
    assert sent_by(bench, PHONE) == ids(1)
    (desk,) = (lane for lane in bench.queue.depths().lanes if lane.destination == "desk")
    assert (desk.state, desk.attempts, desk.error) == ("idle", 0, "")


def test_each_silence_counts_the_signals_that_it_keeps_from_somebody(bench: Bench) -> None:
    only_desk = Silence("one", MATCH_ALL, 1e10, ("desk",))
    nobody = Silence("two", Match(instrument=("GBP_*",)), 1e10)
    bench.lists(a_signal(1), a_signal(2))
    bench.drains(to("desk", "phone"), only_desk, nobody)
    depths = bench.queue.depths()
    assert [depths.hushed_by(one) for one in (only_desk, nobody)] == [2, 0]
    assert depths.hushed_by(replace(only_desk, until=2e10)) == 0
