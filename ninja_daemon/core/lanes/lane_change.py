"""What a transition does to a lane: the record before and after, and messages that go."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.record import LaneRecord, LeasedLane, NotNow
from ninja_daemon.core.messages.message import Entry, Notice


@dataclass(frozen=True, slots=True)
class Removal:
    """A message that leaves the head of its lane.

    Attributes:
        counted: what became of it: the name of a counter.
        letter: its dead letter; None when it is not dead.
    """

    entry: Entry
    counted: str
    letter: DeadLetter | None = None


@dataclass(frozen=True, slots=True)
class LaneChange:
    """A change of one lane, written atomically when its record still is ``before`` and the removed messages come first.

    Attributes:
        removals: messages that leave, from the head.
        counts: counters of this lane that grow, with by how much.
        alert: appended to the operations alerts.
        hold: milliseconds for which the provider's lanes send nothing.
        until: when that hold ends, epoch milliseconds.
        is_known: whether the lane is listed from now on; None leaves that as it is.
        purges: all of its messages go.
    """

    before: LaneRecord
    after: LaneRecord
    removals: tuple[Removal, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    alert: Notice | None = None
    hold: int = 0
    until: int = 0
    is_known: bool | None = None
    purges: bool = False


def change(before: LaneRecord, after: LaneRecord) -> LaneChange:
    """Return the change between two records; the version grows."""
    return LaneChange(before, replace(after, version=before.version + 1))


@dataclass(frozen=True, slots=True)
class TakeDecision:
    """What is answered, and what must be written for the answer to hold; None when nothing has to be."""

    answer: LeasedLane | NotNow
    change: LaneChange | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The settlement no longer applies; what there is to write nevertheless, if anything."""

    change: LaneChange | None = None
