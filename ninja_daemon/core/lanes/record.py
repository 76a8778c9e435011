"""What is known of a lane, and what a worker is told about it."""

from __future__ import annotations

from dataclasses import dataclass

from ninja_daemon.core.messages.message import Entry, Notice
from ninja_daemon.core.messages.send_policy import Reason


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """A lane as it is stored. Times are epoch milliseconds of the queue's clock; 0 and "" stand for nothing.

    Attributes:
        version: grows with every change; a change is written only over the version that it was made from.
        token: number of the last lease.
        lease: until when somebody works on the lane.
        paused: until when a person holds it back; -1 without end.
        suspended: since when nothing but a probe is sent, with ``suspended_for``.
        probes: probes that failed since then.
        due: when it goes on, or is probed, with the ``reason`` of the wait.
        attempts: failed attempts of the first message.
        first_attempt: when the first of them was made.
        maybe_sent: messages up to this number may have been posted by somebody who did not live to say so.
        allowance: when the rate's allowance is full again, see ``Rate.booked``.
        young_since: ages of messages count from here at the earliest.
        error: the last failure.
        accepted: when the destination first accepted a message.
        refusals: refusals in a row whose reason named nothing of the message.
        throttles: posts in a row that were too many for the service, which did not say how long to wait.
        untold: dead letters that no alert has told of yet; the first at ``untold_since``, the last because of
            ``untold_for``.
        told: when an alert last told of dead letters.
    """

    version: int = 0
    token: int = 0
    lease: int = 0
    paused: int = 0
    suspended: int = 0
    suspended_for: str = ""
    due: int = 0
    reason: str = ""
    attempts: int = 0
    first_attempt: int = 0
    maybe_sent: int = 0
    allowance: int = 0
    young_since: int = 0
    error: str = ""
    probes: int = 0
    accepted: int = 0
    refusals: int = 0
    throttles: int = 0
    untold: int = 0
    untold_since: int = 0
    untold_for: str = ""
    told: int = 0


@dataclass(frozen=True, slots=True)
class LaneQuery:
    """What a worker wants to know of a lane.

    Attributes:
        lane: name of the destination.
        most: messages to return at most, from 1.
        provider: whose holds stop the lane; empty for nobody's.
        after: lane that must have settled everything older first; empty for none.
    """

    lane: str
    most: int = 1
    provider: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane at one moment.

    Attributes:
        now: the queue's clock, epoch milliseconds.
        entries: the first messages.
        held_until: until when the provider's lanes send nothing, epoch milliseconds.
        ahead: number of the first message of the lane that must be ahead; None when that is empty.
    """

    now: int
    record: LaneRecord
    entries: tuple[Entry, ...] = ()
    held_until: int = 0
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class LeasedLane:
    """A lane that is ours until the lease runs out. Times are epoch seconds.

    Attributes:
        record: the lane as it stands under our lease.
        token: names this lease; a newer one makes ours worthless.
        now: the queue's clock when it was taken.
        entries: the first messages.
        attempts: failed attempts of the first message.
        first_attempt: when the first of them was made, 0 before.
        maybe_sent: messages up to this number may have been posted already by somebody who did not live to say so.
        allowance: the rate's account, see ``Rate.booked``.
        young_since: see ``plan``.
        error: text of the last failure.
    """

    record: LaneRecord
    token: int
    now: float
    entries: tuple[Entry, ...]
    attempts: int = 0
    first_attempt: float = 0.0
    maybe_sent: int = 0
    allowance: float = 0.0
    young_since: float = 0.0
    error: str = ""

    @property
    def is_probe(self) -> bool:
        """Whether the lane is suspended, and its first message is sent to see whether it can go on."""
        return bool(self.record.suspended)


@dataclass(frozen=True, slots=True)
class NotNow:
    """A lane that has nothing to do.

    Attributes:
        state: ``empty``, ``leased``, ``paused``, ``suspended`` or ``waiting``.
        wait: seconds until it is worth asking again; None when only something new can change it.
        reason: why it waits, for ``waiting``.
    """

    state: str
    wait: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a worker did with a lane, written atomically; gives the lane back.

    Attributes:
        delivered: messages from the head that arrived.
        dropped: messages from the head that were left out, after the delivered ones; counted under ``counted``.
        dead: messages from the head that go to the dead letters, after those, with ``cause`` and ``text``.
        dead_first: they are before the delivered ones instead.
        wait: seconds until the lane is due again, with ``reason``.
        rejuvenates: the wait was asked for; the age of what waits counts from its end.
        attempts: failed attempts of what is now the first message.
        first_attempt: when the first of them was made.
        maybe_sent: see ``LeasedLane``.
        allowance: see ``LeasedLane``.
        suspend: why nothing but probes is sent from now on; empty when that is not so. With a ``cause`` it may be
            the message's fault.
        alert: goes to the operations alerts in the same step; not when it says that a lane is suspended that was so.
        hold_provider: seconds for which no lane of the same provider sends anything.
        repeats: how many of the delivered messages may have been repeats.
        refusals: see ``LaneRecord``.
        throttles: see ``LaneRecord``.
    """

    delivered: int = 0
    dropped: int = 0
    counted: str = ""
    dead: int = 0
    dead_first: bool = False
    cause: str = ""
    status: int | None = None
    text: str = ""
    wait: float = 0.0
    reason: Reason | None = None
    rejuvenates: bool = False
    attempts: int = 0
    first_attempt: float = 0.0
    maybe_sent: int = 0
    allowance: float = 0.0
    suspend: str = ""
    alert: Notice | None = None
    hold_provider: float = 0.0
    repeats: int = 0
    refusals: int = 0
    throttles: int = 0


def milliseconds(seconds: float) -> int:
    """Turn seconds into whole milliseconds, never negative."""
    return max(0, round(seconds * 1000))
