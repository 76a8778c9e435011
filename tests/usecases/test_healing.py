"""A destination in trouble: what suspends it, how it is tried again, what the operator hears and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ninja_daemon.core.lanes import lane_orders
from ninja_daemon.core.lanes.depths import LaneContents, Survey, depths
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord
from ninja_daemon.core.messages.destination import Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Severity
from ninja_daemon.core.messages.send_policy import SendPolicy
from tests.fakes.lane_scene import DESK, Scene, in_turn
from tests.fakes.messages import an_entry

MINUTE, HOUR = 60.0, 3_600.0
REFUSED = Failure(Fault.REFUSED, "HTTP 400: something is wrong", 400)
BLAMED = replace(REFUSED, text="HTTP 400: Invalid Form Body", blames_message=True)
GONE = Failure(Fault.BROKEN, "HTTP 404: Unknown Webhook", 404)
LOCKED = Failure(Fault.BROKEN, "HTTP 401: Unauthorized", 401)
TOO_MANY = Failure(Fault.THROTTLED, "HTTP 429: error code: 1015", 429, is_overload=True)
OVERLOADED = Failure(Fault.AMBIGUOUS, "HTTP 503", 503, is_overload=True)


# --- whose fault a refusal is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("refusal", "posts"), [(REFUSED, 2), (BLAMED, 2), (GONE, 1)])
def test_a_destination_that_never_accepted_anything_keeps_its_messages(refusal: Failure, posts: int) -> None:
    scene = Scene(lambda: refusal)
    scene.put(3)
    assert scene.work().state == "suspended"
    assert (len(scene.posts), scene.waiting(), scene.store.dead) == (posts, 3, [])
    (alert,) = scene.alerts
    assert (alert.topic, alert.severity, alert.about) == ("lane_suspended", Severity.ERROR, "desk")
    assert refusal.text in alert.text
    assert "queue resume desk" in alert.text


@pytest.mark.parametrize("refusal", [REFUSED, BLAMED])
def test_a_first_message_that_is_itself_wrong_is_known_by_the_next_one(refusal: Failure) -> None:
    scene = Scene(in_turn(refusal))
    scene.put(3)
    assert scene.work().state == "empty"
    assert [letter.id for letter in scene.store.dead] == [an_entry(1).id]
    assert [identity for _, identity in scene.posts] == [an_entry(number).id for number in (1, 2, 3)]
    assert scene.store.counters == {"dead:desk": 1, "delivered:desk": 2, "failures:desk": 1}


def test_a_wrong_message_that_stood_alone_is_known_by_the_one_that_comes_after() -> None:
    bad = an_entry(1).id
    scene = Scene(lambda: REFUSED if scene.channels[0].bundles[-1].id == bad else Sent())
    scene.put(1)
    assert scene.work().state == "suspended"
    scene.pass_time(10)
    scene.put(2)
    scene.pass_time(MINUTE)
    assert [letter.id for letter in scene.store.dead] == [bad]
    assert (scene.waiting(), scene.topics()) == (0, ["lane_suspended", "lane_healed"])


@pytest.mark.parametrize("other", [OVERLOADED, TOO_MANY, GONE, Failure(Fault.UNREACHED, "no route")])
def test_an_answer_that_says_nothing_about_the_message_gives_none_up(other: Failure) -> None:
    scene = Scene(in_turn(REFUSED, other))
    scene.put(3)
    assert scene.work().state == "suspended"
    assert (scene.waiting(), scene.store.dead) == (3, [])


def test_one_bad_message_between_good_ones_is_a_dead_letter_of_its_own() -> None:
    scene = Scene(in_turn(Sent(), REFUSED, Sent(), REFUSED, Sent(), REFUSED, Sent()))
    scene.put(7)
    assert scene.work().state == "empty"
    assert [letter.cause for letter in scene.store.dead] == ["refused"] * 3
    assert not scene.record.suspended


def test_three_refusals_in_a_row_are_the_destinations_fault() -> None:
    scene = Scene(in_turn(Sent(), *[REFUSED] * 4))
    scene.put(6)
    assert scene.work().state == "suspended"
    assert (scene.waiting(), len(scene.store.dead)) == (3, 2), "the third is kept, and all behind it"
    (alert,) = scene.alerts
    assert "2 messages before: ninja-daemon queue retry desk" in alert.text


def test_refusals_that_name_a_field_of_the_message_suspend_nobody() -> None:
    scene = Scene(in_turn(Sent(), *[BLAMED] * 10))
    scene.put(12)
    assert scene.work().state == "empty"
    assert len(scene.store.dead) == 10


# --- suspended lanes heal --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [GONE, LOCKED])
def test_a_suspended_lane_is_probed_after_1_5_15_minutes_and_then_hourly(failure: Failure) -> None:
    scene = Scene(lambda: failure)
    scene.put(5)
    scene.work()
    scene.pass_time(4 * HOUR, step=5.0)
    assert scene.times() == [0, 60, 360, 1_260, 4_860, 8_460, 12_060]
    assert len({identity for _, identity in scene.posts}) == 1, "always the oldest"
    assert (scene.waiting(), scene.topics()) == (5, ["lane_suspended"]), "told once"
    assert [event.name for event in scene.events].count("lane.probed") == 6


def test_an_accepted_probe_ends_the_suspension_and_says_how_long_it_lasted() -> None:
    answers: list[PostResult] = [GONE]
    scene = Scene(lambda: answers[0])
    scene.put(4)
    scene.pass_time(10 * MINUTE)
    answers[0] = Sent()
    scene.pass_time(12 * MINUTE)
    assert (scene.waiting(), scene.store.dead, scene.record.suspended) == (0, [], 0)
    assert scene.topics() == ["lane_suspended", "lane_healed"]
    assert "after 21 min" in scene.alerts[-1].text
    assert "lane.healed" in [event.name for event in scene.events]
    posted = [identity for _, identity in scene.posts][-4:]
    assert posted == [an_entry(number).id for number in (1, 2, 3, 4)], "in order"


def test_what_waits_in_a_suspended_lane_does_not_grow_too_old() -> None:
    answers: list[PostResult] = [GONE]
    scene = Scene(lambda: answers[0], replace(DESK, policy=SendPolicy(max_age=120.0)))
    scene.put(2)
    scene.pass_time(2 * HOUR, step=10.0)
    answers[0] = Sent()
    scene.pass_time(HOUR, step=10.0)
    assert (scene.waiting(), scene.store.dead) == (0, [])


def test_a_probe_is_one_message_also_where_several_go_as_one() -> None:
    answers: list[PostResult] = [GONE]
    scene = Scene(lambda: answers[0], replace(DESK, policy=SendPolicy(group=True, group_wait=0.0)))
    scene.put(3)
    scene.work()
    answers[0] = Sent()
    scene.pass_time(2 * MINUTE)
    assert scene.waiting() == 0
    assert [identity for _, identity in scene.posts][1:] == [an_entry(1).id, an_entry(2).id]


@pytest.mark.parametrize("failure", [OVERLOADED, TOO_MANY, Failure(Fault.UNREACHED, "no route")])
def test_a_probe_that_fails_otherwise_keeps_the_lane_suspended_at_the_same_pace(failure: Failure) -> None:
    scene = Scene(in_turn(GONE, failure))
    scene.put(1)
    scene.work()
    scene.pass_time(7 * MINUTE)
    assert scene.times() == [0, 60, 360]
    assert scene.topics() == ["lane_suspended", "lane_healed"]


def test_a_probe_waits_as_long_as_the_service_asks() -> None:
    scene = Scene(in_turn(GONE, Failure(Fault.THROTTLED, "HTTP 429", 429, wait=1_000.0)))
    scene.put(1)
    scene.work()
    scene.pass_time(20 * MINUTE)
    assert scene.times() == [0, 60, 1_060]


def test_what_a_person_has_paused_is_not_probed() -> None:
    scene = Scene(lambda: GONE)
    scene.put(1)
    scene.work()
    scene.store.write(LaneQuery("desk"), lane_orders.pause(scene.record, scene.store.now, None))
    scene.pass_time(3 * HOUR, step=30.0)
    assert len(scene.posts) == 1
    assert shown(scene) == ("suspended", None)


def test_a_person_who_resumes_is_obeyed_at_once() -> None:
    scene = Scene(in_turn(GONE))
    scene.put(2)
    scene.work()
    resumed = lane_orders.resume(scene.record, scene.store.now)
    assert resumed is not None
    scene.store.write(LaneQuery("desk"), resumed)
    assert scene.work().state == "empty"
    assert scene.topics() == ["lane_suspended"], "who resumed it knows"


def test_a_lane_that_an_earlier_version_suspended_heals_too() -> None:
    scene = Scene()
    scene.put(2)
    since = scene.store.now - 5 * 3_600_000
    scene.store.records["desk"] = LaneRecord(version=3, token=2, suspended=since, suspended_for="gone", due=since)
    assert scene.work().state == "empty"
    assert scene.topics() == ["lane_healed"]
    assert "after 5 h" in scene.alerts[0].text


def test_the_queue_says_when_the_next_probe_is() -> None:
    scene = Scene(lambda: GONE)
    scene.put(1)
    scene.work()
    assert shown(scene) == ("suspended", 60.0)


def shown(scene: Scene) -> tuple[str, float | None]:
    lane = LaneContents(scene.waiting(), scene.record, None)
    (depth,) = depths(Survey(scene.store.now, 0, 0, {}, (), {"desk": lane})).lanes
    return depth.state, depth.due_in


# --- too many posts, and no time named -------------------------------------------------------------------------------


def test_without_a_time_the_pace_grows_and_is_told_at_the_third() -> None:
    answers: list[PostResult] = [TOO_MANY]
    scene = Scene(lambda: answers[0], replace(DESK, policy=SendPolicy(max_age=1e9)))
    scene.put(1)
    scene.pass_time(1_300)
    assert scene.times() == [1, 6, 16, 36, 76, 156, 316, 616, 916, 1_216]
    assert scene.topics() == ["lane_throttled"]
    assert scene.alerts[0].severity is Severity.WARNING
    levels = [event.level for event in scene.events if event.name == "delivery.throttled"]
    assert levels == ["info", "info", *["warning"] * 8]
    assert scene.record.attempts == 0
    answers[0] = Sent()
    scene.pass_time(300)
    assert scene.topics() == ["lane_throttled", "lane_healed"]
    assert "25 min" in scene.alerts[1].text
    assert scene.record.throttles == 0


def test_without_a_time_every_lane_of_the_provider_waits() -> None:
    scene = Scene(in_turn(TOO_MANY))
    other = scene.another(replace(DESK, name="other"))
    scene.put(1)
    scene.put(1, "other")
    scene.work()
    scene.clock.time += 4.0
    assert scene.work(other).state == "waiting"
    scene.clock.time += 2.0
    assert scene.work(other).state == "empty"


def test_a_wait_that_is_named_is_obeyed_and_tells_nobody() -> None:
    scene = Scene(in_turn(*[Failure(Fault.THROTTLED, "HTTP 429", 429, wait=2.0)] * 5))
    scene.put(1)
    scene.pass_time(20)
    assert scene.times() == [1, 3, 5, 7, 9, 11]
    assert not scene.alerts


@pytest.mark.parametrize("asked", [0.0, None])
def test_a_wait_of_nothing_is_no_wait_that_was_named(asked: float | None) -> None:
    scene = Scene(lambda: Failure(Fault.THROTTLED, "HTTP 429", 429, wait=asked))
    scene.put(1)
    scene.pass_time(20)
    assert scene.times() == [1, 6, 16]


def test_an_overload_without_a_time_has_that_pace_from_the_third_on() -> None:
    scene = Scene(lambda: OVERLOADED, replace(DESK, policy=SendPolicy(max_age=1e9)))
    scene.put(1)
    scene.pass_time(100)
    # Twice at the pace of retries (here half a second), then 5 s, 10 s, 20 s, …
    assert scene.times() == [1, 2, 3, 8, 18, 38, 78]
    assert scene.topics() == ["lane_throttled"]
    assert scene.record.attempts == 7


# --- dead letters are told -------------------------------------------------------------------------------------------


def test_dead_letters_are_told_in_one_alert_with_count_reason_and_command() -> None:
    scene = Scene(in_turn(Sent(), *[BLAMED] * 4))
    scene.put(6)
    scene.pass_time(59)
    assert not scene.alerts
    scene.pass_time(5)
    (alert,) = scene.alerts
    assert (alert.topic, alert.severity, alert.about) == ("dead_letters", Severity.ERROR, "desk")
    assert "4 messages for desk" in alert.text
    assert BLAMED.text in alert.text
    assert "queue retry desk" in alert.text


def test_dead_letters_of_an_hour_are_one_alert_and_none_is_forgotten() -> None:
    scene = Scene(in_turn(Sent(), *[BLAMED] * 100))
    scene.put(1)
    for _ in range(20):
        scene.pass_time(5 * MINUTE, step=10.0)
        scene.put(1)
    scene.pass_time(2 * HOUR, step=10.0)
    counts = [int(alert.text.split()[0]) for alert in scene.alerts]
    assert sum(counts) == len(scene.store.dead) == 20
    assert len(counts) <= 3
    assert counts[0] == 1


@pytest.mark.parametrize("cause", ["expired", "unreadable"])
def test_dead_letters_of_every_kind_are_told(cause: str) -> None:
    scene = Scene(destination=replace(DESK, policy=SendPolicy(max_age=10.0)))
    scene.put(1)
    if cause == "unreadable":
        scene.store.messages["desk"][0] = replace(scene.store.messages["desk"][0], unreadable="not JSON")
    else:
        scene.clock.time += 100.0
    scene.pass_time(2 * MINUTE)
    assert [letter.cause for letter in scene.store.dead] == [cause]
    assert scene.topics() == ["dead_letters"]


# --- ids -------------------------------------------------------------------------------------------------------------


def test_alerts_of_two_troubles_differ_although_the_store_was_lost_between_them() -> None:
    """The ledger of sent messages drops an id that it knows: a counter that begins anew would hide the second one."""
    first, second = Scene(lambda: GONE), Scene(lambda: GONE)
    second.clock.time += 3_600.0
    for scene in (first, second):
        scene.put(1)
        scene.work()
    ids = {scene.alerts[0].id for scene in (first, second)}
    assert len(ids) == 2


def test_two_long_names_that_begin_alike_have_alerts_of_their_own() -> None:
    names = ["a" * 40 + "1", "a" * 40 + "2"]
    ids = set()
    for name in names:
        scene = Scene(lambda: GONE, replace(DESK, name=name))
        scene.put(1, name)
        scene.work()
        ids.add(scene.alerts[0].id)
    assert len(ids) == 2
    assert all(len(identity) <= 64 for identity in ids)
