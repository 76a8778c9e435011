"""How a lane gets over trouble: suspended ones are probed, dead letters are gathered and told of."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from ninja_daemon.core.lanes.dead_letters import UNROUTED
from ninja_daemon.core.lanes.record import LaneRecord, NotNow, Settlement, milliseconds
from ninja_daemon.core.messages.message import Notice, Severity
from ninja_daemon.core.messages.retry import probe_delay
from ninja_daemon.core.words import counted

GATHER: Final = 60_000
"""Milliseconds from the first dead letter until an alert tells of all that have come by then."""
TELL_EVERY: Final = 3_600_000
"""Milliseconds between two alerts of dead letters of one destination."""
LONGEST_TEXT: Final = 300
"""Characters of a reason that are kept."""
_LONGEST_NAME: Final = 32


# --- suspended lanes -------------------------------------------------------------------------------------------------


def not_probed_yet(record: LaneRecord, now: int) -> NotNow | None:
    """Say that a suspended lane waits for its next probe; None when it is due, or the lane is not suspended."""
    if record.suspended and record.due > now:
        return NotNow("suspended", (record.due - now) / 1000)
    return None


def suspended(record: LaneRecord, now: int, done: Settlement) -> LaneRecord:
    """Suspend a lane, or keep it suspended after a probe that failed.

    Args:
        record: the lane after everything else that the settlement says.
        now: the queue's clock, epoch milliseconds.
        done: the settlement.
    """
    probes = record.probes + 1 if record.suspended else 0
    wait = max(done.wait, probe_delay(probes))
    return replace(
        record,
        suspended=record.suspended or now,
        suspended_for=done.suspend[:LONGEST_TEXT],
        probes=probes,
        due=now + milliseconds(wait),
        reason="",
    )


def accepted(record: LaneRecord, now: int) -> LaneRecord:
    """Note that the destination accepts messages: a suspension is over, and has made no message too old."""
    first = record.accepted or now
    if not record.suspended:
        return replace(record, accepted=first)
    return replace(record, accepted=first, suspended=0, suspended_for="", probes=0, young_since=now)


# --- dead letters ----------------------------------------------------------------------------------------------------


def gathered(record: LaneRecord, now: int, dead: int, text: str) -> LaneRecord:
    """Note dead letters that somebody must be told of."""
    if not dead:
        return record
    since = record.untold_since or now
    return replace(record, untold=record.untold + dead, untold_since=since, untold_for=text[:LONGEST_TEXT])


def told(lane: str, record: LaneRecord, now: int, *, at_once: bool = False) -> tuple[LaneRecord, Notice] | None:
    """Return the lane and the alert of its dead letters when that is due: one an hour, a minute after the first.

    Args:
        lane: name of the destination; ``-`` for dead letters that never had one.
        record: the lane as it stands.
        now: the queue's clock, epoch milliseconds.
        at_once: do not wait for more of them.
    """
    gathers_until = 0 if at_once else record.untold_since + GATHER
    # Told in the future: the clock was set back since.
    if not record.untold or now < gathers_until or now < record.told + TELL_EVERY <= now + TELL_EVERY:
        return None
    what = f"for {lane} " if lane != UNROUTED else "without a destination "
    text = (
        f"{counted(record.untold, 'message')} {what}given up, the last because: {record.untold_for}. "
        f"Kept as dead letters: ninja-daemon queue dead {lane}, then queue retry {lane} or queue purge {lane}"
    )
    about = "" if lane == UNROUTED else lane
    notice = Notice(
        notice_id("dead", lane, record.untold_since), "dead_letters", Severity.ERROR, text, now / 1000, about
    )
    return replace(record, untold=0, untold_since=0, untold_for="", told=now), notice


def notice_id(what: str, lane: str, at: int) -> str:
    """Return the id of a notice: what happened, where and when (epoch milliseconds). The same event has the same id."""
    return f"{what}-{lane if len(lane) <= _LONGEST_NAME else _shortened(lane)}-{at}"


def _shortened(lane: str) -> str:
    return f"{lane[: _LONGEST_NAME - 9]}.{hashlib.sha256(lane.encode()).hexdigest()[:8]}"
