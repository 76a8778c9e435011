"""Signals that grow old in their lane, because somebody asked for it: they are late when they come out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ninja_daemon.core.lanes import lane_orders
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.lateness import Lateness
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import LatePolicy, QuietHours, SendPolicy
from tests.fakes.clock import FakeClock
from tests.fakes.lane_scene import DESK, Scene, in_turn

HOUR = 3_600
EVENING = 1_700_085_540.0
"""2023-11-15, 21:59:00 UTC."""
NIGHT = QuietHours(22 * 60, 6 * 60, "UTC")


def scene_of(signal_age: int | None = None, **policy: Any) -> Scene:
    """Make a desk with the given policy; a signal of M15 has closed at 21:59."""
    destination: Destination = replace(DESK, policy=SendPolicy(**policy))
    allowed = {} if signal_age is None else {"EUR_USD_H4": signal_age}
    return Scene(destination=destination, lateness=Lateness(allowed), clock=FakeClock(EVENING))


def put(scene: Scene, count: int = 1) -> None:
    close = int(scene.clock.now())
    scene.put(count, timeframe="M15", time=close - 900, close_time=close)


def bundles(scene: Scene) -> list[Bundle]:
    return scene.channels[0].bundles


def lates(scene: Scene) -> list[bool]:
    return [signal.late for bundle in bundles(scene) for signal in bundle.signals]


def test_what_waited_through_quiet_hours_is_marked_with_how_late() -> None:
    scene = scene_of(quiet=NIGHT)
    scene.clock.time += 120
    put(scene)
    scene.pass_time(9 * HOUR, step=30.0)
    (bundle,) = bundles(scene)
    assert lates(scene) == [True]
    assert bundle.sent_at - bundle.signals[0].close_time == pytest.approx(8 * HOUR - 60, abs=31)
    assert bundle.entries[0].text.count('"late":false') == 1, "the text stays as it stood in the list"


@pytest.mark.parametrize(("late", "posts"), [(LatePolicy.DROP, 0), (LatePolicy.DIGEST, 1), (LatePolicy.SEND, 3)])
def test_what_waited_through_quiet_hours_is_treated_as_late_says(late: LatePolicy, posts: int) -> None:
    scene = scene_of(quiet=NIGHT, late=late)
    scene.clock.time += 120
    put(scene, 3)
    scene.pass_time(9 * HOUR, step=30.0)
    assert len(bundles(scene)) == posts
    assert scene.waiting() == 0
    assert [bundle.digest for bundle in bundles(scene)] == [late is LatePolicy.DIGEST] * posts
    assert scene.store.counters["late:desk"] == (3 if late is LatePolicy.DROP else 0)


def test_what_a_pause_held_back_is_late() -> None:
    scene = scene_of()
    put(scene)
    pause = lane_orders.pause(scene.store.look(LaneQuery("desk")).record, scene.store.now, HOUR)
    scene.store.write(LaneQuery("desk"), pause)
    scene.pass_time(HOUR + 10, step=5.0)
    assert lates(scene) == [True]


def test_a_delay_longer_than_a_signal_may_be_old_makes_it_late() -> None:
    assert delayed(600.0) == [False]
    assert delayed(1_200.0) == [True]


def delayed(seconds: float) -> list[bool]:
    scene = scene_of(delay=seconds)
    put(scene)
    scene.pass_time(seconds + 5, step=5.0)
    return lates(scene)


def test_the_age_that_a_strategy_allows_counts() -> None:
    scene = scene_of(signal_age=2 * HOUR, delay=1_200.0)
    put(scene)
    scene.pass_time(1_300, step=5.0)
    assert lates(scene) == [False]


def test_a_suspension_makes_late_and_nothing_too_old() -> None:
    scene = scene_of(late=LatePolicy.SEND, max_age=60.0)
    scene.answer = in_turn(*[Failure(Fault.BROKEN, "gone", 404)] * 3, Sent())
    put(scene)
    scene.pass_time(2 * HOUR, step=5.0)
    assert lates(scene)[-1] is True
    assert not scene.store.dead


def test_a_signal_that_did_not_wait_is_as_late_as_the_daemon_said() -> None:
    """Whether it came late to the list the daemon has said; only the wait in the lane is added to that."""
    scene = scene_of()
    scene.put(1)
    scene.work()
    assert lates(scene) == [False]
