"""From a lane to its destination: take the lane, send what is due, write down what became of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.lanes.record import LaneQuery, LaneView, LeasedLane, NotNow, Settlement, milliseconds
from ninja_daemon.core.messages.destination import Destination, Failure, Fault
from ninja_daemon.core.messages.message import Entry, Parcel
from ninja_daemon.core.messages.send_policy import Discard, Drop, Expire, Reason, Send, Wait, plan
from ninja_daemon.usecases.delivery.attempt import Attempt, fresh, kept
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.delivery_ports import Begun, Channel, SentLedger
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.ports import Clock

LEASE: Final = 20.0
"""Seconds for which a lane is kept; a post ends within ``DEADLINE``, less than half of it."""
_POLL: Final = 1.0
_MOMENT: Final = 0.1
"""Seconds for which it is believed how a lane stood; its version says whether it has changed, its clock does not."""
_BREATH: Final = 0.05
_ELSEWHERE: Final = "delivery.elsewhere"
_ELSEWHERE_POLL: Final = 0.25
"""Seconds until it is looked again whether another process has sent a message that is in both of its lanes."""


@dataclass(frozen=True, slots=True)
class LaneStep:
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
    events: tuple[DeliveryEvent, ...] = ()


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
        self.query = LaneQuery(destination.name, policy.most_entries, channel.provider, policy.after)
        self._unsettled: tuple[LeasedLane, Settlement, list[DeliveryEvent], float] | None = None
        self._seen: tuple[LaneView, float] | None = None
        self._alone_up_to = 0

    def step(self) -> LaneStep:
        """Take the lane, send what is due, write down what became of it.

        Raises:
            StoreUnavailable: the queue is away. What was sent already is not forgotten: the next step writes it down.
        """
        if self._unsettled is not None:
            return self._settle(*self._unsettled)
        taken = self._lanes.take(self.query, self._lease, self._just_seen())
        if isinstance(taken, NotNow):
            return LaneStep(False, min(_POLL, taken.wait or _POLL), taken.state, taken.reason)  # noqa: FBT003 - a field
        started = self._clock.monotonic()
        settlement, events = self._handled(taken, started)
        return self._settle(taken, settlement, events, started)

    def sees(self, view: LaneView) -> None:
        """Take note of how the lane stands at this moment; any thread may say so. It saves the next step a look."""
        self._seen = view, self._clock.monotonic()

    def _just_seen(self) -> LaneView | None:
        """Return how the lane stood a moment ago, once, if somebody has said so."""
        seen, self._seen = self._seen, None
        if seen is None:
            return None
        view, at = seen
        age = self._clock.monotonic() - at
        return replace(view, now=view.now + milliseconds(age)) if age < _MOMENT else None

    def _settle(
        self, taken: LeasedLane, settlement: Settlement, events: list[DeliveryEvent], started: float
    ) -> LaneStep:
        self._unsettled = (taken, settlement, events, started)
        elapsed = self._clock.monotonic() - started
        settled = self._lanes.settle(self.query, taken, settlement, elapsed)
        self._unsettled = None
        if settled.view is not None:
            self.sees(settled.view)
        if not settled.is_ours:
            sentence = f"the lane of {self.destination.name} changed hands while it was being emptied"
            events = [*events, self._event("lane.fenced", "warning", sentence)]
            return LaneStep(False, _BREATH, "leased", events=tuple(events))  # noqa: FBT003 - a field
        if any(event.name == _ELSEWHERE for event in events):
            return LaneStep(False, _ELSEWHERE_POLL, "leased", events=tuple(events))  # noqa: FBT003 - a field
        return LaneStep(True, 0.0, events=tuple(events))  # noqa: FBT003 - a field

    def _handled(self, taken: LeasedLane, started: float) -> tuple[Settlement, list[DeliveryEvent]]:
        todo = plan(self.destination.manners, taken.entries, taken.young_since, taken.now)
        head = taken.entries[0]
        if isinstance(todo, Send):
            return self._sent(taken, todo, started)
        if isinstance(todo, Expire):
            return self._expired(taken, head)
        if isinstance(todo, Wait):
            wait = todo.until - taken.now
            sentence = f"{self.destination.name} waits for {wait:.0f} s ({todo.reason})"
            settlement = replace(kept(taken), wait=wait, reason=todo.reason, rejuvenates=todo.rejuvenates)
            return settlement, [self._event("lane.waits", "debug", sentence)]
        if isinstance(todo, Drop):
            sentence = f"{todo.count} late signals are left out, as {self.destination.name} wants it"
            settlement = replace(fresh(taken), dropped=todo.count, counted="late")
            return settlement, [self._event("signal.late_dropped", "info", sentence, count=todo.count)]
        assert isinstance(todo, Discard)  # noqa: S101 - the last of the plans
        settlement = replace(fresh(taken), dead=1, cause="unreadable", text=head.unreadable)
        sentence = f"a message for {self.destination.name} cannot be read; it is kept as a dead letter"
        return settlement, [self._event("delivery.dead", "error", sentence, id=head.id, reason=settlement.text)]

    def _expired(self, taken: LeasedLane, head: Entry) -> tuple[Settlement, list[DeliveryEvent]]:
        """Give up what grew too old; what has arrived, before Redis was set back, is no dead letter."""
        begun, events = self._begun([head])
        if settled := self._settled_elsewhere(taken, head, begun):
            return settled[0], [*events, settled[1]]
        events += self._ended([head], begun.maybe_sent)
        text = f"older than max_age after {taken.attempts} attempts"
        if taken.error:
            text += f"; the last said: {taken.error}"
        settlement = replace(fresh(taken), dead=1, cause="expired", text=text)
        age = taken.now - head.accepted
        sentence = f"a message for {self.destination.name} grew too old ({age:.0f} s); it is kept as a dead letter"
        return settlement, [*events, self._event("delivery.dead", "error", sentence, id=head.id, reason=text)]

    def _settled_elsewhere(
        self, taken: LeasedLane, head: Entry, begun: Begun
    ) -> tuple[Settlement, DeliveryEvent] | None:
        """Say what to do with a message that somebody else sends or has sent; None when nobody does."""
        if begun.is_elsewhere:
            sentence = f"another process sends this message to {self.destination.name} at this moment"
            return kept(taken), self._event(_ELSEWHERE, "debug", sentence, id=head.id)
        if head.id in begun.sent:
            sentence = f"{self.destination.name} has this message already, this machine remembers"
            settlement = replace(fresh(taken), dropped=1, counted="known")
            return settlement, self._event("signal.already_sent", "info", sentence, id=head.id)
        return None

    # --- sending

    def _sent(self, taken: LeasedLane, todo: Send, started: float) -> tuple[Settlement, list[DeliveryEvent]]:
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
        answer, attempt = self._channel.send(parcel), Attempt(self.destination, taken, parcel)
        if isinstance(answer, Failure):
            if answer.fault is Fault.REFUSED and len(batch) > 1:
                self._alone_up_to = batch[-1].number
            settlement, event = attempt.failed(answer, self._draw)
            doubtful = frozenset(
                entry.id
                for entry in batch
                if answer.fault is Fault.AMBIGUOUS or entry.number <= taken.maybe_sent or entry.id in begun.maybe_sent
            )
            return settlement, [*events, *self._ended(batch, doubtful), event]
        events += self._remembered(batch, answer.message_id, taken.now)
        settlement, delivered = attempt.succeeded(answer, self._clock.monotonic() - started)
        return settlement, [*events, *delivered]

    def _begun(self, batch: Sequence[Entry]) -> tuple[Begun, list[DeliveryEvent]]:
        try:
            return self._ledger.begin(self.destination.name, [entry.id for entry in batch], self._clock.now()), []
        except JournalUnavailable as error:
            return Begun(), [_ledger_event(error)]

    def _ended(self, batch: Sequence[Entry], doubtful: Collection[str]) -> list[DeliveryEvent]:
        """Note that a batch was not sent; an earlier attempt that may have arrived is not forgotten by that."""
        certain = [entry.id for entry in batch if entry.id not in doubtful]
        try:
            for ids, maybe_sent in ((certain, False), (doubtful, True)):
                if ids:
                    self._ledger.ended(self.destination.name, ids, maybe_sent=maybe_sent)
        except JournalUnavailable as error:
            return [_ledger_event(error)]
        return []

    def _remembered(self, batch: Sequence[Entry], message_id: str, now: float) -> list[DeliveryEvent]:
        try:
            self._ledger.remember(self.destination.name, [entry.id for entry in batch], message_id, now)
        except JournalUnavailable as error:
            return [_ledger_event(error)]
        return []

    def _event(self, name: str, level: str, sentence: str, **fields: str | float | bool) -> DeliveryEvent:
        return DeliveryEvent(name, level, sentence, {"destination": self.destination.name, **fields})

    def close(self) -> None:
        """Give back the channel's connections."""
        self._channel.close()


def _before_known(batch: tuple[Entry, ...], known: frozenset[str]) -> tuple[Entry, ...]:
    for place, entry in enumerate(batch):
        if entry.id in known:
            return batch[:place]
    return batch


def _ledger_event(error: JournalUnavailable) -> DeliveryEvent:
    sentence = "what was sent cannot be remembered on this machine; after a loss of Redis data messages may repeat"
    return DeliveryEvent("ledger.unavailable", "warning", sentence, {"reason": str(error)})
