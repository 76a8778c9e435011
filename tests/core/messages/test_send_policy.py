"""When and how a destination is spoken to: pure functions of what lies in a lane and of the time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.send_policy import (
    DIGEST_MOST,
    DIGEST_WAIT,
    GROUP_MOST,
    Discard,
    Drop,
    Expire,
    LatePolicy,
    QuietHours,
    Rate,
    Reason,
    Send,
    SendPolicy,
    Wait,
    minute_of_day,
    plan,
)
from tests.fakes.messages import CLOSE_TIME, a_notice_entry, an_entry

ACCEPTED = CLOSE_TIME + 3.0


def planned(policy: SendPolicy, *entries: Entry, after: float = 0.0, young_since: float = 0.0) -> object:
    return plan(policy, entries, young_since, ACCEPTED + after)


def at(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


# --- age -------------------------------------------------------------------------------------------------------------


def test_an_ordinary_message_is_sent_at_once() -> None:
    assert planned(SendPolicy(), an_entry()) == Send()


def test_a_message_older_than_max_age_goes_to_the_dead_letters() -> None:
    policy = SendPolicy(max_age=60.0)
    assert planned(policy, an_entry(), after=60.0) == Send()
    assert planned(policy, an_entry(), after=60.1) == Expire()


def test_age_counts_from_the_end_of_a_wait_that_was_asked_for() -> None:
    policy = SendPolicy(max_age=60.0)
    assert planned(policy, an_entry(), after=3_600.0, young_since=ACCEPTED + 3_590.0) == Send()
    assert planned(policy, an_entry(), after=3_660.0, young_since=ACCEPTED + 3_590.0) == Expire()


def test_a_message_that_cannot_be_read_is_discarded_before_anything_else() -> None:
    assert planned(SendPolicy(delay=99.0), replace(an_entry(), unreadable="why"), after=1e6) == Discard()


# --- delay -----------------------------------------------------------------------------------------------------------


def test_a_delayed_destination_hears_later_and_its_messages_do_not_age_meanwhile() -> None:
    policy = SendPolicy(delay=900.0, max_age=60.0)
    assert planned(policy, an_entry()) == Wait(ACCEPTED + 900.0, Reason.DELAY)
    assert planned(policy, an_entry(), after=900.0) == Send()
    assert planned(policy, an_entry(), after=960.1) == Expire()


# --- groups ----------------------------------------------------------------------------------------------------------


def test_signals_of_one_close_are_one_message() -> None:
    policy = SendPolicy(group=True, group_wait=1.0)
    entries = [an_entry(1), an_entry(2), an_entry(3, close_time=CLOSE_TIME + 60), an_entry(4)]
    assert planned(policy, *entries) == Wait(ACCEPTED + 1.0, Reason.GROUP)
    assert planned(policy, *entries, after=1.0) == Send(2)


def test_a_full_group_does_not_wait() -> None:
    entries = [an_entry(number) for number in range(1, GROUP_MOST + 2)]
    assert planned(SendPolicy(group=True), *entries) == Send(GROUP_MOST)


def test_late_and_timely_signals_are_not_one_group() -> None:
    assert planned(SendPolicy(group=True), an_entry(1), an_entry(2, late=True), after=5.0) == Send(1)


def test_a_notice_is_never_grouped() -> None:
    assert planned(SendPolicy(group=True), a_notice_entry(), an_entry(2)) == Send()


# --- lateness --------------------------------------------------------------------------------------------------------


def test_late_signals_are_sent_like_others_by_default() -> None:
    assert planned(SendPolicy(), an_entry(late=True)) == Send()


def test_late_signals_are_dropped_where_they_are_not_wanted() -> None:
    entries = [an_entry(1, late=True), an_entry(2, late=True), an_entry(3)]
    assert planned(SendPolicy(late=LatePolicy.DROP), *entries) == Drop(2)
    assert planned(SendPolicy(late=LatePolicy.DROP), an_entry(3)) == Send()


def test_late_signals_are_gathered_into_one_digest() -> None:
    policy = SendPolicy(late=LatePolicy.DIGEST)
    entries = [an_entry(1, late=True), an_entry(2, late=True, close_time=CLOSE_TIME - 86_400), an_entry(3)]
    assert planned(policy, *entries) == Wait(ACCEPTED + DIGEST_WAIT, Reason.GROUP)
    assert planned(policy, *entries, after=DIGEST_WAIT) == Send(2, digest=True)
    many = [an_entry(number, late=True) for number in range(1, DIGEST_MOST + 1)]
    assert planned(policy, *many) == Send(DIGEST_MOST, digest=True)


# --- quiet hours -----------------------------------------------------------------------------------------------------

NIGHT = QuietHours(minute_of_day("22:00"), minute_of_day("07:00"), "Europe/Berlin")


@pytest.mark.parametrize(
    ("clock", "over"),
    [
        ("2026-07-01T21:59:59", None),
        ("2026-07-01T22:00:00", "2026-07-02T07:00:00"),
        ("2026-07-02T03:00:00", "2026-07-02T07:00:00"),
        ("2026-07-02T06:59:59", "2026-07-02T07:00:00"),
        ("2026-07-02T07:00:00", None),
        ("2026-03-28T23:00:00", "2026-03-29T07:00:00"),
        ("2026-10-24T23:00:00", "2026-10-25T07:00:00"),
    ],
)
def test_quiet_hours_follow_the_clock_on_the_readers_wall(clock: str, over: str | None) -> None:
    expected = None if over is None else at(over, "Europe/Berlin")
    assert NIGHT.over_at(at(clock, "Europe/Berlin")) == expected


def test_quiet_hours_within_a_day_and_on_some_days_only() -> None:
    lunch = QuietHours(minute_of_day("12:00"), minute_of_day("13:00"), "UTC", frozenset({5, 6}))
    assert lunch.over_at(at("2026-07-04T12:30:00", "UTC")) == at("2026-07-04T13:00:00", "UTC")
    assert lunch.over_at(at("2026-07-03T12:30:00", "UTC")) is None


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday = replace(NIGHT, days=frozenset({4}))
    assert friday.over_at(at("2026-07-04T03:00:00", "Europe/Berlin")) is not None
    assert friday.over_at(at("2026-07-03T03:00:00", "Europe/Berlin")) is None


def test_quiet_hours_defer_and_never_drop() -> None:
    quiet = QuietHours(minute_of_day("18:00"), minute_of_day("06:00"), "UTC")
    policy = SendPolicy(quiet=quiet, max_age=60.0)
    morning = at("2022-03-05T06:00:00", "UTC")
    assert planned(policy, an_entry()) == Wait(morning, Reason.QUIET, rejuvenates=True)
    assert plan(policy, [an_entry()], morning, morning) == Send()


def test_alerts_are_heard_at_night() -> None:
    quiet = QuietHours(minute_of_day("18:00"), minute_of_day("06:00"), "UTC")
    assert planned(SendPolicy(quiet=quiet), a_notice_entry()) == Send()


@given(
    st.integers(0, 2_000_000_000),
    st.integers(0, 1_439),
    st.integers(0, 1_439),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_quiet_hours_always_end_within_a_day(now: int, start: int, end: int, zone: str) -> None:
    over = QuietHours(start, end, zone).over_at(float(now))
    assert over is None or now < over <= now + 90_000


@pytest.mark.parametrize("text", ["24:00", "7:00", "07:60", "0700", "", "ab:cd", "-1:00", "١٢:00"])
def test_a_clock_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="clock time"):
        minute_of_day(text)


# --- rate ------------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 30),
    st.sampled_from([1.0, 2.0, 60.0]),
    st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_no_period_ever_holds_twice_the_rate(count: int, period: float, gaps: list[float]) -> None:
    rate, full_at, free, now = Rate(count, period), 0.0, 0.0, 1_000.0
    sent: list[float] = []
    for gap in gaps:
        now = max(now + gap, free)
        sent.append(now)
        full_at = rate.booked(full_at, now)
        free = rate.free_at(full_at)
    for first in sent:
        within = [moment for moment in sent if first <= moment < first + period - 1e-6]
        assert len(within) <= 2 * count
    # In the long run it is the rate itself.
    assert sent[-1] - sent[0] >= (len(sent) - 2 * count) * rate.interval - 1e-6


def test_a_burst_of_the_whole_allowance_is_allowed_after_a_rest() -> None:
    rate, full_at = Rate(5, 2.0), 0.0
    for _ in range(5):
        assert rate.free_at(full_at) <= 1_000.0
        full_at = rate.booked(full_at, 1_000.0)
    assert rate.free_at(full_at) == pytest.approx(1_000.4)
