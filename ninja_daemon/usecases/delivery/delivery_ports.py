"""What delivery needs from the outside world: the queue of lanes, the ledger, the channels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from ninja_daemon.core.lanes.intake import Drained, InboxView, Intake
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.record import LaneQuery, LaneView
from ninja_daemon.core.messages.destination import PostResult
from ninja_daemon.core.messages.message import Bundle, Entry

# --- from the list to the lanes --------------------------------------------------------------------------------------


class Inbox(Protocol):
    """A list of messages that producers append to: the signals, or the alerts."""

    def peek(self, most: int) -> InboxView:
        """Return the oldest elements, which stay where they are.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def drain(self, intake: Intake, queries: Sequence[LaneQuery] = ()) -> Drained:
        """Move elements to their lanes, atomically, if they are still at the head and the sequence is the view's.

        Repeating it after a lost reply moves nothing twice. Where that costs no round trip, the lanes of ``queries``
        are looked at afterwards.

        Raises:
            StoreUnavailable: it is not known whether they were moved.
        """


# --- lanes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a change.

    Attributes:
        is_done: it was written; otherwise nothing was, because the lane has changed meanwhile.
        view: the lane afterwards, when that was asked for.
    """

    is_done: bool
    view: LaneView | None = None


class LaneStore(Protocol):
    """Keeps the records and messages of lanes. It knows no rules; those are in ``core.lanes``."""

    def look(self, query: LaneQuery) -> LaneView:
        """Return a lane as it stands.

        The lane that must be ahead is read after this one: a message that enters both meanwhile is seen in both or in
        the other alone.

        Raises:
            StoreUnavailable: it cannot be read.
        """

    def write(self, query: LaneQuery, change: LaneChange, *, and_look: bool = False) -> Written:
        """Write a change atomically if the lane is as it was; look again afterwards when that is asked for.

        Raises:
            StoreUnavailable: it is not known whether it was written.
        """


# --- channels --------------------------------------------------------------------------------------------------------


DEADLINE: Final = 8.0
"""Seconds that a post may take where no ``timeout`` says otherwise, from its first byte to its last."""


class Channel(Protocol):
    """A way to somebody. Kept open by the one thread that uses it."""

    @property
    def provider(self) -> str:
        """Name shared by the channels that one service limits together."""

    def send(self, bundle: Bundle) -> PostResult:
        """Send one message and say what became of it; raises nothing, and ends within the destination's ``timeout``."""

    def close(self) -> None:
        """Give back connections."""


@runtime_checkable
class IllustratedChannel(Channel, Protocol):
    """A channel whose messages can get a picture afterwards."""

    def illustrate(self, message_id: str, bundle: Bundle) -> PostResult:
        """Add the bundle's one attachment, a picture, to a message that ``send`` named; what it says stays."""


@runtime_checkable
class EditableChannel(IllustratedChannel, Protocol):
    """A channel whose messages can be changed afterwards (the outcome of a signal, later)."""

    def edit(self, message_id: str, bundle: Bundle) -> PostResult:
        """Let a message that ``send`` named show the results of its signals; changing nothing is success.

        A message that is gone is ``REFUSED``.
        """


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

    def ended(self, destination: str, ids: Collection[str], now: float, told: str, *, maybe_sent: bool) -> None:
        """Note that ``ids`` were not sent after all, or that it is not known, and what the service said.

        Raises:
            JournalUnavailable: it cannot be written.
        """

    def remember(self, destination: str, ids: Collection[str], message_id: str, now: float) -> None:
        """Keep that ``ids`` were sent, durably.

        Raises:
            JournalUnavailable: it cannot be written.
        """


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message that was posted, as it has to look now.

    Attributes:
        message_id: the service's name for it.
        bundle: the signals inside, and the results that are known.
    """

    message_id: str
    bundle: Bundle


class PostedMessages(Protocol):
    """What this machine has posted, for the outcomes of the signals inside. Each method raises JournalUnavailable."""

    def keep_posted(self, bundle: Bundle, message_id: str, now: float) -> None:
        """Keep a message with its signals; the newest ones stay, however old they are."""

    def posted(self, destination: str, outcome: Entry) -> PostedMessage | None:
        """Add an outcome to the posted message of its signal, and return that; None when none is known."""

    def message_of(self, destination: str, signal_id: str) -> PostedMessage | None:
        """Return the posted message of a signal as it has to look now; None when none is known."""
