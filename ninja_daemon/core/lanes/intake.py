"""How messages get from an inbox into their lanes: each to all of its lanes or to none, and each id once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.record import LaneView
from ninja_daemon.core.messages.message import Kind, Notice
from ninja_daemon.core.messages.timed_report import Topic
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal

SEEN_MS: Final = 7 * 86_400_000
"""For so long (ms) an id that was taken from an inbox is not taken again."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One element of an inbox, still in it.

    Attributes:
        text: the element, cut when it is absurdly long: then ``is_cut`` is true.
        digest: by it the inbox knows that it is still the one that was looked at.
        id: what the element says its id is; empty when it cannot be read.
        signal: what it says, for a signal.
        notice: what it says, for an alert or a heartbeat.
        outcome: what it says, for an outcome.
        unreadable: why it cannot be read; empty when it can.
    """

    text: str
    digest: str
    id: str = ""
    signal: Signal | None = None
    notice: Notice | None = None
    unreadable: str = ""
    is_cut: bool = False
    outcome: Outcome | None = None

    @property
    def kind(self) -> Kind:
        """What it is about."""
        if self.notice is None:
            return Kind.SIGNAL if self.outcome is None else Kind.OUTCOME
        return Kind.HEARTBEAT if self.notice.topic in set(Topic) else Kind.ALERT


@dataclass(frozen=True, slots=True)
class InboxView:
    """The oldest elements of an inbox at one moment.

    Attributes:
        now: the queue's clock, epoch milliseconds.
        sequence: number of the newest message that entered a lane.
        kind: what the inbox is for: signals, alerts or outcomes.
    """

    now: int
    sequence: int
    arrivals: tuple[Arrival, ...]
    kind: Kind = Kind.SIGNAL


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where an element goes.

    Attributes:
        to: lanes; with none it is only counted, under ``counted``.
        counted: name under which it is counted when it goes nowhere.
        dead: why it goes to the dead letters instead; empty when it does not.
        also_counted: further counters, one for each silence that keeps it from somebody.
    """

    arrival: Arrival
    to: tuple[str, ...] = ()
    counted: str = ""
    dead: str = ""
    also_counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of one element.

    Attributes:
        number: of the message in its lanes; 0 when it enters none.
        lanes: that it enters.
        counted: name under which it is counted.
        letter: its dead letter; None when it is not dead.
        is_repeated: its id was taken before, so that it is only dropped.
        also_counted: further counters.
    """

    arrival: Arrival
    number: int
    lanes: tuple[str, ...]
    counted: str
    letter: DeadLetter | None = None
    is_repeated: bool = False
    also_counted: tuple[str, ...] = ()

    @property
    def counters(self) -> tuple[str, ...]:
        """All counters that grow by one."""
        return self.counted, *self.also_counted


@dataclass(frozen=True, slots=True)
class Intake:
    """A change of an inbox, written atomically when its elements still come first and the sequence is the view's."""

    view: InboxView
    admissions: tuple[Admission, ...]

    @property
    def sequence(self) -> int:
        """Number of the newest message afterwards."""
        return max((one.number for one in self.admissions), default=0) or self.view.sequence

    @property
    def lanes(self) -> frozenset[str]:
        """Lanes that get something."""
        return frozenset(name for one in self.admissions for name in one.lanes)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids that are taken for the first time."""
        return tuple(one.arrival.id for one in self.admissions if one.arrival.id and not one.is_repeated)


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of an intake.

    Attributes:
        is_done: it was written. Otherwise nothing was.
        known: ids that were taken before, which the intake did not know.
        views: lanes as they stood afterwards, by name, as far as that was asked for and cost nothing.
    """

    is_done: bool
    known: frozenset[str] = frozenset()
    views: Mapping[str, LaneView] = field(default_factory=dict)


def admit(view: InboxView, assignments: Sequence[Assignment], known: Collection[str] = ()) -> Intake:
    """Decide what becomes of the elements of a view.

    Args:
        view: the elements.
        assignments: where each goes, in the same order.
        known: ids that were taken before.
    """
    return Intake(view, tuple(_admissions(view, assignments, set(known))))


def _admissions(view: InboxView, assignments: Sequence[Assignment], seen: set[str]) -> Iterator[Admission]:
    number = view.sequence
    for one in assignments:
        identity = one.arrival.id
        if identity and identity in seen:
            yield Admission(one.arrival, 0, (), "repeated", is_repeated=True)
            continue
        seen.add(identity)
        number += bool(one.to)
        yield Admission(
            one.arrival,
            number if one.to else 0,
            tuple(dict.fromkeys(one.to)),
            one.counted or "drained",
            _letter(one, view) if one.dead else None,
            also_counted=one.also_counted,
        )


def _letter(assignment: Assignment, view: InboxView) -> DeadLetter:
    arrival = assignment.arrival
    return DeadLetter(
        destination="",
        kind=view.kind.value,
        id=arrival.id,
        cause="unreadable" if arrival.unreadable else "unrouted",
        status=None,
        reason=assignment.dead,
        attempts=0,
        first=0.0,
        last=view.now / 1000,
        text=arrival.text,
        cut=arrival.is_cut,
    )
