"""When and how a destination wants to be spoken to: rate, groups, quiet hours, delays, lateness, age.

Everything here is a pure function of what lies in a lane and of the time. ``plan`` says what is to be done next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.core.messages.style import Style

GROUP_MOST: Final = 10
"""Signals in a grouped message at most; Discord takes ten embeds."""
DIGEST_MOST: Final = 30
"""Late signals in a digest at most; that many lines fit into every channel's limits."""
DIGEST_WAIT: Final = 5.0
"""Seconds that a digest waits for more late signals, counted from the first."""
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class LatePolicy(StrEnum):
    """What a destination wants done with late signals."""

    SEND = "send"
    DIGEST = "digest"
    DROP = "drop"


class OutcomePolicy(StrEnum):
    """How a destination shows what became of a signal."""

    NONE = "none"
    EDIT = "edit"
    """The posted message is changed."""
    POST = "post"
    """A message of its own."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a period, up to ``count`` of them at once (a generic cell rate algorithm).

    Attributes:
        count: messages.
        period: seconds.
    """

    count: int
    period: float

    @property
    def interval(self) -> float:
        """Seconds between two messages in the long run."""
        return self.period / self.count

    def booked(self, full_at: float, now: float) -> float:
        """Return when the allowance will be full again, after one more message at ``now``.

        Args:
            full_at: what the last call returned, 0 before the first.
        """
        return max(full_at, now) + self.interval

    def free_at(self, full_at: float) -> float:
        """Return the instant from which the next message is allowed."""
        return full_at - (self.count - 1) * self.interval


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day in which nothing but alerts is sent; what comes up is sent afterwards.

    Attributes:
        start: minute of the day at which they begin.
        end: minute of the day at which they end; before ``start`` when they last over midnight.
        time_zone: IANA name of the zone of that clock.
        days: days of the week on which they begin, Monday is 0.
    """

    start: int
    end: int
    time_zone: str
    days: frozenset[int] = frozenset(range(7))

    def over_at(self, now: float) -> float | None:
        """Return when the quiet hours around ``now`` are over (epoch seconds); None outside of them."""
        today = datetime.fromtimestamp(now, ZoneInfo(self.time_zone)).date()
        for day in (today - timedelta(days=1), today):
            begins, ends = self._window(day)
            if day.weekday() in self.days and begins <= now < ends:
                return ends
        return None

    def _window(self, day: date) -> tuple[float, float]:
        last = day if self.end > self.start else day + timedelta(days=1)
        return self._instant(day, self.start), self._instant(last, self.end)

    def _instant(self, day: date, minute: int) -> float:
        clock = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(self.time_zone))
        return clock.astimezone(UTC).timestamp()


def minute_of_day(text: str) -> int:
    """Read a clock time such as ``22:00``.

    Raises:
        ValueError: it is none.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        message = f"a clock time must look like 22:00, was {text[:20]!r}"
        raise ValueError(message)
    return int(match[1]) * 60 + int(match[2])


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """What a destination asks for.

    Attributes:
        max_age: seconds after which a message that could not be delivered is dead.
        rate: messages a period, None without a limit.
        group: signals of one close are sent as one message.
        group_wait: seconds that the first of a group waits for the others.
        late: what is done with late signals.
        delay: seconds by which everything is held back (a free tier).
        after: a destination that this one never overtakes; empty for none.
        quiet: quiet hours, None without.
        retry: delays between attempts.
        time_zone: the reader's time zone, shown beside UTC; empty for UTC alone.
        template: text of a message with ``{fields}``; empty for the channel's own.
        outcomes: how the outcomes of its signals are shown.
        timeout: seconds that a post may take, from its first byte to its last.
        picture: signals get a picture.
        style: who reads it.
        language: of its texts.
        symbols: pairs of an instrument and its name at the destination's broker.
        symbol_suffix: what that broker appends to every other name.
    """

    max_age: float = 1_800.0
    rate: Rate | None = None
    group: bool = False
    group_wait: float = 1.0
    late: LatePolicy = LatePolicy.SEND
    delay: float = 0.0
    after: str = ""
    quiet: QuietHours | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    time_zone: str = ""
    template: str = ""
    outcomes: OutcomePolicy = OutcomePolicy.NONE
    timeout: float = 8.0
    picture: bool = False
    style: Style = Style.READER
    language: str = "en"
    symbols: tuple[tuple[str, str], ...] = ()
    symbol_suffix: str = ""

    @property
    def most_entries(self) -> int:
        """How many messages have to be looked at to decide what to send."""
        if self.late is not LatePolicy.SEND:
            return DIGEST_MOST
        return GROUP_MOST if self.group else 1


class Reason(StrEnum):
    """Why a lane waits."""

    RETRY = "retry"
    THROTTLED = "throttled"
    RATE = "rate"
    GROUP = "group"
    DELAY = "delay"
    QUIET = "quiet"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Send:
    """Send the first ``count`` messages as one."""

    count: int = 1
    digest: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while.

    Attributes:
        until: epoch seconds.
        rejuvenates: the wait was asked for, so that it must not make messages too old.
    """

    until: float
    reason: Reason
    rejuvenates: bool = False


@dataclass(frozen=True, slots=True)
class Expire:
    """The first message is too old: to the dead letters."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The first ``count`` messages are late and this destination does not want such."""

    count: int


@dataclass(frozen=True, slots=True)
class Discard:
    """The first message cannot be read: to the dead letters."""


Plan: TypeAlias = Send | Wait | Expire | Drop | Discard


def plan(policy: SendPolicy, entries: Sequence[Entry], young_since: float, now: float) -> Plan:
    """Say what is to be done with the messages at the head of a lane.

    Args:
        policy: of the destination.
        entries: the first messages of the lane, at least one, up to ``policy.most_entries``.
        young_since: from when on the age of older messages counts, because the lane was held on purpose until then.
        now: epoch seconds.
    """
    head = entries[0]
    if head.unreadable:
        return Discard()
    late = _run_of_late(policy, entries)
    if late and policy.late is LatePolicy.DROP:
        return Drop(late)
    if policy.delay and now < head.accepted + policy.delay:
        return Wait(head.accepted + policy.delay, Reason.DELAY)
    quiet_until = policy.quiet.over_at(now) if policy.quiet and head.kind != "alert" else None
    if quiet_until is not None:
        return Wait(quiet_until, Reason.QUIET, rejuvenates=True)
    if now - max(head.accepted + policy.delay, young_since) > policy.max_age:
        return Expire()
    if late:
        return _gathered(late, DIGEST_MOST, head.accepted + DIGEST_WAIT, now, digest=True)
    if policy.group and head.signal is not None:
        return _gathered(_run_of_close(entries), GROUP_MOST, head.accepted + policy.group_wait, now, digest=False)
    return Send()


def _gathered(count: int, most: int, ready_at: float, now: float, *, digest: bool) -> Plan:
    if count < most and now < ready_at:
        return Wait(ready_at, Reason.GROUP)
    return Send(min(count, most), digest)


def _run_of_late(policy: SendPolicy, entries: Sequence[Entry]) -> int:
    """Count the late signals at the head, when this destination treats them apart."""
    if policy.late is LatePolicy.SEND:
        return 0
    return _run(entries, [entry.signal is not None and entry.signal.late for entry in entries])


def _run_of_close(entries: Sequence[Entry]) -> int:
    """Count the signals at the head that have the head's close and lateness."""
    first = entries[0].signal
    if first is None:
        return 0
    key = (first.close_time, first.late)
    return _run(
        entries, [entry.signal is not None and (entry.signal.close_time, entry.signal.late) == key for entry in entries]
    )


def _run(entries: Sequence[Entry], belongs: Sequence[bool]) -> int:
    return belongs.index(False) if False in belongs else len(entries)
