"""From the list to the destinations: ``drain`` fills the lanes, a ``LaneWorker`` empties one.

Nothing is logged here: what happened comes back as events, for the process to log and count.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.lanes.intake import Arrival, Assignment, Intake, admit
from ninja_daemon.core.lanes.record import LaneQuery, LaneView, NotNow, Settlement, Taken, milliseconds
from ninja_daemon.core.messages.destination import CONSOLE, Delivery, Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.message import Entry, Kind, Notice, Parcel, Severity
from ninja_daemon.core.messages.routing import Silence, audible, destinations_for
from ninja_daemon.core.messages.send_policy import Discard, Drop, Expire, Reason, Send, Wait, plan
from ninja_daemon.usecases.delivery_ports import Begun, Channel, Inbox, SentLedger
from ninja_daemon.usecases.lanes import StoredLanes
from ninja_daemon.usecases.ports import Clock

LEASE: Final = 20.0
"""Seconds for which a lane is kept; a post ends within ``DEADLINE``, less than half of it."""
DEADLINE: Final = 8.0
"""Seconds that a post may take, from its first byte to its last."""
DRAIN_MOST: Final = 100
"""Elements that are moved to the lanes in one step."""
_TRIES: Final = 5
"""How often an inbox is looked at again because another process took something out of it meanwhile."""
_THROTTLE_DEFAULT: Final = 5.0
"""Seconds to wait when a service says that there were too many posts and not how long to wait."""
_LONGEST_WAIT: Final = 86_400.0
_POLL: Final = 1.0
_MOMENT: Final = 0.5
"""Seconds for which it is believed how a lane stood; its version says whether it has changed, its clock does not."""
_BREATH: Final = 0.05
_ELSEWHERE: Final = "delivery.elsewhere"
_ELSEWHERE_POLL: Final = 0.25
"""Seconds until it is looked again whether another process has sent a message that is in both of its lanes."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        name: of a closed list, for counting and searching: ``signal.delivered``.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        sentence: for people.
        fields: figures beside the sentence.
    """

    name: str
    level: str
    sentence: str
    fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)


# --- list to lanes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What a drain did.

    Attributes:
        moved: elements that left the inbox.
        lanes: those that got something.
    """

    moved: int
    lanes: frozenset[str] = frozenset()
    events: tuple[Event, ...] = ()


def drain(inbox: Inbox, delivery: Delivery, silences: Sequence[Silence], now: float) -> DrainResult:
    """Move what waits in an inbox to its lanes: one look, one atomic step.

    Args:
        inbox: signals, or alerts.
        delivery: routes.
        silences: those in force besides the configured ones.
        now: epoch seconds.

    Raises:
        StoreUnavailable: it is not known what was moved; look again.
    """
    hushed = (*delivery.silences, *silences)
    for _ in range(_TRIES):
        view = inbox.peek(DRAIN_MOST)
        if not view.arrivals:
            break
        assignments = [_assigned(arrival, delivery, hushed, now) for arrival in view.arrivals]
        intake = admit(view, assignments)
        drained = inbox.drain(intake)
        if drained.known:
            intake = admit(view, assignments, drained.known)
            drained = inbox.drain(intake)
        if drained.is_done:
            return _drain_result(intake, assignments)
    return DrainResult(0)


def _drain_result(intake: Intake, assignments: Sequence[Assignment]) -> DrainResult:
    events: list[Event] = []
    for admission, assignment in zip(intake.admissions, assignments, strict=True):
        events += [_repeated_event(assignment)] if admission.is_repeated else _drain_events(assignment)
    lanes = frozenset(name for admission in intake.admissions for name in admission.lanes)
    return DrainResult(len(intake.admissions), lanes, tuple(events))


def _assigned(arrival: Arrival, delivery: Delivery, silences: Sequence[Silence], now: float) -> Assignment:
    if arrival.unreadable:
        return Assignment(arrival, counted="unreadable", dead=arrival.unreadable)
    if arrival.notice is not None:
        return Assignment(arrival, _alert_destinations(arrival, arrival.notice, delivery), counted="drained")
    assert arrival.signal is not None  # noqa: S101 - neither notice nor unreadable
    routed = destinations_for(delivery.routes, arrival.signal)
    if routed is None:
        return Assignment(arrival, counted="unrouted", dead="no route takes it")
    heard = audible(routed, silences, arrival.signal, now)
    counted = "drained"
    if not heard:
        counted = "silenced" if routed else "unwanted"
    return Assignment(arrival, heard, counted)


def _alert_destinations(arrival: Arrival, notice: Notice, delivery: Delivery) -> tuple[str, ...]:
    if arrival.kind is Kind.HEARTBEAT and delivery.daily is not None:
        return delivery.daily.to
    others = tuple(name for name in delivery.alerts if name != notice.about)
    return others or (CONSOLE,)


def _drain_events(assignment: Assignment) -> list[Event]:
    arrival = assignment.arrival
    if arrival.unreadable:
        sentence = "an entry of the list cannot be read; it is kept with the dead letters"
        return [Event("signal.unreadable", "error", sentence, {"reason": assignment.dead[:300]})]
    if arrival.signal is None:
        return []
    signal = arrival.signal
    fields = {"id": signal.id, "strategy": signal.strategy, "side": signal.side.name}
    what = f"{signal.instrument} {signal.timeframe} {signal.side.name}"
    if assignment.dead:
        return [Event("signal.unrouted", "error", f"no route takes {what}; it is kept with the dead letters", fields)]
    if assignment.counted == "silenced":
        return [Event("signal.silenced", "info", f"{what} is silenced", fields)]
    if assignment.counted == "unwanted":
        return [Event("signal.unwanted", "info", f"{what} goes nowhere, as its route says", fields)]
    return [Event("signal.routed", "debug", f"{what} goes to {', '.join(assignment.to)}", fields)]


def _repeated_event(assignment: Assignment) -> Event:
    sentence = "a message that was taken before was listed again; it is left out"
    return Event("signal.repeated", "info", sentence, {"id": assignment.arrival.id})


# --- lanes to destinations -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at a lane came to.

    Attributes:
        worked: something was settled; look again at once.
        wait: seconds until it is worth looking again without being told.
        state: why there was nothing to do: ``empty``, ``leased``, ``paused``, ``suspended``, ``waiting``.
        reason: why it waits.
    """

    worked: bool
    wait: float = _POLL
    state: str = ""
    reason: Reason | None = None
    events: tuple[Event, ...] = ()


class LaneWorker:
    """Empties one destination's lane, one message at a time. For one thread."""

    def __init__(
        self,
        destination: Destination,
        *,
        channel: Channel,
        lanes: StoredLanes,
        ledger: SentLedger,
        clock: Clock,
        draw: Callable[[], float] = random.random,
        lease: float = LEASE,
    ) -> None:
        """Bind a destination to its channel.

        Args:
            destination: name and manners.
            channel: how to reach it.
            lanes: the queue.
            ledger: what was sent before.
            clock: for durations.
            draw: random numbers for the jitter.
            lease: seconds for which the lane is kept; more than twice what a post may take.
        """
        self.destination = destination
        self._channel = channel
        self._lanes = lanes
        self._ledger = ledger
        self._clock = clock
        self._draw = draw
        self._lease = lease
        policy = destination.manners
        self._query = LaneQuery(destination.name, policy.most_entries, channel.provider, policy.after)
        self._unsettled: tuple[Taken, Settlement, list[Event], float] | None = None
        self._seen: tuple[LaneView, float] | None = None
        self._alone_up_to = 0

    def step(self) -> Step:
        """Take the lane, send what is due, write down what became of it.

        Raises:
            StoreUnavailable: the queue is away. What was sent already is not forgotten: the next step writes it down.
        """
        if self._unsettled is not None:
            return self._settle(*self._unsettled)
        taken = self._lanes.take(self._query, self._lease, self._just_seen())
        if isinstance(taken, NotNow):
            return Step(False, min(_POLL, taken.wait or _POLL), taken.state, taken.reason)  # noqa: FBT003 - a field
        started = self._clock.monotonic()
        settlement, events = self._handled(taken, started)
        return self._settle(taken, settlement, events, started)

    def _just_seen(self) -> LaneView | None:
        """Return how the lane stood when the last message was settled, once, and only a moment after that."""
        if self._seen is None:
            return None
        (view, at), self._seen = self._seen, None
        age = self._clock.monotonic() - at
        return replace(view, now=view.now + milliseconds(age)) if age < _MOMENT else None

    def _settle(self, taken: Taken, settlement: Settlement, events: list[Event], started: float) -> Step:
        self._unsettled = (taken, settlement, events, started)
        elapsed = self._clock.monotonic() - started
        settled = self._lanes.settle(self._query, taken, settlement, elapsed)
        self._unsettled = None
        self._seen = (settled.view, self._clock.monotonic()) if settled.view else None
        if not settled.is_ours:
            sentence = f"the lane of {self.destination.name} changed hands while it was being emptied"
            events = [*events, self._event("lane.fenced", "warning", sentence)]
            return Step(False, _BREATH, "leased", events=tuple(events))  # noqa: FBT003 - a field
        if any(event.name == _ELSEWHERE for event in events):
            return Step(False, _ELSEWHERE_POLL, "leased", events=tuple(events))  # noqa: FBT003 - a field
        return Step(True, 0.0, events=tuple(events))  # noqa: FBT003 - a field

    def _handled(self, taken: Taken, started: float) -> tuple[Settlement, list[Event]]:
        todo = plan(self.destination.manners, taken.entries, taken.young_since, taken.now)
        head = taken.entries[0]
        if isinstance(todo, Send):
            return self._sent(taken, todo, started)
        if isinstance(todo, Expire):
            return self._expired(taken, head)
        kept = _kept(taken)
        if isinstance(todo, Wait):
            wait = todo.until - taken.now
            sentence = f"{self.destination.name} waits for {wait:.0f} s ({todo.reason})"
            settlement = replace(kept, wait=wait, reason=todo.reason, rejuvenates=todo.rejuvenates)
            return settlement, [self._event("lane.waits", "debug", sentence)]
        if isinstance(todo, Drop):
            sentence = f"{todo.count} late signals are left out, as {self.destination.name} wants it"
            settlement = replace(_fresh(taken), dropped=todo.count, counted="late")
            return settlement, [self._event("signal.late_dropped", "info", sentence, count=todo.count)]
        assert isinstance(todo, Discard)  # noqa: S101 - the last of the plans
        settlement = replace(_fresh(taken), dead=1, cause="unreadable", text=head.unreadable)
        sentence = f"a message for {self.destination.name} cannot be read; it is kept as a dead letter"
        return settlement, [self._event("delivery.dead", "error", sentence, id=head.id, reason=settlement.text)]

    def _expired(self, taken: Taken, head: Entry) -> tuple[Settlement, list[Event]]:
        """Give up what grew too old; what has arrived, before Redis was set back, is no dead letter."""
        begun, events = self._begun([head])
        if settled := self._settled_elsewhere(taken, head, begun):
            return settled[0], [*events, settled[1]]
        events += self._ended([head], begun.maybe_sent)
        text = f"older than max_age after {taken.attempts} attempts"
        if taken.error:
            text += f"; the last said: {taken.error}"
        settlement = replace(_fresh(taken), dead=1, cause="expired", text=text)
        age = taken.now - head.accepted
        sentence = f"a message for {self.destination.name} grew too old ({age:.0f} s); it is kept as a dead letter"
        return settlement, [*events, self._event("delivery.dead", "error", sentence, id=head.id, reason=text)]

    def _settled_elsewhere(self, taken: Taken, head: Entry, begun: Begun) -> tuple[Settlement, Event] | None:
        """Say what to do with a message that somebody else sends or has sent; None when nobody does."""
        if begun.is_elsewhere:
            sentence = f"another process sends this message to {self.destination.name} at this moment"
            return _kept(taken), self._event(_ELSEWHERE, "debug", sentence, id=head.id)
        if head.id in begun.sent:
            sentence = f"{self.destination.name} has this message already, this machine remembers"
            settlement = replace(_fresh(taken), dropped=1, counted="known")
            return settlement, self._event("signal.already_sent", "info", sentence, id=head.id)
        return None

    # --- sending

    def _sent(self, taken: Taken, todo: Send, started: float) -> tuple[Settlement, list[Event]]:
        count = 1 if taken.entries[0].number <= self._alone_up_to else todo.count
        batch = taken.entries[:count]
        begun, events = self._begun(batch)
        if settled := self._settled_elsewhere(taken, batch[0], begun):
            return settled[0], [*events, settled[1]]
        batch = _before_known(batch, begun.sent)
        parcel = Parcel(
            self.destination.name,
            batch,
            grouped=self.destination.manners.group,
            digest=todo.digest,
            repeat=batch[0].number <= taken.maybe_sent or any(entry.id in begun.maybe_sent for entry in batch),
        )
        outcome = self._channel.send(parcel)
        if isinstance(outcome, Failure):
            settlement, event = self._after_failure(taken, parcel, outcome)
            doubtful = frozenset(
                entry.id
                for entry in batch
                if outcome.fault is Fault.AMBIGUOUS or entry.number <= taken.maybe_sent or entry.id in begun.maybe_sent
            )
            return settlement, [*events, *self._ended(batch, doubtful), event]
        events += self._remembered(batch, outcome.message_id, taken.now)
        return self._after_success(taken, parcel, outcome, started, events)

    def _begun(self, batch: Sequence[Entry]) -> tuple[Begun, list[Event]]:
        try:
            return self._ledger.begin(self.destination.name, [entry.id for entry in batch], self._clock.now()), []
        except JournalUnavailable as error:
            return Begun(), [_ledger_event(error)]

    def _ended(self, batch: Sequence[Entry], doubtful: Collection[str]) -> list[Event]:
        """Note that a batch was not sent; an earlier attempt that may have arrived is not forgotten by that."""
        certain = [entry.id for entry in batch if entry.id not in doubtful]
        try:
            for ids, maybe_sent in ((certain, False), (doubtful, True)):
                if ids:
                    self._ledger.ended(self.destination.name, ids, maybe_sent=maybe_sent)
        except JournalUnavailable as error:
            return [_ledger_event(error)]
        return []

    def _remembered(self, batch: Sequence[Entry], message_id: str, now: float) -> list[Event]:
        try:
            self._ledger.remember(self.destination.name, [entry.id for entry in batch], message_id, now)
        except JournalUnavailable as error:
            return [_ledger_event(error)]
        return []

    def _after_success(
        self, taken: Taken, parcel: Parcel, sent: Sent, started: float, events: list[Event]
    ) -> tuple[Settlement, list[Event]]:
        elapsed = self._clock.monotonic() - started
        now = taken.now + elapsed
        allowance, wait = taken.allowance, min(sent.pause, _LONGEST_WAIT)
        if rate := self.destination.manners.rate:
            allowance = rate.booked(taken.allowance, now)
            wait = max(wait, rate.free_at(allowance) - now)
        settlement = replace(
            _fresh(taken),
            delivered=len(parcel.entries),
            wait=wait,
            reason=Reason.RATE if wait > 0 else None,
            allowance=allowance,
            repeats=len(parcel.entries) if parcel.repeat else 0,
        )
        for entry in parcel.entries:
            name = "signal.delivered" if entry.signal else "notice.delivered"
            fields: dict[str, str | int | float | bool] = {"id": entry.id, "ms": round(elapsed * 1000, 1)}
            if entry.signal is not None:
                fields["strategy"] = entry.signal.strategy
            if taken.attempts:
                fields["attempt"] = taken.attempts + 1
            if parcel.repeat:
                fields["repeat"] = True
            if sent.message_id:
                fields["message_id"] = sent.message_id
            level = "info" if entry.signal else "debug"
            events.append(self._event(name, level, f"{_what(entry)} delivered to {self.destination.name}", **fields))
        return settlement, events

    def _after_failure(self, taken: Taken, parcel: Parcel, failure: Failure) -> tuple[Settlement, Event]:
        match failure.fault:
            case Fault.THROTTLED:
                return self._throttled(taken, parcel, failure)
            case Fault.UNREACHED | Fault.AMBIGUOUS:
                return self._to_be_retried(taken, parcel, failure)
            case Fault.REFUSED:
                return self._refused(taken, parcel, failure)
            case Fault.BROKEN:
                return self._broken(taken, parcel, failure)

    def _throttled(self, taken: Taken, parcel: Parcel, failure: Failure) -> tuple[Settlement, Event]:
        wait = _THROTTLE_DEFAULT if failure.wait is None else min(max(failure.wait, 0.0), _LONGEST_WAIT)
        settlement = replace(
            _kept(taken), wait=wait, reason=Reason.THROTTLED, hold_provider=wait if failure.everywhere else 0.0
        )
        sentence = f"{self.destination.name} asks to wait for {wait:.1f} s"
        return settlement, self._failed("delivery.throttled", "info", sentence, parcel, failure)

    def _to_be_retried(self, taken: Taken, parcel: Parcel, failure: Failure) -> tuple[Settlement, Event]:
        attempts = taken.attempts + 1
        wait = max(self.destination.manners.retry.delay_after(attempts, self._draw()), failure.wait or 0.0)
        maybe_sent = taken.maybe_sent
        if failure.fault is Fault.AMBIGUOUS:
            maybe_sent = max(maybe_sent, parcel.entries[-1].number)
        settlement = replace(
            _kept(taken),
            attempts=attempts,
            first_attempt=taken.first_attempt or taken.now,
            maybe_sent=maybe_sent,
            wait=min(wait, _LONGEST_WAIT),
            reason=Reason.RETRY,
            text=failure.text,
        )
        sentence = f"{self.destination.name} could not be served, trying again in {wait:.1f} s"
        return settlement, self._failed("delivery.retry", "warning", sentence, parcel, failure, attempt=attempts)

    def _refused(self, taken: Taken, parcel: Parcel, failure: Failure) -> tuple[Settlement, Event]:
        if len(parcel.entries) > 1:
            # One bad message must not take the others of its group with it.
            self._alone_up_to = parcel.entries[-1].number
            sentence = f"{self.destination.name} refuses a group; its messages are sent one by one"
            return _kept(taken), self._failed("delivery.group_refused", "warning", sentence, parcel, failure)
        settlement = replace(_fresh(taken), dead=1, cause="refused", status=failure.status, text=failure.text)
        sentence = f"{self.destination.name} refuses a message; it is kept as a dead letter"
        return settlement, self._failed("delivery.dead", "error", sentence, parcel, failure)

    def _broken(self, taken: Taken, parcel: Parcel, failure: Failure) -> tuple[Settlement, Event]:
        name = self.destination.name
        alert = Notice(
            id=f"suspended-{name[:32]}-{taken.token}",
            topic="lane_suspended",
            severity=Severity.ERROR,
            text=(
                f"Nothing is sent to {name} any more: {failure.text}. Its messages are kept. Mend the destination, "
                f"then: ninja-daemon queue resume {name}"
            ),
            time=taken.now,
            about=name,
        )
        settlement = replace(_kept(taken), suspend=failure.text, alert=alert, text=failure.text)
        sentence = f"{name} is suspended, its messages are kept; mend it, then: ninja-daemon queue resume {name}"
        return settlement, self._failed("lane.suspended", "error", sentence, parcel, failure)

    def _failed(self, name: str, level: str, sentence: str, parcel: Parcel, failure: Failure, **more: int) -> Event:
        fields: dict[str, str | int | float | bool] = {"id": parcel.id, "fault": failure.fault, "reason": failure.text}
        if failure.status is not None:
            fields["status"] = failure.status
        return self._event(name, level, sentence, **(fields | more))

    def _event(self, name: str, level: str, sentence: str, **fields: str | float | bool) -> Event:
        return Event(name, level, sentence, {"destination": self.destination.name, **fields})

    def close(self) -> None:
        """Give back the channel's connections."""
        self._channel.close()


def _kept(taken: Taken) -> Settlement:
    """Begin a settlement after which the same message is at the head."""
    return Settlement(
        attempts=taken.attempts,
        first_attempt=taken.first_attempt,
        maybe_sent=taken.maybe_sent,
        allowance=taken.allowance,
    )


def _fresh(taken: Taken) -> Settlement:
    """Begin a settlement after which another message is at the head."""
    return Settlement(maybe_sent=taken.maybe_sent, allowance=taken.allowance)


def _before_known(batch: tuple[Entry, ...], known: frozenset[str]) -> tuple[Entry, ...]:
    for place, entry in enumerate(batch):
        if entry.id in known:
            return batch[:place]
    return batch


def _ledger_event(error: JournalUnavailable) -> Event:
    sentence = "what was sent cannot be remembered on this machine; after a loss of Redis data messages may repeat"
    return Event("ledger.unavailable", "warning", sentence, {"reason": str(error)})


def _what(entry: Entry) -> str:
    if entry.signal is None:
        return "a notice" if entry.notice is None else f"the notice {entry.notice.topic}"
    return f"{entry.signal.instrument} {entry.signal.timeframe} {entry.signal.side.name}"
