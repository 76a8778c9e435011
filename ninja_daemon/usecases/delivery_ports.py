"""What delivery needs from the outside world: the queue of lanes, the ledger, the channels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from ninja_daemon.core.messages.destination import Outcome
from ninja_daemon.core.messages.message import Entry, Kind, Notice, Parcel
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.core.signals.signal import Signal

# --- from the list to the lanes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """One element of an inbox, still in it.

    Attributes:
        text: the element, cut when it is absurdly long.
        digest: SHA-1 of the whole element; by it the inbox knows that it is still the one that was looked at.
        id: what the element says its id is; empty when it cannot be read.
        signal: what it says, for a signal.
        notice: what it says, for an alert or a heartbeat.
        unreadable: why it cannot be read; empty when it can.
    """

    text: str
    digest: str
    id: str = ""
    signal: Signal | None = None
    notice: Notice | None = None
    unreadable: str = ""

    @property
    def kind(self) -> Kind:
        """What it is about."""
        if self.notice is None:
            return Kind.SIGNAL
        return Kind.HEARTBEAT if self.notice.topic == "heartbeat" else Kind.ALERT


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where an element goes.

    Attributes:
        to: lanes; with none it is only counted, under ``counted``.
        counted: name under which it is counted when it goes nowhere.
        dead: why it goes to the dead letters instead; empty when it does not.
    """

    waiting: Waiting
    to: tuple[str, ...] = ()
    counted: str = ""
    dead: str = ""


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of a drain.

    Attributes:
        taken: how many assignments were carried out, from the first; the rest were no longer at the head.
        repeated: which of them were dropped because their id had been taken before.
    """

    taken: int
    repeated: tuple[Assignment, ...] = ()


class Inbox(Protocol):
    """A list of messages that producers append to: the signals, the alerts; later the daemon's local journal."""

    def peek(self, most: int) -> Sequence[Waiting]:
        """Return the oldest elements, which stay where they are.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def drain(self, assignments: Sequence[Assignment]) -> Drained:
        """Move elements to their lanes, atomically and in order, as far as they are still at the head.

        Repeating it after a lost reply moves nothing twice.

        Raises:
            StoreUnavailable: nothing is known of any of them.
        """


# --- lanes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """A lane that is ours until the lease runs out.

    Attributes:
        token: names this lease; a newer one makes ours worthless.
        now: the queue's clock when it was taken, epoch seconds.
        entries: the first messages.
        attempts: failed attempts of the first message.
        first_attempt: when the first of them was made, 0 before.
        maybe_sent: messages up to this number may have been posted already by somebody who did not live to say so.
        allowance: the rate's account, see ``Rate.booked``.
        young_since: see ``plan``.
        error: text of the last failure.
    """

    token: int
    now: float
    entries: tuple[Entry, ...]
    attempts: int = 0
    first_attempt: float = 0.0
    maybe_sent: int = 0
    allowance: float = 0.0
    young_since: float = 0.0
    error: str = ""


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
    """What a worker did with a lane, written down as a whole; gives the lane back.

    Attributes:
        delivered: messages from the head that arrived.
        dropped: messages from the head that were left out, after the delivered ones; counted under ``counted``.
        dead: messages from the head that go to the dead letters, after those, with ``cause`` and ``text``.
        wait: seconds until the lane is due again, with ``reason``.
        rejuvenates: the wait was asked for; the age of what waits counts from its end.
        attempts: failed attempts of what is now the first message.
        first_attempt: when the first of them was made.
        maybe_sent: see ``Taken``.
        allowance: see ``Taken``.
        suspend: why nothing is sent any more until a person resumes the lane; empty when that is not so.
        alert: goes to the operations alerts in the same step.
        hold_provider: seconds for which no lane of the same provider sends anything.
        repeats: how many of the delivered messages may have been repeats.
    """

    delivered: int = 0
    dropped: int = 0
    counted: str = ""
    dead: int = 0
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


class Lanes(Protocol):
    """The lanes, one a destination: in order, one in flight."""

    def take(self, lane: str, *, most: int, provider: str, after: str, lease: float) -> Taken | NotNow:
        """Take a lane that is due, for ``lease`` seconds.

        Args:
            lane: name of the destination.
            most: messages to return at most.
            provider: whose holds stop the lane.
            after: lane that must have settled everything older first; empty for none.

        Raises:
            StoreUnavailable: it is not known whether it was taken.
        """

    def settle(self, lane: str, provider: str, taken: Taken, settlement: Settlement) -> bool:
        """Write down what was done and give the lane back; False when the lease was lost to somebody else.

        Repeating it after a lost reply changes nothing (and may then say False).

        Raises:
            StoreUnavailable: it is not known whether it was written.
        """

    def silences(self) -> Sequence[Silence]:
        """Return the silences that were set while running and have not ended.

        Raises:
            StoreUnavailable: they cannot be read.
        """


# --- channels --------------------------------------------------------------------------------------------------------


class Channel(Protocol):
    """A way to somebody. Kept open by the one thread that uses it."""

    @property
    def provider(self) -> str:
        """Name shared by the channels that one service limits together."""

    def send(self, parcel: Parcel) -> Outcome:
        """Send one message and say what became of it; raises nothing, and ends within ``DEADLINE`` seconds."""

    def close(self) -> None:
        """Give back connections."""


class EditableChannel(Channel, Protocol):
    """A channel whose messages can be changed afterwards (the outcome of a signal, later)."""

    def edit(self, message_id: str, parcel: Parcel) -> Outcome:
        """Replace a message that ``send`` named."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known of messages that are about to be sent.

    Attributes:
        sent: those that were sent; they must not be sent again.
        maybe_sent: those that somebody began to send and did not live to say what came of it.
        is_elsewhere: another process of this machine is sending one of them at this moment; nothing was noted.
    """

    sent: frozenset[str] = frozenset()
    maybe_sent: frozenset[str] = frozenset()
    is_elsewhere: bool = False


class SentLedger(Protocol):
    """What this machine remembers to have sent, so that a Redis that was set back repeats nothing.

    A message may be in two lanes, of Redis and of the journal, with a process at work in each; so what has been begun
    is remembered, too.
    """

    def begin(self, destination: str, ids: Sequence[str], now: float) -> Begun:
        """Say what is known of ``ids``, and note that those before the first that was sent are being sent now.

        Raises:
            JournalUnavailable: it cannot be used.
        """

    def ended(self, destination: str, ids: Collection[str], *, maybe_sent: bool) -> None:
        """Note that ``ids`` were not sent after all, or that it is not known.

        Raises:
            JournalUnavailable: it cannot be written.
        """

    def remember(self, destination: str, ids: Collection[str], message_id: str, now: float) -> None:
        """Keep that ``ids`` were sent, durably.

        Raises:
            JournalUnavailable: it cannot be written.
        """
