"""The rules of a lane: from the record and the time to a decision and the new record.

Nothing is written here. A store writes a ``LaneChange`` when the record still has the version that the change was made
from; otherwise the caller looks again and decides anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ninja_daemon.core.lanes.dead_letters import given_up
from ninja_daemon.core.lanes.healing import LONGEST_TEXT, accepted, gathered, not_probed_yet, suspended, told
from ninja_daemon.core.lanes.lane_change import LaneChange, Lost, Removal, TakeDecision, change
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, LaneView, LeasedLane, NotNow, Settlement, milliseconds
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.send_policy import Reason

LONGEST_LEASE: Final = 600_000
"""A lease that ends later than this (ms) was given before the clock was set back; it stops nobody."""
BEHIND: Final = 1.0
"""Seconds until a lane looks again whether the one that must be ahead has gone on."""


# --- taking ----------------------------------------------------------------------------------------------------------


def take(view: LaneView, query: LaneQuery, lease: float) -> TakeDecision:
    """Take a lane that is due for ``lease`` seconds.

    Until the worker says what became of the messages, its successor must believe that they were posted: so the last
    of their numbers is written as ``maybe_sent`` together with the lease. Where an alert of dead letters is due, it is
    written in the same step.
    """
    decision = _taken_or_not(view, query, lease)
    news = told(query.lane, decision.change.after if decision.change else view.record, view.now)
    if news is None:
        return decision
    record, alert = news
    made = decision.change or change(view.record, record)
    answer = decision.answer if isinstance(decision.answer, NotNow) else replace(decision.answer, record=record)
    return TakeDecision(answer, replace(made, after=replace(record, version=made.after.version), alert=alert))


def _taken_or_not(view: LaneView, query: LaneQuery, lease: float) -> TakeDecision:
    if not view.entries:
        return TakeDecision(NotNow("empty"))
    if (stop := _stopped(view.record, view.now)) is not None:
        return TakeDecision(stop)
    record = _after_pause(view.record)
    if (wait := _waits(record, view)) is not None:
        return TakeDecision(wait, _unless_same(view.record, record))
    if is_behind(view):
        # The destination asked for this wait: what stops the lane ahead must not make these messages too old.
        young = replace(record, young_since=view.now)
        return TakeDecision(NotNow("waiting", BEHIND, Reason.BEHIND), change(view.record, young))
    entries = view.entries[: query.most]
    held = replace(
        record,
        version=record.version + 1,
        token=record.token + 1,
        lease=view.now + milliseconds(lease),
        maybe_sent=entries[-1].number,
    )
    return TakeDecision(_taken(record, held, view.now, entries), LaneChange(view.record, held))


def is_behind(view: LaneView) -> bool:
    """Tell whether the lane that must be ahead has not settled everything that is older than this lane's head."""
    head = view.entries[0].number
    return view.ahead is not None and bool(head) and 0 < view.ahead <= head


def _stopped(record: LaneRecord, now: int) -> NotNow | None:
    if now < record.lease <= now + LONGEST_LEASE:
        return NotNow("leased", (record.lease - now) / 1000)
    if (probed_later := not_probed_yet(record, now)) is not None:
        return probed_later
    if record.paused < 0:
        return NotNow("paused")
    return NotNow("paused", (record.paused - now) / 1000) if record.paused > now else None


def _after_pause(record: LaneRecord) -> LaneRecord:
    """End a pause that is over. A person asked for it, so it makes no message too old."""
    return replace(record, paused=0, young_since=record.paused) if record.paused else record


def _waits(record: LaneRecord, view: LaneView) -> NotNow | None:
    if record.due > view.now:
        known = Reason(record.reason) if record.reason in set(Reason) else Reason.RETRY
        return NotNow("waiting", (record.due - view.now) / 1000, known)
    if view.held_until > view.now:
        return NotNow("waiting", (view.held_until - view.now) / 1000, Reason.THROTTLED)
    return None


def _unless_same(before: LaneRecord, after: LaneRecord) -> LaneChange | None:
    return None if after == before else change(before, after)


def _taken(known: LaneRecord, held: LaneRecord, now: int, entries: tuple[Entry, ...]) -> LeasedLane:
    return LeasedLane(
        record=held,
        token=held.token,
        now=now / 1000,
        entries=entries,
        attempts=known.attempts,
        first_attempt=known.first_attempt / 1000,
        maybe_sent=known.maybe_sent,
        allowance=known.allowance / 1000,
        # Nothing grows too old while its lane is suspended.
        young_since=now / 1000 if known.suspended else known.young_since / 1000,
        error=known.error,
    )


# --- settling --------------------------------------------------------------------------------------------------------


def settle(lane: str, record: LaneRecord, now: int, taken: LeasedLane, done: Settlement) -> LaneChange:
    """Write down what was done and give the lane back; for a record that still has our lease.

    Args:
        lane: name of the destination.
        record: the lane as it stands.
        now: the queue's clock, epoch milliseconds.
        taken: our lease.
        done: what was done under it.
    """
    hold = milliseconds(done.hold_provider)
    return replace(
        change(record, _given_back(record, now, done)),
        removals=_removals(lane, taken, done),
        counts=tuple(item for item in (("repeats", done.repeats), ("failures", int(bool(done.text)))) if item[1]),
        alert=None if done.suspend and record.suspended else done.alert,
        hold=hold,
        until=now + hold,
    )


def _given_back(record: LaneRecord, now: int, done: Settlement) -> LaneRecord:
    due = now + milliseconds(done.wait)
    after = replace(
        record,
        lease=0,
        due=due,
        reason=done.reason.value if done.reason else "",
        attempts=done.attempts,
        first_attempt=milliseconds(done.first_attempt),
        maybe_sent=done.maybe_sent,
        allowance=milliseconds(done.allowance),
        error=done.text[:LONGEST_TEXT],
        young_since=due if done.rejuvenates else record.young_since,
        refusals=done.refusals,
        throttles=done.throttles,
    )
    after = gathered(after, now, done.dead, done.text)
    if done.suspend:
        return suspended(after, now, done)
    return accepted(after, now) if done.delivered else after


def settle_again(lane: str, view: LaneView, taken: LeasedLane, done: Settlement) -> LaneChange | Lost:
    """Settle over a record that changed since it was taken.

    Lost when somebody else took the lane since, when this settlement was written before (its reply was lost), or when
    its messages are no longer at the head (purged by hand): then the lane is only given back.
    """
    record = view.record
    if record.token != taken.token or not record.lease:
        return Lost()
    count = done.delivered + done.dropped + done.dead
    if _numbers(view.entries[:count]) != _numbers(taken.entries[:count]):
        return Lost(change(record, replace(record, lease=0)))
    return settle(lane, record, view.now, taken, done)


def _numbers(entries: Sequence[Entry]) -> list[int]:
    return [entry.number for entry in entries]


def _removals(lane: str, taken: LeasedLane, done: Settlement) -> tuple[Removal, ...]:
    dead = ["dead"] * done.dead
    fates = ["delivered"] * done.delivered + [done.counted] * done.dropped
    fates = dead + fates if done.dead_first else fates + dead
    return tuple(
        Removal(entry, fate, given_up(lane, taken, entry, done) if fate == "dead" else None)
        for entry, fate in zip(taken.entries, fates, strict=False)
    )


# --- what people order -----------------------------------------------------------------------------------------------
