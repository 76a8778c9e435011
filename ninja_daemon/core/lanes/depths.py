"""The queue as people see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.lane_orders import is_over
from ninja_daemon.core.lanes.record import LaneRecord
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.routing import Silence


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """One lane, as people see it.

    Attributes:
        waiting: messages in it.
        dead: dead letters of this destination.
        state: ``idle``, ``ready``, ``retry`` and the other reasons to wait, ``paused`` or ``suspended``.
        due_in: seconds until it goes on, or is probed when it is suspended; None when it is not known.
        attempts: failed attempts of the first message.
        oldest_age: seconds since the first message was accepted; None when empty.
        delivered: messages delivered so far; ``repeats`` of them perhaps twice. ``failures`` counts failed posts.
        error: the last failure, or why it is suspended.
        outcomes_shown: outcomes that its messages show; ``outcomes_dropped`` could not be shown.
    """

    destination: str
    waiting: int
    dead: int
    state: str
    due_in: float | None
    attempts: int
    oldest_age: float | None
    delivered: int
    repeats: int
    failures: int
    error: str
    outcomes_shown: int = 0
    outcomes_dropped: int = 0

    @property
    def shown_state(self) -> str:
        """The state as people read it, in front of the time that is due."""
        return "suspended, try" if self.state == "suspended" and self.due_in else self.state


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """The whole queue, as people see it.

    Attributes:
        signals: on the list, not yet taken by the notifier.
        alerts: the same for the alerts.
        outcomes: the same for the outcomes.
        unrouted: dead letters that never had a destination: unreadable or unrouted ones.
    """

    signals: int
    alerts: int
    unrouted: int
    lanes: tuple[LaneDepth, ...]
    counters: Mapping[str, int]
    outcomes: int = 0

    @property
    def dead(self) -> int:
        """All dead letters."""
        return self.unrouted + sum(lane.dead for lane in self.lanes)

    def hushed_by(self, silence: Silence) -> int:
        """Return how many signals a silence has kept from somebody so far."""
        return self.counters.get(silence.counter, 0)


@dataclass(frozen=True, slots=True)
class LaneContents:
    """A lane at one moment: how many messages wait, and the first of them."""

    waiting: int
    record: LaneRecord
    head: Entry | None


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that a store has of the queue.

    Attributes:
        now: the queue's clock, epoch milliseconds.
        lanes: by destination.
    """

    now: int
    signals: int
    alerts: int
    counters: Mapping[str, int]
    letters: Sequence[DeadLetter]
    lanes: Mapping[str, LaneContents]
    outcomes: int = 0


def depths(survey: Survey) -> QueueDepths:
    """Work out what people see."""
    dead = [letter.destination for letter in survey.letters]
    lanes = tuple(_depth(name, survey, dead.count(name)) for name in sorted(survey.lanes))
    unrouted = sum(1 for name in dead if name not in survey.lanes)
    return QueueDepths(survey.signals, survey.alerts, unrouted, lanes, survey.counters, survey.outcomes)


def _depth(name: str, survey: Survey, dead: int) -> LaneDepth:
    lane, counters = survey.lanes[name], survey.counters
    state, due_in = _state(lane, survey.now)
    return LaneDepth(
        destination=name,
        waiting=lane.waiting,
        dead=dead,
        state=state,
        due_in=due_in,
        attempts=lane.record.attempts,
        oldest_age=None if lane.head is None else survey.now / 1000 - lane.head.accepted,
        delivered=counters.get(f"delivered:{name}", 0),
        repeats=counters.get(f"repeats:{name}", 0),
        failures=counters.get(f"failures:{name}", 0),
        error=lane.record.suspended_for if state == "suspended" else lane.record.error,
        outcomes_shown=counters.get(f"outcomes_shown:{name}", 0),
        outcomes_dropped=counters.get(f"outcomes_dropped:{name}", 0),
    )


def _state(lane: LaneContents, now: int) -> tuple[str, float | None]:
    record = lane.record
    if record.suspended:
        is_probed = lane.waiting and is_over(record.paused, now)
        return "suspended", max(0.0, (record.due - now) / 1000) if is_probed else None
    if not is_over(record.paused, now):
        return "paused", None if record.paused < 0 else (record.paused - now) / 1000
    if not lane.waiting:
        return "idle", None
    if record.due > now:
        return record.reason or "retry", (record.due - now) / 1000
    return "ready", 0.0
