"""Messages of a lane that a person sends to another destination."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from ninja_daemon.core.lanes.lane_change import LaneChange, Removal, change
from ninja_daemon.core.lanes.record import LaneView, NotNow
from ninja_daemon.core.lanes.transitions import LONGEST_LEASE
from ninja_daemon.core.messages.message import Entry

MOVE_MOST: Final = 100
"""Messages that change their lane in one atomic step."""


def move_out(view: LaneView) -> LaneChange | NotNow:
    """Take the first messages out of a lane that nobody works on, for another lane.

    The next head begins with a clean record: it was not the one that failed.
    """
    record = view.record
    if view.now < record.lease <= view.now + LONGEST_LEASE:
        return NotNow("leased", (record.lease - view.now) / 1000)
    if not view.entries:
        return NotNow("empty")
    fresh = replace(record, due=0, reason="", attempts=0, first_attempt=0, error="")
    return replace(change(record, fresh), removals=tuple(Removal(entry, "moved") for entry in view.entries))


def newcomers(moved: Sequence[Removal], waiting: Collection[tuple[str, str]]) -> list[Entry]:
    """Return the messages that enter the other lane, in order: those that do not wait there already.

    Args:
        moved: what leaves.
        waiting: kinds and ids in the other lane.
    """
    return [one.entry for one in moved if not one.entry.id or (one.entry.kind.value, one.entry.id) not in waiting]
