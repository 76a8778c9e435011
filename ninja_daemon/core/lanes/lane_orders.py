"""What people and programs order of a lane: pause, resume, hurry, purge."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ninja_daemon.core.lanes.lane_change import LaneChange, change
from ninja_daemon.core.lanes.record import LaneRecord, milliseconds

_NO_END: Final = -1


def pause(record: LaneRecord, now: int, seconds: float | None) -> LaneChange:
    """Hold a lane back, for that many seconds or until it is resumed."""
    until = _NO_END if seconds is None else now + milliseconds(seconds)
    return replace(change(record, replace(record, paused=until)), is_known=True)


def resume(record: LaneRecord, now: int) -> LaneChange | None:
    """End pause, suspension and wait; None when there was nothing to end."""
    free = replace(record, paused=0, suspended=0, suspended_for="", probes=0)
    return _gone_on(record, free, now)


def hurry(record: LaneRecord, now: int) -> LaneChange | None:
    """End a wait; None when there was none."""
    return _gone_on(record, record, now)


def _gone_on(record: LaneRecord, free: LaneRecord, now: int) -> LaneChange | None:
    free = replace(free, due=0, reason="")
    # A person decided how long it stood still, so that makes no message too old.
    return None if free == record else change(record, replace(free, young_since=now))


def purge(record: LaneRecord) -> LaneChange:
    """Throw away what waits in a lane, and forget that there is a lane until something comes."""
    return replace(change(record, record), is_known=False, purges=True)


def adopt_pause(record: LaneRecord, now: int, until: int) -> LaneChange | None:
    """Take over the pause of the same lane in another store; None when both agree.

    Args:
        record: the lane as it stands.
        now: the queue's clock, epoch milliseconds.
        until: until when the other is paused, epoch milliseconds; -1 without end, 0 when it is not.
    """
    until = 0 if is_over(until, now) else until
    if record.paused == until:
        return None
    after = replace(record, paused=until) if until else replace(record, paused=0, young_since=now)
    return replace(change(record, after), is_known=True)


def is_over(paused: int, now: int) -> bool:
    """Tell whether a pause until ``paused`` holds nothing back; both in epoch milliseconds."""
    return 0 <= paused <= now
