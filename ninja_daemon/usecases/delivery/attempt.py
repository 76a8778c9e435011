"""A message under way, and what its acceptance comes to for the lane. Nothing is sent here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.lanes.record import LeasedLane, Settlement
from ninja_daemon.core.messages.destination import Destination, Sent
from ninja_daemon.core.messages.message import Entry, Parcel
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
    parcel: Parcel

    def succeeded(self, sent: Sent, elapsed: float) -> tuple[Settlement, list[DeliveryEvent]]:
        """Settle what arrived, ``elapsed`` seconds after the lane was taken."""
        taken, parcel = self.taken, self.parcel
        now = taken.now + elapsed
        allowance, wait = taken.allowance, min(sent.pause, LONGEST_WAIT)
        if rate := self.destination.manners.rate:
            allowance = rate.booked(taken.allowance, now)
            wait = max(wait, rate.free_at(allowance) - now)
        settlement = replace(
            fresh(taken),
            delivered=len(parcel.entries),
            wait=wait,
            reason=Reason.RATE if wait > 0 else None,
            allowance=allowance,
            repeats=len(parcel.entries) if parcel.repeat else 0,
            refusals=0,
            throttles=0,
            alert=(ended := ended_notice(self.destination.name, taken, now)),
        )
        events = [self._delivered(entry, sent, elapsed) for entry in parcel.entries]
        if ended is not None:
            events.append(self.event("lane.healed", "warning", ended.text))
        return settlement, events

    def _delivered(self, entry: Entry, sent: Sent, elapsed: float) -> DeliveryEvent:
        fields: dict[str, str | int | float | bool] = {"id": entry.id, "ms": round(elapsed * 1000, 1)}
        if entry.signal is not None:
            fields["strategy"] = entry.signal.strategy
        if self.taken.attempts:
            fields["attempt"] = self.taken.attempts + 1
        if self.parcel.repeat:
            fields["repeat"] = True
        if sent.message_id:
            fields["message_id"] = sent.message_id
        name, level = ("signal.delivered", "info") if entry.signal else ("notice.delivered", "debug")
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


def _what(entry: Entry) -> str:
    if entry.signal is None:
        return "a notice" if entry.notice is None else f"the notice {entry.notice.topic}"
    return f"{entry.signal.instrument} {entry.signal.timeframe} {entry.signal.side.name}"
