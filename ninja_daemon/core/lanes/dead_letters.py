"""Messages that were given up, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ninja_daemon.core.lanes.record import LeasedLane, Settlement
from ninja_daemon.core.messages.message import Entry

UNROUTED: Final = "-"
"""Stands for the destination of dead letters that never had one."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, and why.

    Attributes:
        destination: empty when it never had one.
        cause: class of the failure: ``refused``, ``expired``, ``unreadable``, ``unrouted``.
        status: of the last answer, None without one.
        reason: text of the failure.
        attempts: failed attempts, the last included.
        first: when the first was made, epoch seconds; 0 without any.
        last: when it was given up.
        text: the message as it stood in the list (cut when it was absurdly long: then ``cut`` is true).
        stored: the element of the list of dead letters.
    """

    destination: str
    kind: str
    id: str
    cause: str
    status: int | None
    reason: str
    attempts: int
    first: float
    last: float
    text: str
    cut: bool = False
    stored: str = ""


def given_up(lane: str, taken: LeasedLane, entry: Entry, done: Settlement) -> DeadLetter:
    """Return the dead letter of a message that its lane gives up."""
    is_head = entry is taken.entries[0]
    attempts = (taken.attempts if is_head else 0) + (done.cause == "refused")
    return DeadLetter(
        destination=lane,
        kind=entry.kind.value,
        id=entry.id,
        cause=done.cause,
        status=done.status,
        reason=done.text or taken.error,
        attempts=attempts,
        first=(taken.first_attempt if is_head else 0.0) or (taken.now if attempts else 0.0),
        last=taken.now,
        text=entry.text,
    )
