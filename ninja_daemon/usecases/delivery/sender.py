"""A post by a channel, with what this machine remembers of it; what to do with what needs none is said here, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.lanes.record import LeasedLane, Settlement
from ninja_daemon.core.messages.destination import Destination, Failure, Fault
from ninja_daemon.core.messages.message import Bundle, Entry
from ninja_daemon.core.messages.send_policy import Send, plan
from ninja_daemon.usecases.delivery.attempt import Attempt, dropped, fresh, kept
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.delivery_ports import Begun, Channel, SentLedger
from ninja_daemon.usecases.delivery.failed_attempt import FailedAttempt
from ninja_daemon.usecases.ports import Clock

ELSEWHERE: Final = "delivery.elsewhere"


class Sender:
    """Sends one destination's messages. For one thread."""

    def __init__(
        self, destination: Destination, channel: Channel, ledger: SentLedger, clock: Clock, draw: Callable[[], float]
    ) -> None:
        """Bind a destination to its channel; see ``LaneWorker``."""
        self.destination = destination
        self._channel = channel
        self._ledger = ledger
        self._clock = clock
        self._draw = draw
        self._alone_up_to = 0

    def sent(self, taken: LeasedLane, todo: Send, started: float) -> tuple[Settlement, list[DeliveryEvent]]:
        """Send what is due and say what came of it.

        Args:
            taken: the lane.
            todo: how much of it is sent as one.
            started: when it was taken.
        """
        is_alone = taken.is_probe or taken.entries[0].number <= self._alone_up_to
        batch = taken.entries[: 1 if is_alone else todo.count]
        begun, events = self._begun(batch)
        if settled := self._settled_elsewhere(taken, batch[0], begun):
            return settled[0], [*events, settled[1]]
        batch = _before_known(batch, begun.sent)
        bundle = Bundle(
            self.destination.name,
            batch,
            grouped=self.destination.policy.group,
            digest=todo.digest,
            repeat=batch[0].number <= taken.maybe_sent or any(entry.id in begun.maybe_sent for entry in batch),
            sent_at=taken.now,
        )
        answer = self._channel.send(bundle)
        if isinstance(answer, Failure):
            settlement, failed = self._failed(FailedAttempt(self.destination, taken, bundle, answer), begun)
            return settlement, [*events, *failed]
        events += self._remembered(batch, answer.message_id, taken.now)
        elapsed = self._clock.monotonic() - started
        settlement, delivered = Attempt(self.destination, taken, bundle).succeeded(answer, elapsed)
        return settlement, [*events, *delivered]

    def _failed(self, attempt: FailedAttempt, begun: Begun) -> tuple[Settlement, list[DeliveryEvent]]:
        batch, fault, taken = attempt.bundle.entries, attempt.failure.fault, attempt.taken
        if fault is Fault.REFUSED and len(batch) > 1:
            self._alone_up_to = batch[-1].number
        settlement, event = attempt.settled(self._draw)
        doubtful = frozenset(
            entry.id
            for entry in batch
            if fault is Fault.AMBIGUOUS or entry.number <= taken.maybe_sent or entry.id in begun.maybe_sent
        )
        return settlement, [*self._ended(batch, doubtful, taken.now, attempt.failure.text), event]

    def asked_again(
        self, taken: LeasedLane, refused: Settlement, started: float
    ) -> tuple[Settlement, list[DeliveryEvent]] | None:
        """Find out whose fault it is that a message was refused, by the next one in the lane.

        Args:
            taken: the lane, with both messages.
            refused: what is to be done when it is the destination's fault: it is suspended.
            started: when the lane was taken, by the clock.

        Returns:
            What to do when the next message was accepted, so that the refused one was itself wrong; else None.
        """
        head, other = taken.entries[0], replace(taken, entries=taken.entries[1:])
        if other.entries[0].outcome is not None:
            return None  # What an edit is answered proves nothing about posts.
        if not isinstance(plan(self.destination.policy, other.entries, taken.now, taken.now), Send):
            return None
        settlement, events = self.sent(other, Send(), started)
        if not settlement.delivered:
            return None
        settlement = replace(
            settlement, dead=1, dead_first=True, cause=refused.cause, status=refused.status, text=refused.text
        )
        sentence = f"{self.destination.name} refuses a message; it is kept as a dead letter"
        told = self._event("delivery.dead", "error", sentence, id=head.id, reason=refused.text)
        return settlement, [told, *events]

    def _begun(self, batch: Sequence[Entry]) -> tuple[Begun, list[DeliveryEvent]]:
        try:
            return self._ledger.begin(self.destination.name, [entry.id for entry in batch], self._clock.now()), []
        except JournalUnavailable as error:
            return Begun(), [_ledger_event(error)]

    def _ended(self, batch: Sequence[Entry], doubtful: Collection[str], now: float, told: str) -> list[DeliveryEvent]:
        """Note that a batch was not sent; an earlier attempt that may have arrived is not forgotten by that."""
        certain = [entry.id for entry in batch if entry.id not in doubtful]
        try:
            for ids, maybe_sent in ((certain, False), (doubtful, True)):
                if ids:
                    self._ledger.ended(self.destination.name, ids, now, told, maybe_sent=maybe_sent)
        except JournalUnavailable as error:
            return [_ledger_event(error)]
        return []

    def _remembered(self, batch: Sequence[Entry], message_id: str, now: float) -> list[DeliveryEvent]:
        try:
            self._ledger.remember(self.destination.name, [entry.id for entry in batch], message_id, now)
        except JournalUnavailable as error:
            return [_ledger_event(error)]
        return []

    def expired(self, taken: LeasedLane, head: Entry) -> tuple[Settlement, list[DeliveryEvent]]:
        """Give up what grew too old; what has arrived, before Redis was set back, is no dead letter."""
        begun, events = self._begun([head])
        if settled := self._settled_elsewhere(taken, head, begun):
            return settled[0], [*events, settled[1]]
        text = f"older than max_age after {taken.attempts} attempts"
        events += self._ended([head], begun.maybe_sent, taken.now, text)
        if taken.error:
            text += f"; the last said: {taken.error}"
        if head.outcome is not None:
            settlement, event = dropped(self.destination, taken, text)
            return settlement, [*events, event]
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
            return kept(taken), self._event(ELSEWHERE, "debug", sentence, id=head.id)
        if head.id in begun.sent:
            sentence = f"{self.destination.name} has this message already, this machine remembers"
            settlement = replace(fresh(taken), dropped=1, counted="known")
            return settlement, self._event("signal.already_sent", "info", sentence, id=head.id)
        return None

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
