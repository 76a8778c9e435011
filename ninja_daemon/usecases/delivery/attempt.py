"""What an attempt to send comes to: from the service's answer to the settlement of the lane. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.lanes.record import LeasedLane, Settlement
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.message import Entry, Notice, Parcel, Severity
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent

_THROTTLE_DEFAULT: Final = 5.0
"""Seconds to wait when a service says that there were too many posts and not how long to wait."""
_LONGEST_WAIT: Final = 86_400.0


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
        allowance, wait = taken.allowance, min(sent.pause, _LONGEST_WAIT)
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
        )
        return settlement, [self._delivered(entry, sent, elapsed) for entry in parcel.entries]

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
        return self._event(name, level, f"{_what(entry)} delivered to {self.destination.name}", **fields)

    def failed(self, failure: Failure, draw: Callable[[], float]) -> tuple[Settlement, DeliveryEvent]:
        """Settle what did not arrive; ``draw`` is for the jitter of the next attempt."""
        match failure.fault:
            case Fault.THROTTLED:
                return self._throttled(failure)
            case Fault.UNREACHED | Fault.AMBIGUOUS:
                return self._to_be_retried(failure, draw)
            case Fault.REFUSED:
                return self._refused(failure)
            case Fault.BROKEN:
                return self._broken(failure)

    def _throttled(self, failure: Failure) -> tuple[Settlement, DeliveryEvent]:
        wait = _THROTTLE_DEFAULT if failure.wait is None else min(max(failure.wait, 0.0), _LONGEST_WAIT)
        settlement = replace(
            kept(self.taken), wait=wait, reason=Reason.THROTTLED, hold_provider=wait if failure.everywhere else 0.0
        )
        sentence = f"{self.destination.name} asks to wait for {wait:.1f} s"
        return settlement, self._failed("delivery.throttled", "info", sentence, failure)

    def _to_be_retried(self, failure: Failure, draw: Callable[[], float]) -> tuple[Settlement, DeliveryEvent]:
        attempts = self.taken.attempts + 1
        wait = max(self.destination.manners.retry.delay_after(attempts, draw()), failure.wait or 0.0)
        maybe_sent = self.taken.maybe_sent
        if failure.fault is Fault.AMBIGUOUS:
            maybe_sent = max(maybe_sent, self.parcel.entries[-1].number)
        settlement = replace(
            kept(self.taken),
            attempts=attempts,
            first_attempt=self.taken.first_attempt or self.taken.now,
            maybe_sent=maybe_sent,
            wait=min(wait, _LONGEST_WAIT),
            reason=Reason.RETRY,
            text=failure.text,
        )
        sentence = f"{self.destination.name} could not be served, trying again in {wait:.1f} s"
        return settlement, self._failed("delivery.retry", "warning", sentence, failure, attempt=attempts)

    def _refused(self, failure: Failure) -> tuple[Settlement, DeliveryEvent]:
        if len(self.parcel.entries) > 1:
            # One bad message must not take the others of its group with it.
            sentence = f"{self.destination.name} refuses a group; its messages are sent one by one"
            return kept(self.taken), self._failed("delivery.group_refused", "warning", sentence, failure)
        settlement = replace(fresh(self.taken), dead=1, cause="refused", status=failure.status, text=failure.text)
        sentence = f"{self.destination.name} refuses a message; it is kept as a dead letter"
        return settlement, self._failed("delivery.dead", "error", sentence, failure)

    def _broken(self, failure: Failure) -> tuple[Settlement, DeliveryEvent]:
        name = self.destination.name
        alert = Notice(
            id=f"suspended-{name[:32]}-{self.taken.token}",
            topic="lane_suspended",
            severity=Severity.ERROR,
            text=(
                f"Nothing is sent to {name} any more: {failure.text}. Its messages are kept. Mend the destination, "
                f"then: ninja-daemon queue resume {name}"
            ),
            time=self.taken.now,
            about=name,
        )
        settlement = replace(kept(self.taken), suspend=failure.text, alert=alert, text=failure.text)
        sentence = f"{name} is suspended, its messages are kept; mend it, then: ninja-daemon queue resume {name}"
        return settlement, self._failed("lane.suspended", "error", sentence, failure)

    def _failed(self, name: str, level: str, sentence: str, failure: Failure, **more: int) -> DeliveryEvent:
        fields: dict[str, str | int | float | bool] = {
            "id": self.parcel.id,
            "fault": failure.fault,
            "reason": failure.text,
        }
        if failure.status is not None:
            fields["status"] = failure.status
        return self._event(name, level, sentence, **(fields | more))

    def _event(self, name: str, level: str, sentence: str, **fields: str | float | bool) -> DeliveryEvent:
        return DeliveryEvent(name, level, sentence, {"destination": self.destination.name, **fields})


def kept(taken: LeasedLane) -> Settlement:
    """Begin a settlement after which the same message is at the head."""
    return Settlement(
        attempts=taken.attempts,
        first_attempt=taken.first_attempt,
        maybe_sent=taken.maybe_sent,
        allowance=taken.allowance,
    )


def fresh(taken: LeasedLane) -> Settlement:
    """Begin a settlement after which another message is at the head."""
    return Settlement(maybe_sent=taken.maybe_sent, allowance=taken.allowance)


def _what(entry: Entry) -> str:
    if entry.signal is None:
        return "a notice" if entry.notice is None else f"the notice {entry.notice.topic}"
    return f"{entry.signal.instrument} {entry.signal.timeframe} {entry.signal.side.name}"
