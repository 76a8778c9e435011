"""From the list to the destinations, on a real server and on the journal: routing, lanes, what failures lead to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.queue import decode_dead
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.messages.destination import Delivery, Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Route, Silence
from ninja_daemon.core.messages.send_policy import LatePolicy, Rate, Reason, SendPolicy
from ninja_daemon.core.messages.timed_report import TimedReport
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.delivery.delivery_ports import LaneStore, Written
from ninja_daemon.usecases.delivery.drain import drain
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from tests.fakes.bench import DESK, Bench, RedisGround
from tests.fakes.channel import FakeChannel
from tests.fakes.messages import a_notice, a_signal


def to(*names: str, **changes: Any) -> Delivery:
    destinations = tuple(Destination(name, "fake") for name in ("desk", "other", "ops", "console"))
    return replace(Delivery(destinations, (Route(MATCH_ALL, names),), ("ops",)), **changes)


# --- from the list to the lanes --------------------------------------------------------------------------------------


def test_every_signal_goes_to_each_of_its_destinations_in_order(bench: Bench) -> None:
    bench.lists(*(a_signal(number) for number in range(5)))
    result = bench.drains(to("desk", "other"))
    assert (result.moved, result.lanes) == (5, frozenset({"desk", "other"}))
    for name in ("desk", "other"):
        channel = FakeChannel()
        bench.works(bench.worker(channel, Destination(name, "fake", policy=DESK.policy)))
        assert channel.ids == [a_signal(number).id for number in range(5)]
    assert not bench.listed()


def test_the_text_arrives_to_the_byte(bench: Bench) -> None:
    text = encode_signal(a_signal()).replace('"close":1.09259', '"close": 1.092590')
    bench.lists(text)
    bench.drains(to("desk"))
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert channel.bundles[0].entries[0].text == text


@pytest.mark.parametrize(
    "junk",
    ["not json", "[1]", '{"id":5}', "", "null", '{"schema":2}', "\udcff\udcfe", "x" * 100_000, "[" * 5_000],
)
def test_an_entry_that_cannot_be_read_is_kept_with_its_reason_and_the_rest_goes_on(bench: Bench, junk: str) -> None:
    bench.lists(a_signal(1), junk, a_signal(2))
    assert bench.drains(to("desk")).moved == 3
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert channel.ids == [a_signal(1).id, a_signal(2).id]
    (letter,) = bench.queue.dead_letters()
    assert letter.cause == "unreadable"
    assert letter.reason
    assert letter.text == (junk if len(junk) <= 8_192 else junk[:2_000])
    assert letter.cut is (len(junk) > 8_192)
    assert bench.queue.retry(letter) is not letter.cut
    if not letter.cut:
        assert bench.listed() == [junk]
    assert bench.counters()["unreadable"] == 1


def test_an_id_that_was_taken_before_is_dropped_and_counted(bench: Bench) -> None:
    bench.lists(a_signal(1), a_signal(1), a_signal(2))
    bench.drains(to("desk"))
    bench.lists(a_signal(2), a_signal(3))
    bench.drains(to("desk"))
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert channel.ids == [a_signal(1).id, a_signal(2).id, a_signal(3).id]
    assert bench.counters()["repeated"] == 2
    assert bench.names().count("signal.repeated") == 2


def test_draining_the_same_look_twice_moves_nothing_twice(bench: Bench) -> None:
    """As after a reply that was lost on its way."""
    bench.lists(a_signal(1), a_signal(2))
    inbox: Any = bench.ground.inbox()
    looks: list[Any] = []
    original = inbox.drain

    def twice(intake: Any, _: Any) -> Any:
        looks.append(original(intake))
        looks.append(original(intake))
        return looks[0]

    inbox.drain = twice
    drain(inbox, to("desk"), (), 0.0)
    assert [look.is_done for look in looks] == [True, False]
    assert bench.waiting() == 2


def test_what_no_route_takes_is_never_lost_silently(bench: Bench) -> None:
    bench.lists(a_signal(1, side=Side.BUY))
    bench.drains(to(routes=(Route(Match(side=Side.SELL), ("desk",)),)))
    (letter,) = bench.queue.dead_letters()
    assert (letter.cause, letter.destination) == ("unrouted", "")
    assert "signal.unrouted" in bench.names()
    assert bench.queue.retry(letter)
    bench.drains(to("desk"))
    assert bench.waiting() == 1


def test_a_route_to_nobody_leaves_a_signal_out_and_counts_it(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to())
    assert bench.counters() == {"unwanted": 1}
    assert not bench.queue.dead_letters()


def test_a_silence_is_counted_and_keeps_other_destinations_hearing(bench: Bench) -> None:
    bench.lists(a_signal(1))
    silence = Silence("s", MATCH_ALL, 2e9, ("desk",))
    assert bench.drains(to("desk", "other"), silence).lanes == {"other"}
    bench.lists(a_signal(2))
    bench.drains(to("desk"), silence)
    assert bench.counters()["silenced"] == 1


def test_a_silence_from_the_configuration_counts_as_well(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk", silences=(Silence("file-1", MATCH_ALL, 2e9),)))
    assert bench.waiting() == 0


def test_alerts_go_to_their_own_destinations_and_the_report_to_its(bench: Bench) -> None:
    bench.alarms(encode_notice(a_notice()))
    bench.alarms(encode_notice(a_notice(id="h", topic="heartbeat")))
    bench.alarms(encode_notice(a_notice(id="x", about="ops")))
    bench.drains(to("desk", daily=TimedReport(0, "UTC", ("other",))), kind=Kind.ALERT)
    lanes = {name: bench.waiting(name) for name in ("desk", "other", "ops", "console")}
    assert lanes == {"desk": 0, "other": 1, "ops": 1, "console": 1}


def test_junk_among_the_alerts_is_kept_as_well(bench: Bench) -> None:
    bench.alarms("junk")
    bench.drains(to("desk"), kind=Kind.ALERT)
    assert [letter.kind for letter in bench.queue.dead_letters()] == ["alert"]


@pytest.mark.parametrize("key", ["signals", "dead", "seen", "sequence", "counters", "lanes"])
def test_a_key_of_the_wrong_type_stops_the_drain_before_anything_is_written(
    redis_ground: RedisGround, key: str
) -> None:
    bench, client = Bench(redis_ground), redis_ground.client
    name = getattr(redis_ground.keys, key)
    if key != "signals":
        bench.lists(a_signal(1), "junk")
    wrong = "list" if key == "sequence" else "string"
    if wrong == "list":
        client.rpush(name, "x")
    else:
        client.set(name, "x")
    before = {str(one): client.dump(one) for one in client.keys("*")}
    with pytest.raises(StoreUnavailable, match="wrong type"):
        bench.drains(to("desk"))
    assert {str(one): client.dump(one) for one in client.keys("*")} == before


# --- what each outcome leads to --------------------------------------------------------------------------------------


def one_waiting(bench: Bench, count: int = 1, **changes: Any) -> None:
    bench.lists(*(a_signal(number, **changes) for number in range(1, count + 1)))
    bench.drains(to("desk"))


def failure(fault: Fault, **changes: Any) -> Failure:
    return replace(Failure(fault, "it said no"), **changes)


def test_a_delivered_message_is_gone_and_in_the_ledger(bench: Bench) -> None:
    one_waiting(bench)
    channel = FakeChannel(Sent("m77"))
    assert bench.works(bench.worker(channel)).state == "empty"
    assert bench.ledger.sent == {("desk", a_signal(1).id): "m77"}
    assert bench.counters()["delivered:desk"] == 1
    delivered = next(event for event in bench.events if event.name == "signal.delivered")
    assert delivered.fields["message_id"] == "m77"


def test_too_many_waits_exactly_as_told_and_costs_no_attempt(bench: Bench) -> None:
    one_waiting(bench)
    channel = FakeChannel(failure(Fault.THROTTLED, wait=3.5, status=429))
    step = bench.works(bench.worker(channel))
    assert (step.state, step.reason) == ("waiting", Reason.THROTTLED)
    (lane,) = bench.queue.depths().lanes
    assert lane.due_in is not None
    assert 3.0 < lane.due_in <= 3.5
    assert lane.attempts == 0


def test_a_global_limit_holds_every_lane_of_the_provider_and_no_other(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk", "other", "ops"))
    first = FakeChannel(failure(Fault.THROTTLED, wait=30.0, everywhere=True), provider="discord")
    bench.works(bench.worker(first))
    same = FakeChannel(provider="discord")
    step = bench.works(bench.worker(same, replace(DESK, name="other")))
    assert (step.state, step.reason) == ("waiting", Reason.THROTTLED)
    assert not same.bundles
    elsewhere = FakeChannel(provider="telegram")
    bench.works(bench.worker(elsewhere, replace(DESK, name="ops")))
    assert len(elsewhere.bundles) == 1


def test_what_was_certainly_not_delivered_is_retried_and_is_no_repeat(bench: Bench) -> None:
    one_waiting(bench, 2)
    channel = FakeChannel(failure(Fault.UNREACHED), failure(Fault.UNREACHED))
    bench.works(bench.worker(channel))
    assert channel.ids == [a_signal(1).id] * 3 + [a_signal(2).id]
    assert [bundle.repeat for bundle in channel.bundles] == [False] * 4
    assert bench.counters()["failures:desk"] == 2
    assert "repeats:desk" not in bench.counters()


def test_what_may_have_arrived_is_retried_and_marked(bench: Bench) -> None:
    one_waiting(bench, 2)
    channel = FakeChannel(failure(Fault.AMBIGUOUS, status=500), failure(Fault.UNREACHED))
    bench.works(bench.worker(channel))
    assert [bundle.repeat for bundle in channel.bundles] == [False, True, True, False]
    assert bench.counters()["repeats:desk"] == 1


def test_a_retry_is_never_overtaken_and_waits_in_the_lanes_due_time(bench: Bench) -> None:
    one_waiting(bench, 3)
    bench.draw = 0.999
    channel = FakeChannel(failure(Fault.UNREACHED))
    slow = replace(DESK, policy=SendPolicy(retry=RetryPolicy(base=60.0), max_age=1e9))
    step = bench.works(bench.worker(channel, slow))
    assert (step.state, step.reason) == ("waiting", Reason.RETRY)
    assert channel.ids == [a_signal(1).id]
    (lane,) = bench.queue.depths().lanes
    assert (lane.state, lane.attempts, lane.waiting) == ("retry", 1, 3)
    assert lane.due_in is not None
    assert 55 < lane.due_in <= 60
    assert bench.queue.hurry("desk")
    bench.works(bench.worker(channel, slow))
    assert channel.ids == [a_signal(1).id, *(a_signal(number).id for number in (1, 2, 3))]


def test_a_refused_message_is_dead_at_once_with_everything_that_is_known_of_it(bench: Bench) -> None:
    one_waiting(bench, 2)
    bench.has_accepted()
    channel = FakeChannel(failure(Fault.UNREACHED), failure(Fault.REFUSED, status=400))
    bench.works(bench.worker(channel))
    assert channel.ids[-1] == a_signal(2).id
    (letter,) = bench.queue.dead_letters("desk")
    assert (letter.cause, letter.status, letter.reason, letter.attempts) == ("refused", 400, "it said no", 2)
    assert letter.id == a_signal(1).id
    assert letter.text == encode_signal(a_signal(1))
    assert 0 < letter.first <= letter.last
    assert "delivery.dead" in bench.names()


def test_a_broken_destination_is_suspended_and_an_alert_goes_elsewhere(bench: Bench) -> None:
    one_waiting(bench, 3)
    channel = FakeChannel(failure(Fault.BROKEN, status=404))
    worker = bench.worker(channel)
    assert bench.works(worker).state == "suspended"
    assert bench.works(worker).state == "suspended"
    assert len(channel.bundles) == 1
    assert bench.waiting() == 3
    assert bench.drains(to("desk", alerts=("desk", "ops")), kind=Kind.ALERT).lanes == {"ops"}
    ops = FakeChannel()
    bench.works(bench.worker(ops, replace(DESK, name="ops")))
    notice = ops.bundles[0].notice
    assert notice is not None
    assert (notice.topic, notice.about) == ("lane_suspended", "desk")
    assert "it said no" in notice.text
    assert "queue resume desk" in notice.text
    assert bench.queue.resume("desk")
    bench.works(worker)
    assert channel.ids[1:] == [a_signal(number).id for number in (1, 2, 3)]


def test_a_rotated_token_does_not_empty_the_queue_into_the_dead_letters(bench: Bench) -> None:
    one_waiting(bench, 2)
    strict = replace(DESK, policy=SendPolicy(max_age=0.2))
    channel = FakeChannel(failure(Fault.BROKEN, status=401))
    bench.works(bench.worker(channel, strict))
    bench.grow_old()
    bench.queue.resume("desk")
    bench.works(bench.worker(channel, strict))
    assert channel.ids[1:] == [a_signal(1).id, a_signal(2).id]
    assert not bench.queue.dead_letters()


def test_a_message_that_grew_too_old_is_dead_with_the_last_failure(bench: Bench) -> None:
    one_waiting(bench, 2)
    slow = replace(DESK, policy=SendPolicy(retry=RetryPolicy(base=60.0), max_age=1_800.0))
    bench.draw = 0.5
    channel = FakeChannel(failure(Fault.UNREACHED, text="no route to host"))
    bench.works(bench.worker(channel, slow))
    bench.grow_old()
    bench.ground.set_lane("desk", "due", 0)
    bench.works(bench.worker(channel, slow))
    letters = bench.queue.dead_letters("desk")
    assert [(letter.cause, letter.attempts) for letter in letters] == [("expired", 1), ("expired", 0)]
    assert "no route to host" in letters[0].reason
    assert bench.names().count("delivery.dead") == 2


def test_a_message_that_this_machine_has_sent_already_is_not_sent_again(bench: Bench) -> None:
    """As after Redis was set back to an older state."""
    one_waiting(bench, 3)
    bench.ledger.sent = {("desk", a_signal(1).id): "m", ("desk", a_signal(3).id): "m"}
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert channel.ids == [a_signal(2).id]
    assert bench.counters()["known:desk"] == 2


def test_what_has_arrived_is_no_dead_letter_however_old_it_is(bench: Bench) -> None:
    """As after an hour-old copy of Redis was restored: its lanes hold what was sent since."""
    one_waiting(bench, 4)
    bench.ledger.sent = {("desk", a_signal(1).id): "m", ("desk", a_signal(3).id): "m"}
    bench.ledger.sending = {("desk", a_signal(4).id)}
    bench.grow_old()
    channel = FakeChannel()
    bench.works(bench.worker(channel, replace(DESK, policy=SendPolicy(max_age=1_800.0))))
    assert not channel.bundles
    assert [letter.id for letter in bench.queue.dead_letters("desk")] == [a_signal(2).id, a_signal(4).id]
    assert bench.counters()["known:desk"] == 2
    assert bench.ledger.sending == {("desk", a_signal(4).id)}, "a retry of it must be marked"


def test_what_grew_too_old_while_another_process_sends_it_is_waited_for(bench: Bench) -> None:
    one_waiting(bench)
    bench.ledger.elsewhere = {("desk", a_signal(1).id)}
    bench.grow_old()
    worker = bench.worker(FakeChannel(), replace(DESK, policy=SendPolicy(max_age=1_800.0)))
    step = worker.step()
    assert (step.worked, step.state, bench.queue.dead_letters("desk")) == (False, "leased", [])


def test_what_another_process_sends_at_this_moment_is_waited_for(bench: Bench) -> None:
    """As when a message is in Redis and in the journal at once, and each has a worker."""
    one_waiting(bench, 2)
    bench.ledger.elsewhere = {("desk", a_signal(1).id)}
    channel = FakeChannel()
    worker = bench.worker(channel)
    step = worker.step()
    assert (step.worked, step.state, channel.ids) == (False, "leased", [])
    bench.ledger.elsewhere.clear()
    bench.ledger.sent = {("desk", a_signal(1).id): "m"}
    bench.works(worker)
    assert channel.ids == [a_signal(2).id]
    assert not channel.bundles[0].repeat


def test_what_somebody_began_and_did_not_end_is_marked(bench: Bench) -> None:
    one_waiting(bench, 2)
    bench.ledger.sending = {("desk", a_signal(1).id)}
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert [bundle.repeat for bundle in channel.bundles] == [True, False]
    assert not bench.ledger.sending


@pytest.mark.parametrize("fault", list(Fault))
def test_after_a_failure_it_is_remembered_whether_it_may_have_arrived(bench: Bench, fault: Fault) -> None:
    one_waiting(bench)
    bench.worker(FakeChannel(Failure(fault, "no"))).step()
    assert bool(bench.ledger.sending) == (fault is Fault.AMBIGUOUS)


@pytest.mark.parametrize("fault", [Fault.UNREACHED, Fault.THROTTLED])
def test_a_failure_that_is_certain_does_not_forget_an_earlier_one_that_was_not(bench: Bench, fault: Fault) -> None:
    one_waiting(bench)
    channel = FakeChannel(Failure(Fault.AMBIGUOUS, "no"), Failure(fault, "no", wait=0.0))
    worker = bench.worker(channel)
    worker.step()
    bench.ground.set_lane("desk", "due", 0)
    worker.step()
    assert [bundle.repeat for bundle in channel.bundles] == [False, True]
    assert bench.ledger.sending == {("desk", a_signal(1).id)}


def test_a_ledger_that_cannot_be_used_is_said_and_stops_nothing(bench: Bench) -> None:
    one_waiting(bench)
    bench.ledger.failure = JournalUnavailable("disk full")
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert len(channel.bundles) == 1
    assert "ledger.unavailable" in bench.names()


def test_the_services_own_pause_and_the_rate_are_kept(bench: Bench) -> None:
    one_waiting(bench, 3)
    channel = FakeChannel(Sent(pause=30.0))
    step = bench.works(bench.worker(channel))
    assert (step.reason, len(channel.bundles)) == (Reason.RATE, 1)
    bench.queue.hurry("desk")
    polite = replace(DESK, policy=replace(DESK.policy, rate=Rate(1, 3_600.0)))
    step = bench.works(bench.worker(channel, polite))
    assert (step.reason, len(channel.bundles)) == (Reason.RATE, 2)


def test_a_rate_allows_its_burst_and_then_waits(bench: Bench) -> None:
    one_waiting(bench, 5)
    channel = FakeChannel()
    polite = replace(DESK, policy=replace(DESK.policy, rate=Rate(3, 3_600.0)))
    assert bench.works(bench.worker(channel, polite)).reason is Reason.RATE
    assert len(channel.bundles) == 3


def test_a_group_is_one_parcel_and_one_acknowledgement(bench: Bench) -> None:
    one_waiting(bench, 4)
    grouping = replace(DESK, policy=replace(DESK.policy, group=True, group_wait=0.0))
    channel = FakeChannel()
    bench.works(bench.worker(channel, grouping))
    assert [len(bundle.entries) for bundle in channel.bundles] == [4]
    assert channel.bundles[0].grouped
    assert bench.counters()["delivered:desk"] == 4


def test_one_bad_message_does_not_take_its_group_with_it(bench: Bench) -> None:
    one_waiting(bench, 3)
    grouping = replace(DESK, policy=replace(DESK.policy, group=True, group_wait=0.0))
    refused = failure(Fault.REFUSED, status=400)
    channel = FakeChannel(refused, Sent(), refused, Sent())
    bench.works(bench.worker(channel, grouping))
    assert [len(bundle.entries) for bundle in channel.bundles] == [3, 1, 1, 1]
    assert [letter.id for letter in bench.queue.dead_letters("desk")] == [a_signal(2).id]


def test_after_an_outage_late_signals_are_one_digest(bench: Bench) -> None:
    bench.lists(*(a_signal(number, late=True) for number in range(1, 41)), a_signal(99))
    bench.drains(to("desk"))
    bench.grow_old(seconds=10)
    gathering = replace(DESK, policy=replace(DESK.policy, late=LatePolicy.DIGEST))
    channel = FakeChannel()
    bench.works(bench.worker(channel, gathering))
    assert [(len(bundle.entries), bundle.digest) for bundle in channel.bundles] == [(30, True), (10, True), (1, False)]


def test_late_signals_that_are_not_wanted_are_counted(bench: Bench) -> None:
    bench.lists(a_signal(1, late=True), a_signal(2))
    bench.drains(to("desk"))
    dropping = replace(DESK, policy=replace(DESK.policy, late=LatePolicy.DROP))
    channel = FakeChannel()
    bench.works(bench.worker(channel, dropping))
    assert channel.ids == [a_signal(2).id]
    assert bench.counters()["late:desk"] == 1


# --- a free tier -----------------------------------------------------------------------------------------------------


def test_a_free_tier_never_overtakes_the_premium_one(bench: Bench) -> None:
    bench.lists(a_signal(1), a_signal(2))
    bench.drains(to("desk", "other"))
    heard: list[str] = []
    premium, free = FakeChannel(failure(Fault.UNREACHED)), FakeChannel()
    premium.before = lambda bundle: heard.append(f"premium {bundle.id}")
    free.before = lambda bundle: heard.append(f"free {bundle.id}")
    slow = replace(DESK, policy=replace(DESK.policy, retry=RetryPolicy(base=60.0)))
    behind = Destination("other", "fake", policy=replace(DESK.policy, after="desk"))
    bench.draw = 0.9
    first, second = bench.worker(premium, slow), bench.worker(free, behind)
    bench.works(first)
    assert bench.works(second).reason is Reason.BEHIND
    assert not free.bundles
    bench.queue.hurry("desk")
    first.step()
    bench.works(second)
    assert free.ids == [a_signal(1).id]
    bench.works(first)
    bench.works(second)
    assert free.ids == [a_signal(1).id, a_signal(2).id]
    assert heard[-1] == f"free {a_signal(2).id}"


def test_messages_do_not_grow_too_old_behind_a_premium_lane_that_is_held_up(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("desk", "other"))
    free = FakeChannel()
    worker = bench.worker(free, Destination("other", "fake", policy=SendPolicy(max_age=60.0, after="desk")))
    bench.grow_old("other")
    assert bench.works(worker).reason is Reason.BEHIND
    bench.works(bench.worker(FakeChannel()))
    bench.works(worker)
    assert free.ids == [a_signal(1).id]


def test_a_pause_that_ends_by_itself_makes_no_message_too_old(bench: Bench) -> None:
    one_waiting(bench)
    strict = replace(DESK, policy=SendPolicy(max_age=60.0))
    channel = FakeChannel()
    worker = bench.worker(channel, strict)
    bench.queue.pause("desk", 3_600.0)
    assert bench.works(worker).state == "paused"
    bench.grow_old()
    bench.end_pause("desk")
    until(lambda: bench.works(worker).state == "empty")
    assert channel.ids == [a_signal(1).id]


def test_a_free_tier_hears_what_the_premium_one_is_not_sent(bench: Bench) -> None:
    bench.lists(a_signal(1))
    bench.drains(to("other"))
    bench.lists(a_signal(2))
    bench.drains(to("desk", "other"))
    free = FakeChannel()
    behind = Destination("other", "fake", policy=replace(DESK.policy, after="desk"))
    assert bench.works(bench.worker(free, behind)).reason is Reason.BEHIND
    assert free.ids == [a_signal(1).id]


# --- two workers, lost replies, leases -------------------------------------------------------------------------------


def test_two_workers_never_serve_one_lane_at_the_same_time(bench: Bench) -> None:
    one_waiting(bench, 2)
    other = FakeChannel()
    states: list[str] = []
    channel = FakeChannel()
    channel.before = lambda _: states.append(bench.works(bench.worker(other)).state)
    bench.works(bench.worker(channel))
    assert states == ["leased", "leased"]
    assert not other.bundles


def test_a_dead_workers_lane_is_taken_over_and_the_repeat_is_marked(bench: Bench) -> None:
    one_waiting(bench, 2)

    class Killed(BaseException):
        pass

    def die(_: object) -> None:
        raise Killed

    dying = FakeChannel()
    dying.before = die
    with pytest.raises(Killed):
        bench.worker(dying, lease=0.05).step()
    heir = FakeChannel()
    worker = bench.worker(heir)
    until(lambda: bench.works(worker).state == "empty")
    assert heir.ids == [a_signal(1).id, a_signal(2).id]
    assert [bundle.repeat for bundle in heir.bundles] == [True, False]


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < deadline


def test_a_worker_that_lost_its_lane_changes_nothing(bench: Bench) -> None:
    one_waiting(bench, 2)
    heir, slow = FakeChannel(), FakeChannel()
    slow.before = lambda _: until(lambda: bench.works(bench.worker(heir)).state == "empty")
    step = bench.worker(slow, lease=0.03).step()
    assert "lane.fenced" in [event.name for event in step.events]
    # The window that is named: the slow one was at the head's post when its lease ran out.
    assert heir.ids == [a_signal(1).id, a_signal(2).id]
    assert heir.bundles[0].repeat
    assert bench.waiting() == 0


class LosesReplies:
    """Writes each settlement and loses the answer the first time."""

    def __init__(self, store: LaneStore) -> None:
        self.look = store.look
        self._write = store.write
        self._lost = 0

    def write(self, query: LaneQuery, change: LaneChange, *, and_look: bool = False) -> Written:
        done = self._write(query, change, and_look=and_look)
        self._lost += not change.after.lease
        if not change.after.lease and self._lost % 2:
            message = "the reply was lost"
            raise StoreUnavailable(message)
        return done


def test_a_lost_reply_to_an_acknowledgement_sends_nothing_twice(bench: Bench) -> None:
    one_waiting(bench, 3)
    channel = FakeChannel()
    worker = bench.worker(channel, lanes=StoredLanes(LosesReplies(bench.ground.store)))
    for _ in range(12):
        try:
            worker.step()
        except StoreUnavailable:
            continue
    assert channel.ids == [a_signal(number).id for number in (1, 2, 3)]
    assert bench.counters()["delivered:desk"] == 3


def test_a_settlement_after_a_purge_by_hand_takes_nothing_else_away(bench: Bench) -> None:
    one_waiting(bench)
    channel = FakeChannel()

    def purge_and_refill(_: object) -> None:
        bench.queue.purge_lane("desk")
        bench.lists(a_signal(50))
        bench.drains(to("desk"))

    channel.before = purge_and_refill
    worker = bench.worker(channel)
    worker.step()
    channel.before = lambda _: None
    bench.works(worker)
    assert channel.ids == [a_signal(1).id, a_signal(50).id]


def test_draining_works_while_redis_is_out_of_memory(start_redis: Callable[..., Any]) -> None:
    server = start_redis(maxmemory="0")
    client = connect(server.url, name="test")
    bench = Bench(RedisGround(client))
    bench.lists(*(a_signal(number) for number in range(1, 6)))
    client.config_set("maxmemory", "1")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        client.rpush("x", "y")
    bench.drains(to("desk"))
    client.config_set("maxmemory", "0")
    bench.has_accepted()
    client.config_set("maxmemory", "1")
    channel = FakeChannel(failure(Fault.UNREACHED), failure(Fault.REFUSED, status=400))
    bench.works(bench.worker(channel))
    assert bench.counters()["delivered:desk"] == 4
    assert len(bench.queue.dead_letters()) == 1
    client.close()


def test_a_message_in_a_lane_that_cannot_be_read_any_more_goes_to_the_dead_letters(bench: Bench) -> None:
    one_waiting(bench)
    bench.ground.spoil_head("desk")
    bench.works(bench.worker(FakeChannel()))
    assert [letter.cause for letter in bench.queue.dead_letters("desk")] == ["unreadable"]


def test_junk_that_somebody_put_into_a_lane_does_not_stop_it(bench: Bench) -> None:
    one_waiting(bench)
    bench.ground.put_junk_first("desk")
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert channel.ids == [a_signal(1).id]
    assert [letter.cause for letter in bench.queue.dead_letters("desk")] == ["unreadable"]


def test_dead_letters_are_json_that_a_person_can_read(bench: Bench) -> None:
    one_waiting(bench)
    bench.has_accepted()
    bench.works(bench.worker(FakeChannel(failure(Fault.REFUSED, status=413))))
    (stored,) = bench.ground.dead()
    fields = json.loads(stored)
    assert fields["destination"] == "desk"
    assert json.loads(fields["text"])["id"] == a_signal(1).id
    assert decode_dead(stored).text == encode_signal(a_signal(1))
