"""Delivery as values: what became of a post, and what a destination asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from ninja_daemon.core.messages.routing import Route, Silence
from ninja_daemon.core.messages.send_policy import OutcomePolicy, SendPolicy
from ninja_daemon.core.messages.timed_report import NearDigest, TimedReport, Topic
from ninja_daemon.core.secret import Secret

CONSOLE: Final = "console"
"""The destination that is there when none is configured, and the one that alerts fall back to."""

# --- what became of a post -------------------------------------------------------------------------------------------


class Fault(StrEnum):
    """Why a post did not arrive, named by what is done about it."""

    THROTTLED = "throttled"
    """Told to wait (429): wait exactly as long, or ever longer when no time is named; count no attempt."""
    UNREACHED = "unreached"
    """Certainly not delivered (DNS, connect, TLS): try again."""
    AMBIGUOUS = "ambiguous"
    """Perhaps delivered (5xx, timeout or reset after sending): try again, marked."""
    REFUSED = "refused"
    """This message is not wanted in this form (400, 413): dead at once."""
    BROKEN = "broken"
    """The destination is gone or locked (401, 403, 404, 410, redirect): suspend the lane, keep its messages, probe."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Accepted.

    Attributes:
        message_id: the service's name for the message, empty when it has none; for proof, and for later edits.
        pause: seconds to wait before the next post, as the service's headers ask.
    """

    message_id: str = ""
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Not accepted, or not known to be.

    Attributes:
        text: what happened, for a person; at most 300 characters, no secret.
        status: HTTP or SMTP status, None without one.
        wait: seconds that the service asked us to wait.
        everywhere: the wait holds for every destination of the same provider (Discord's global limit).
        blames_message: the reason names something in the message, so that another message may be accepted.
        is_overload: there were too many posts for the service (429, 503), whatever else ``fault`` says.
    """

    fault: Fault
    text: str
    status: int | None = None
    wait: float | None = None
    everywhere: bool = False
    blames_message: bool = False
    is_overload: bool = False


PostResult: TypeAlias = Sent | Failure

# --- what a destination asks for -------------------------------------------------------------------------------------

OptionValue: TypeAlias = str | bool | int | Secret | tuple[str, ...] | Mapping[str, "str | Decimal | Secret"]


@dataclass(frozen=True, slots=True)
class Destination:
    """One place that messages go to.

    Attributes:
        channel: name of the kind of channel.
        options: the channel's own settings, checked by it.
        policy: when and how it wants to be spoken to.
        proxy: address of the proxy on the way to it; None to go straight.
    """

    name: str
    channel: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    policy: SendPolicy = field(default_factory=SendPolicy)
    proxy: Secret | None = None

    @property
    def secrets(self) -> Sequence[Secret]:
        """Every secret among the options, and its proxy."""
        values = [
            item
            for value in (*self.options.values(), self.proxy)
            for item in (value.values() if isinstance(value, Mapping) else (value,))
        ]
        return [value for value in values if isinstance(value, Secret)]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything that the configuration says about delivery.

    Attributes:
        routes: the tree for signals.
        alerts: destinations of operations alerts.
        silences: those of the configuration; more may be set while running.
        daily: the heartbeat, None when nobody asked for it.
        mirror: name of the list that gets a second copy of every signal; empty for none.
        results: the digest of results; None when there is none.
        record: the record's head; None when it is not posted.
        near: the digest of near crosses; None when there is none.
    """

    destinations: tuple[Destination, ...]
    routes: tuple[Route, ...]
    alerts: tuple[str, ...]
    silences: tuple[Silence, ...] = ()
    daily: TimedReport | None = None
    mirror: str = ""
    results: TimedReport | None = None
    record: TimedReport | None = None
    near: NearDigest | None = None

    @property
    def reports(self) -> Mapping[Topic, TimedReport]:
        """The timed reports that somebody asked for."""
        known = {Topic.HEARTBEAT: self.daily, Topic.RESULTS: self.results, Topic.RECORD: self.record}
        return {topic: report for topic, report in known.items() if report is not None}

    @property
    def told(self) -> Mapping[Topic, tuple[str, ...]]:
        """Who gets what is sent by the clock."""
        near = {} if self.near is None else {Topic.NEAR: self.near.to}
        return {topic: report.to for topic, report in self.reports.items()} | near

    @property
    def wants_outcomes(self) -> bool:
        """Whether any destination shows outcomes."""
        return any(one.policy.outcomes is not OutcomePolicy.NONE for one in self.destinations)

    @property
    def secrets(self) -> Sequence[Secret]:
        """Everything secret in the destinations."""
        return [secret for one in self.destinations for secret in one.secrets]

    def destination(self, name: str) -> Destination:
        """Return the destination of that name.

        Raises:
            KeyError: there is none.
        """
        for destination in self.destinations:
            if destination.name == name:
                return destination
        raise KeyError(name)
