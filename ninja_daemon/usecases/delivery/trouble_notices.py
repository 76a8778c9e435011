"""What the operator hears of a destination in trouble: that it is suspended or throttled, and how long that lasted."""

from __future__ import annotations

from typing import Final

from ninja_daemon.core.lanes.healing import notice_id
from ninja_daemon.core.lanes.record import LeasedLane, milliseconds
from ninja_daemon.core.messages.message import Notice, Severity
from ninja_daemon.core.messages.retry import PROBES
from ninja_daemon.core.words import counted, duration

TOLD_AT: Final = 3
"""So many posts in a row that were too many for a service are a trouble that somebody is told of."""


def suspended_notice(name: str, taken: LeasedLane, reason: str, dead: int) -> Notice:
    """Say that nothing is sent to a destination any more.

    Args:
        name: of the destination.
        taken: its lane.
        reason: why.
        dead: messages that it has refused before, in a row.
    """
    brought_back = f" {counted(dead, 'message')} before: ninja-daemon queue retry {name}." if dead else ""
    text = (
        f"Nothing is sent to {name} any more: {reason}. Its messages are kept, and it is tried again by itself, first "
        f"in {duration(PROBES[0])}. When it is mended, at once: ninja-daemon queue resume {name}.{brought_back}"
    )
    return _notice("suspended", "lane_suspended", Severity.ERROR, name, text, taken.now)


def throttled_notice(name: str, taken: LeasedLane, reason: str, wait: float) -> Notice:
    """Say that a service finds our posts too many and names no time."""
    text = (
        f"{name} has refused {TOLD_AT} posts in a row as too many, without saying how long to wait: {reason}. Its "
        f"messages wait; the next post is in {duration(wait)}, later ones after up to 5 min."
    )
    return _notice("throttled", "lane_throttled", Severity.WARNING, name, text, taken.now)


def ended_notice(name: str, taken: LeasedLane, now: float) -> Notice | None:
    """Say how long the trouble lasted that somebody was told of; None when nobody was.

    Args:
        name: of the destination.
        taken: its lane, as it was taken for the post that was accepted.
        now: epoch seconds.
    """
    record = taken.record
    if record.suspended:
        text = f"{name} accepts messages again, after {duration(now - record.suspended / 1000)}."
        return _notice("healed", "lane_healed", Severity.INFO, name, text, now)
    if record.throttles >= TOLD_AT:
        since = taken.first_attempt or now
        text = f"{name} accepts messages again; they were too many for it for {duration(now - since)}."
        return _notice("unthrottled", "lane_healed", Severity.INFO, name, text, now)
    return None


def _notice(what: str, topic: str, severity: Severity, name: str, text: str, now: float) -> Notice:
    return Notice(notice_id(what, name, milliseconds(now)), topic, severity, text, now, about=name)
