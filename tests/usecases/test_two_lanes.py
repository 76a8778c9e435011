"""A destination with a lane in Redis and one in the journal: which of them is emptied, and what holds both back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.routing import MATCH_ALL, Route
from ninja_daemon.core.messages.send_policy import QuietHours, Reason, SendPolicy
from ninja_daemon.usecases.delivery.lane_worker import LaneStep, LaneWorker
from ninja_daemon.usecases.delivery.two_lanes import TwoLanes
from tests.fakes.bench import Bench, LocalGround, RedisGround
from tests.fakes.channel import FakeChannel
from tests.fakes.messages import a_signal

DELIVERED = LaneStep(worked=True)
EMPTY = LaneStep(worked=False, state="empty")


@dataclass
class Lane:
    """Says how a lane stands, and counts who asks."""

    answer: LaneStep | None = field(default=EMPTY)
    looks: int = 0
    is_probe_due: bool = False

    def step(self) -> LaneStep:
        self.looks += 1
        if self.answer is None:
            message = "Redis is away"
            raise StoreUnavailable(message)
        return self.answer


def bound(lane: Lane, journal: Lane) -> TwoLanes:
    return TwoLanes(cast("LaneWorker", lane), cast("LaneWorker", journal))


@pytest.mark.parametrize("reason", [Reason.QUIET, Reason.DELAY])
def test_while_the_journal_waits_on_purpose_the_lane_in_redis_is_looked_at_too(reason: Reason) -> None:
    held = LaneStep(worked=False, wait=0.3, state="waiting", reason=reason)
    in_redis, journal = Lane(DELIVERED), Lane(held)
    both = bound(in_redis, journal)
    assert both.step().worked
    in_redis.answer = LaneStep(worked=False, wait=0.9, state="waiting", reason=reason)
    assert both.step() == held
    in_redis.answer = EMPTY
    assert both.step() == held, "it waits, it is not empty"


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.QUIET, Reason.DELAY}))
def test_while_the_journal_waits_for_anything_else_nothing_is_taken_from_redis(reason: Reason) -> None:
    in_redis, journal = Lane(DELIVERED), Lane(LaneStep(worked=False, state="waiting", reason=reason))
    assert not bound(in_redis, journal).step().worked
    assert not in_redis.looks


@pytest.mark.parametrize("state", ["paused", "suspended"])
def test_while_redis_answers_what_holds_its_lane_holds_the_journals_too(state: str) -> None:
    lane, journal = Lane(LaneStep(worked=False, state=state)), Lane()
    both = bound(lane, journal)
    both.step()
    journal.answer = DELIVERED
    assert both.step().state == state
    lane.answer = EMPTY
    both.step()
    assert both.step() == DELIVERED


def test_a_pause_seen_before_redis_went_away_is_left_to_the_journals_own() -> None:
    in_redis, journal = Lane(LaneStep(worked=False, state="paused")), Lane()
    both = bound(in_redis, journal)
    both.step()
    in_redis.answer, journal.answer = None, LaneStep(worked=False, state="paused")
    assert both.aside().state == "paused"
    journal.answer = DELIVERED
    assert both.aside() == DELIVERED


def test_a_refusal_seen_before_redis_went_away_holds_the_journal_back() -> None:
    in_redis, journal = Lane(LaneStep(worked=False, state="suspended")), Lane()
    both = bound(in_redis, journal)
    both.step()
    in_redis.answer, journal.answer = None, DELIVERED
    looks = journal.looks
    assert both.aside().state == "suspended"
    assert journal.looks == looks


def test_a_refusal_seen_before_redis_went_away_is_tried_again_from_the_journal() -> None:
    in_redis, journal = Lane(LaneStep(worked=False, state="suspended")), Lane()
    both = bound(in_redis, journal)
    both.step()
    in_redis.answer, journal.answer, in_redis.is_probe_due = None, DELIVERED, True
    assert both.aside() == DELIVERED
    in_redis.is_probe_due = False
    assert both.aside() == DELIVERED, "the destination has accepted something since"


def quiet_for(seconds: float) -> QuietHours:
    until = time.time() + seconds

    class Quiet(QuietHours):
        def over_at(self, now: float) -> float | None:
            return until if now < until else None

    return Quiet(0, 1, "UTC")


def test_quiet_hours_over_both_lanes_let_no_message_grow_too_old(redis_url: str, tmp_path: Path) -> None:
    policy = SendPolicy(quiet=quiet_for(1.0), max_age=600.0)
    desk, channel = Destination("desk", "fake", policy=policy), FakeChannel()
    delivery = Delivery((desk,), (Route(MATCH_ALL, ("desk",)),), ("desk",))
    client = connect(redis_url, name="test")
    local_ground = LocalGround(tmp_path / "journal.sqlite3")
    aside = Bench(local_ground)
    main = Bench(RedisGround(client), aside.ledger)
    # The first one crossed while Redis was away, and was listed when it was back.
    aside.lists(a_signal(1))
    main.lists(a_signal(1), a_signal(2), a_signal(3))
    for bench in (aside, main):
        bench.drains(delivery)
        bench.grow_old()
    both = TwoLanes(main.worker(channel, desk), aside.worker(channel, desk))
    deadline = time.monotonic() + 15
    while len(channel.ids) < 3 and time.monotonic() < deadline:
        step = both.step()
        time.sleep(0.0 if step.worked else min(step.wait, 0.05))
    assert channel.ids == [a_signal(number).id for number in (1, 2, 3)]
    assert not main.ground.dead()
    assert not aside.ground.dead()
    local_ground.file.close()
    client.close()
