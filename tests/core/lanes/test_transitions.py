"""The rules of a lane, one by one, without any store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ninja_daemon.core.lanes.lane_change import LaneChange, Lost
from ninja_daemon.core.lanes.lane_orders import adopt_pause, hurry, pause, purge, resume
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, LaneView, LeasedLane, NotNow, Settlement
from ninja_daemon.core.lanes.transitions import LONGEST_LEASE, settle, settle_again, take
from ninja_daemon.core.messages.message import Entry, Kind
from ninja_daemon.core.messages.send_policy import Reason
from tests.fakes.messages import a_notice

NOW = 1_700_000_000_000
QUERY = LaneQuery("desk", most=10, provider="fake")
BLANK = LaneRecord(version=7, token=3)


def message(number: int) -> Entry:
    return Entry(Kind.SIGNAL, f"id{number}", number, NOW / 1000, "{}")


def view(record: LaneRecord = BLANK, *numbers: int, held_until: int = 0, ahead: int | None = None) -> LaneView:
    return LaneView(NOW, record, tuple(map(message, numbers or (5, 6))), held_until, ahead)


def taken_from(seen: LaneView) -> tuple[LeasedLane, LaneRecord]:
    decision = take(seen, QUERY, 20.0)
    assert isinstance(decision.answer, LeasedLane)
    assert decision.change is not None
    return decision.answer, decision.change.after


def test_an_empty_lane_is_empty_whatever_else_holds() -> None:
    record = replace(BLANK, suspended=NOW, lease=NOW + 1)
    decision = take(LaneView(NOW, record), QUERY, 20.0)
    assert (decision.answer, decision.change) == (NotNow("empty"), None)


@pytest.mark.parametrize(
    ("record", "held_until", "answer"),
    [
        (replace(BLANK, lease=NOW + 1_500), 0, NotNow("leased", 1.5)),
        (replace(BLANK, lease=NOW + 1_500, suspended=1, paused=-1), 0, NotNow("leased", 1.5)),
        (replace(BLANK, suspended=1, paused=-1, due=NOW + 500), 0, NotNow("suspended", 0.5)),
        (replace(BLANK, suspended=1, paused=-1), 0, NotNow("paused")),
        (replace(BLANK, paused=-1, due=NOW + 1), 0, NotNow("paused")),
        (replace(BLANK, paused=NOW + 2_000), 0, NotNow("paused", 2.0)),
        (replace(BLANK, due=NOW + 250, reason="rate"), NOW + 900, NotNow("waiting", 0.25, Reason.RATE)),
        (replace(BLANK, due=NOW + 250, reason="nonsense"), 0, NotNow("waiting", 0.25, Reason.RETRY)),
        (BLANK, NOW + 900, NotNow("waiting", 0.9, Reason.THROTTLED)),
    ],
)
def test_what_stops_a_lane_is_said_in_this_order(record: LaneRecord, held_until: int, answer: NotNow) -> None:
    decision = take(view(record, held_until=held_until), QUERY, 20.0)
    assert (decision.answer, decision.change) == (answer, None)


def test_a_take_is_a_lease_and_leaves_a_trace_of_what_may_be_posted() -> None:
    answer, after = taken_from(view(replace(BLANK, attempts=2, maybe_sent=5, allowance=NOW, error="torn")))
    assert after == replace(
        BLANK, version=8, token=4, lease=NOW + 20_000, attempts=2, maybe_sent=6, allowance=NOW, error="torn"
    )
    assert (answer.record, answer.token, answer.now, answer.attempts, answer.error) == (after, 4, NOW / 1000, 2, "torn")
    assert answer.maybe_sent == 5, "what the last one left, not what this one begins"
    assert [entry.number for entry in answer.entries] == [5, 6]


@pytest.mark.parametrize("lease", [0, NOW - 1, NOW, NOW + LONGEST_LEASE + 1])
def test_a_lease_that_ended_or_is_of_a_clock_set_back_stops_nobody(lease: int) -> None:
    assert isinstance(take(view(replace(BLANK, lease=lease)), QUERY, 20.0).answer, LeasedLane)


def test_a_pause_that_is_over_makes_no_message_too_old() -> None:
    paused = replace(BLANK, paused=NOW - 4_000)
    answer, after = taken_from(view(paused))
    assert (answer.young_since, after.young_since, after.paused) == ((NOW - 4_000) / 1000, NOW - 4_000, 0)
    waits = take(view(replace(paused, due=NOW + 1_000)), QUERY, 20.0)
    assert waits.answer == NotNow("waiting", 1.0, Reason.RETRY)
    assert waits.change is not None
    assert (waits.change.after.paused, waits.change.after.young_since) == (0, NOW - 4_000)


@pytest.mark.parametrize(("ahead", "waits"), [(None, False), (4, True), (5, True), (6, False)])
def test_a_lane_never_overtakes_the_one_ahead(ahead: int | None, waits: bool) -> None:
    decision = take(view(ahead=ahead), QUERY, 20.0)
    assert isinstance(decision.answer, NotNow) is waits
    assert decision.change is not None
    if waits:
        assert decision.answer == NotNow("waiting", 1.0, Reason.BEHIND)
        assert decision.change.after == replace(BLANK, version=8, young_since=NOW), "and does not grow old behind it"


def settled(done: Settlement, record: LaneRecord | None = None) -> LaneChange:
    taken, after = taken_from(view())
    return settle("desk", record or after, NOW + 100, taken, done)


def test_a_settlement_ends_the_lease_and_says_what_became_of_each_message() -> None:
    change = settled(Settlement(delivered=1, dropped=1, counted="late", wait=3.0, reason=Reason.RATE, repeats=1))
    assert [(one.entry.number, one.counted, one.letter) for one in change.removals] == [
        (5, "delivered", None),
        (6, "late", None),
    ]
    assert (change.after.lease, change.after.due, change.after.reason) == (0, NOW + 3_100, "rate")
    assert change.counts == (("repeats", 1),)
    assert change.after.version == change.before.version + 1
    assert change.after.young_since == 0


def test_a_dead_message_leaves_a_letter_with_all_that_is_known() -> None:
    taken, after = taken_from(view(replace(BLANK, attempts=3, first_attempt=NOW - 9_000)))
    done = Settlement(dead=1, cause="refused", status=400, text="no such form")
    (removal,) = settle("desk", after, NOW, taken, done).removals
    assert removal.letter is not None
    letter = removal.letter
    assert (letter.destination, letter.cause, letter.status, letter.reason) == ("desk", "refused", 400, "no such form")
    assert (letter.attempts, letter.first, letter.last) == (4, (NOW - 9_000) / 1000, NOW / 1000)


def test_a_refusal_of_everything_suspends_alerts_and_holds_the_provider() -> None:
    alert = a_notice()
    change = settled(Settlement(suspend="gone", text="gone", alert=alert, hold_provider=2.0))
    assert (change.after.suspended, change.after.suspended_for, change.after.error) == (NOW + 100, "gone", "gone")
    assert (change.alert, change.hold, change.until) == (alert, 2_000, NOW + 2_100)
    assert change.counts == (("failures", 1),)


def test_a_wait_that_was_asked_for_makes_no_message_too_old() -> None:
    change = settled(Settlement(wait=60.0, reason=Reason.QUIET, rejuvenates=True))
    assert change.after.young_since == change.after.due == NOW + 60_100


def test_a_settlement_keeps_what_a_person_ordered_meanwhile() -> None:
    taken, after = taken_from(view())
    paused = pause(after, NOW, None).after
    again = settle_again("desk", view(paused), taken, Settlement(delivered=1))
    assert isinstance(again, LaneChange)
    assert (again.before, again.after.paused, again.after.lease) == (paused, -1, 0)


@pytest.mark.parametrize("other", ["taken by another", "settled before"])
def test_a_settlement_is_lost_when_the_lease_is(other: str) -> None:
    taken, after = taken_from(view())
    record = replace(after, token=after.token + 1) if other == "taken by another" else replace(after, lease=0)
    assert settle_again("desk", view(record), taken, Settlement(delivered=1)) == Lost()


def test_a_settlement_of_messages_that_are_gone_only_gives_the_lane_back() -> None:
    taken, after = taken_from(view())
    purged = purge(after).after
    lost = settle_again("desk", view(purged, 9), taken, Settlement(delivered=1))
    assert isinstance(lost, Lost)
    assert lost.change is not None
    assert (lost.change.after, lost.change.removals) == (replace(purged, version=purged.version + 1, lease=0), ())


def test_orders_change_only_what_they_are_about() -> None:
    record = replace(BLANK, due=NOW + 1, reason="retry", paused=-1, suspended=NOW, suspended_for="gone", attempts=2)
    free = replace(record, version=8, due=0, reason="", young_since=NOW)
    assert (hurried := hurry(record, NOW)) is not None
    assert hurried.after == free
    assert (resumed := resume(record, NOW)) is not None
    assert resumed.after == replace(free, paused=0, suspended=0, suspended_for="")
    assert (hurry(BLANK, NOW), resume(BLANK, NOW)) == (None, None)
    assert pause(BLANK, NOW, 2.5).after.paused == NOW + 2_500
    assert (purge(record).is_known, purge(record).purges) == (False, True)


@pytest.mark.parametrize(
    ("mine", "theirs", "paused", "young_since"),
    [
        (0, -1, -1, 0),
        (0, NOW + 5, NOW + 5, 0),
        (-1, 0, 0, NOW),
        (-1, NOW - 5, 0, NOW),
        (-1, -1, None, None),
        (0, NOW - 5, None, None),
    ],
)
def test_a_pause_of_the_other_store_is_taken_over(
    mine: int, theirs: int, paused: int | None, young_since: int | None
) -> None:
    change = adopt_pause(replace(BLANK, paused=mine), NOW, theirs)
    found = (None, None) if change is None else (change.after.paused, change.after.young_since)
    assert found == (paused, young_since)
