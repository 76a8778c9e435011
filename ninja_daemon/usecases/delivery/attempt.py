"""A message under way, and what its acceptance comes to for the lane. Nothing is sent here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.lanes.record import LeasedLane, Settlement
from ninja_daemon.core.messages.destination import Destination, Sent
from ninja_daemon.core.messages.message import Bundle, Entry
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.trouble_notices import ended_notice

LONGEST_WAIT: Final = 86_400.0
"""Seconds that a service may ask us to wait."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that was sent, or not, under a lease of its lane."""

    destination: Destination
    taken: LeasedLane
    bundle: Bundle

    def succeeded(self, sent: Sent, elapsed: float) -> tuple[Settlement, list[DeliveryEvent]]:
        """Settle what arrived, ``elapsed`` seconds after the lane was taken."""
        taken, bundle = self.taken, self.bundle
        now = taken.now + elapsed
        allowance, wait = taken.allowance, min(sent.pause, LONGEST_WAIT)
        if rate := self.destination.policy.rate:
            allowance = rate.booked(taken.allowance, now)
            wait = max(wait, rate.free_at(allowance) - now)
        # An outcome that is shown ends no suspension: the next message, which is sent at once, does.
        ended = None if bundle.outcome and taken.is_probe else ended_notice(self.destination.name, taken, now)
        settlement = replace(
            shown(taken) if bundle.outcome else replace(fresh(taken), delivered=len(bundle.entries)),
            wait=wait,
            reason=Reason.RATE if wait > 0 else None,
            allowance=allowance,
            repeats=len(bundle.entries) if bundle.repeat and not bundle.outcome else 0,
            refusals=0,
            throttles=0,
            alert=ended,
        )
        events = [self._delivered(entry, sent, elapsed) for entry in bundle.entries]
        if ended is not None:
            events.append(self.event("lane.healed", "info", ended.text))
        return settlement, events

    def _delivered(self, entry: Entry, sent: Sent, elapsed: float) -> DeliveryEvent:
        fields: dict[str, str | int | float | bool] = {"id": entry.id, "ms": round(elapsed * 1000, 1)}
        if entry.signal is not None:
            fields["strategy"] = entry.signal.strategy
        if self.taken.attempts:
            fields["attempt"] = self.taken.attempts + 1
        if self.bundle.repeat:
            fields["repeat"] = True
        if sent.message_id:
            fields["message_id"] = sent.message_id
        name, level = ("signal.delivered", "info") if entry.signal else ("notice.delivered", "debug")
        if entry.outcome is not None:
            name, level = "outcome.shown", "info"
        return self.event(name, level, f"{_what(entry)} delivered to {self.destination.name}", **fields)

    def event(self, name: str, level: str, sentence: str, **fields: str | float | bool) -> DeliveryEvent:
        """Return something that happened with this message at this destination."""
        return DeliveryEvent(name, level, sentence, {"destination": self.destination.name, **fields})


def kept(taken: LeasedLane) -> Settlement:
    """Begin a settlement after which the same message is at the head."""
    return Settlement(
        attempts=taken.attempts,
        first_attempt=taken.first_attempt,
        maybe_sent=taken.maybe_sent,
        allowance=taken.allowance,
        refusals=taken.record.refusals,
        throttles=taken.record.throttles,
    )


def fresh(taken: LeasedLane) -> Settlement:
    """Begin a settlement after which another message is at the head."""
    return replace(kept(taken), attempts=0, first_attempt=0.0)


def shown(taken: LeasedLane) -> Settlement:
    """Settle an outcome that the destination shows."""
    return replace(fresh(taken), dropped=1, counted="outcomes_shown")


def dropped(destination: Destination, taken: LeasedLane, reason: str) -> tuple[Settlement, DeliveryEvent]:
    """Settle an outcome that cannot be shown: it is counted, and is no dead letter, since the list had it."""
    settlement = replace(fresh(taken), dropped=1, counted="outcomes_dropped")
    sentence = f"{destination.name} does not show an outcome; it is left out"
    fields = {"destination": destination.name, "id": taken.entries[0].id, "reason": reason}
    return settlement, DeliveryEvent("outcome.dropped", "warning", sentence, fields)


def _what(entry: Entry) -> str:
    if entry.outcome is not None:
        return f"the outcome of {entry.outcome.instrument} {entry.outcome.timeframe} {entry.outcome.side.name}"
    if entry.signal is None:
        return "a notice" if entry.notice is None else f"the notice {entry.notice.topic}"
    return f"{entry.signal.instrument} {entry.signal.timeframe} {entry.signal.side.name}"
