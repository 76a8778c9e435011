"""What travels to a destination: signals and notices, one by one or several as one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal


class Kind(StrEnum):
    """What a message is about."""

    SIGNAL = "signal"
    ALERT = "alert"
    HEARTBEAT = "heartbeat"
    TEST = "test"
    OUTCOME = "outcome"


class Severity(StrEnum):
    """How soon a person should look."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to the operator or about the system: an alert, the daily heartbeat, a test.

    Attributes:
        id: by which a repeat is known.
        topic: what kind of thing happened: ``lane_suspended``, ``broker_denied``, ``data_stale``, ``audit_failed``, …
        text: sentences for a person, lines separated by a newline.
        time: when it happened, epoch seconds.
        about: destination that this alert concerns; the alert must also go somewhere else.
    """

    id: str
    topic: str
    severity: Severity
    text: str
    time: float
    about: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in a lane.

    Attributes:
        number: place in the order in which messages were accepted, the same in every lane.
        accepted: when it came off the list, epoch seconds.
        text: the JSON as it stood in the list, byte for byte.
        signal: what ``text`` says, for a signal.
        outcome: what ``text`` says, for an outcome.
        notice: what ``text`` says, for everything else.
        unreadable: why ``text`` cannot be read; empty when it can.
        stored: the element of the lane, opaque to all but the queue.
    """

    kind: Kind
    id: str
    number: int
    accepted: float
    text: str
    signal: Signal | None = None
    notice: Notice | None = None
    unreadable: str = ""
    stored: str = field(default="", repr=False)
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message (a chart, later)."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a channel is to send as one message.

    Attributes:
        destination: name of the destination.
        entries: one message, or several that are sent as one; oldest first.
        grouped: the destination groups: an array even when there is one entry.
        digest: late signals gathered after an outage.
        repeat: an earlier attempt may have arrived; the message has to say so.
        attachments: files that go with it; a channel that cannot send any leaves them out.
        sent_at: when it is sent, epoch seconds; 0 when it does not matter.
        results: how signals inside have ended, by their ids; for the edit of a posted message.
        averages: names of the fast and the slow average (``SMA 40``) that gave a signal, by its id, where known.
    """

    destination: str
    entries: tuple[Entry, ...]
    grouped: bool = False
    digest: bool = False
    repeat: bool = False
    attachments: tuple[Attachment, ...] = ()
    sent_at: float = 0.0
    results: Mapping[str, Outcome] = field(default_factory=dict)
    averages: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id of the first entry: the key by which a receiver knows a repeat."""
        return self.entries[0].id

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals inside."""
        return tuple(entry.signal for entry in self.entries if entry.signal is not None)

    @property
    def late_by(self) -> float:
        """Seconds from the oldest signal's close until it is sent, or until it was found where that is not known."""
        oldest = min(self.signals, key=lambda signal: signal.close_time, default=None)
        return 0.0 if oldest is None else max(0.0, (self.sent_at or oldest.created_at) - oldest.close_time)

    @property
    def notice(self) -> Notice | None:
        """The notice inside, when it is one."""
        return self.entries[0].notice

    @property
    def outcome(self) -> Outcome | None:
        """The outcome inside, when it is one."""
        return self.entries[0].outcome
