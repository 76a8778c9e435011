"""What a failed attempt comes to: from the service's answer to the settlement of the lane. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.lanes.record import Settlement
from ninja_daemon.core.messages.destination import Failure, Fault
from ninja_daemon.core.messages.retry import probe_delay, throttled_delay
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.core.words import counted, duration
from ninja_daemon.usecases.delivery.attempt import LONGEST_WAIT, Attempt, dropped, fresh, kept
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.trouble_notices import TOLD_AT, suspended_notice, throttled_notice

REFUSALS: Final = 3
"""So many refusals in a row, for reasons that name nothing of the message, are the destination's fault."""


@dataclass(frozen=True, slots=True)
class FailedAttempt(Attempt):
    """A message that did not arrive, or is not known to have arrived."""

    failure: Failure

    def settled(self, draw: Callable[[], float]) -> tuple[Settlement, DeliveryEvent]:
        """Settle it; ``draw`` is for the jitter of the next attempt."""
        if self.bundle.outcome is not None and self.failure.fault is Fault.REFUSED:
            return dropped(self.destination, self.taken, self.failure.text)
        if self.taken.is_probe:
            return self._still_suspended()
        match self.failure.fault:
            case Fault.THROTTLED:
                return self._throttled()
            case Fault.UNREACHED | Fault.AMBIGUOUS:
                return self._to_be_retried(draw)
            case Fault.REFUSED:
                return self._refused()
            case Fault.BROKEN:
                return self._broken()

    def _throttled(self) -> tuple[Settlement, DeliveryEvent]:
        if self.failure.wait:
            wait = min(self.failure.wait, LONGEST_WAIT)
            hold = wait if self.failure.everywhere else 0.0
            settlement = replace(kept(self.taken), wait=wait, reason=Reason.THROTTLED, hold_provider=hold)
            sentence = f"{self.destination.name} asks to wait for {wait:.1f} s"
            return settlement, self._failed("delivery.throttled", "info", sentence)
        return self._too_many(kept(self.taken), throttled_delay(self.taken.record.throttles + 1))

    def _too_many(self, settlement: Settlement, wait: float) -> tuple[Settlement, DeliveryEvent]:
        """Wait ever longer, with all lanes of the provider, since the service names no time; say so at the third."""
        times = self.taken.record.throttles + 1
        is_told = times == TOLD_AT
        settlement = replace(
            settlement,
            throttles=times,
            first_attempt=self.taken.first_attempt or self.taken.now,
            wait=wait,
            reason=Reason.THROTTLED if settlement.reason is None else settlement.reason,
            hold_provider=wait,
            alert=throttled_notice(self.destination.name, self.taken, self.failure.text, wait) if is_told else None,
        )
        sentence = f"{self.destination.name} gets too many posts and names no time; the next one is in {wait:.1f} s"
        level = "info" if times < TOLD_AT else "warning"
        return settlement, self._failed("delivery.throttled", level, sentence, times=times)

    def _to_be_retried(self, draw: Callable[[], float]) -> tuple[Settlement, DeliveryEvent]:
        attempts = self.taken.attempts + 1
        wait = max(self.destination.policy.retry.delay_after(attempts, draw()), self.failure.wait or 0.0)
        maybe_sent = self.taken.maybe_sent
        if self.failure.fault is Fault.AMBIGUOUS:
            maybe_sent = max(maybe_sent, self.bundle.entries[-1].number)
        settlement = replace(
            kept(self.taken),
            attempts=attempts,
            first_attempt=self.taken.first_attempt or self.taken.now,
            maybe_sent=maybe_sent,
            wait=min(wait, LONGEST_WAIT),
            reason=Reason.RETRY,
            text=self.failure.text,
        )
        if self.failure.is_overload and self.failure.wait is None:
            return self._overloaded(settlement)
        sentence = f"{self.destination.name} could not be served, trying again in {wait:.1f} s"
        return settlement, self._failed("delivery.retry", "warning", sentence, attempt=attempts)

    def _overloaded(self, settlement: Settlement) -> tuple[Settlement, DeliveryEvent]:
        """Try again; from the third time on at the pace of a service that finds our posts too many."""
        times = self.taken.record.throttles + 1
        if times >= TOLD_AT:
            return self._too_many(settlement, max(settlement.wait, throttled_delay(times - TOLD_AT + 1)))
        sentence = f"{self.destination.name} is overloaded, trying again in {settlement.wait:.1f} s"
        event = self._failed("delivery.retry", "warning", sentence, attempt=settlement.attempts)
        return replace(settlement, throttles=times), event

    def _refused(self) -> tuple[Settlement, DeliveryEvent]:
        if len(self.bundle.entries) > 1:
            # One bad message must not take the others of its group with it.
            sentence = f"{self.destination.name} refuses a group; its messages are sent one by one"
            return kept(self.taken), self._failed("delivery.group_refused", "warning", sentence)
        record = self.taken.record
        refusals = record.refusals + (not self.failure.blames_message)
        if not record.accepted or refusals >= REFUSALS:
            # Not the message is at fault: nothing was ever accepted, or three different ones were refused alike.
            return self._broken(dead=record.refusals)
        settlement = replace(
            fresh(self.taken), dead=1, cause="refused", status=self.failure.status, text=self.failure.text
        )
        sentence = f"{self.destination.name} refuses a message; it is kept as a dead letter"
        return replace(settlement, refusals=refusals), self._failed("delivery.dead", "error", sentence)

    def _broken(self, dead: int = 0) -> tuple[Settlement, DeliveryEvent]:
        name = self.destination.name
        alert = suspended_notice(name, self.taken, self.failure.text, dead)
        settlement = replace(
            kept(self.taken),
            suspend=self.failure.text,
            cause=self._cause,
            status=self.failure.status,
            alert=alert,
            text=self.failure.text,
        )
        sentence = (
            f"{name} is suspended, its messages are kept; it is tried again by itself, and at once after: "
            f"ninja-daemon queue resume {name}"
        )
        return settlement, self._failed("lane.suspended", "error", sentence)

    def _still_suspended(self) -> tuple[Settlement, DeliveryEvent]:
        name, probes = self.destination.name, self.taken.record.probes + 1
        asked = min(self.failure.wait or 0.0, LONGEST_WAIT)
        settlement = replace(
            kept(self.taken),
            suspend=self.failure.text,
            cause=self._cause,
            status=self.failure.status,
            text=self.failure.text,
            wait=asked,
        )
        if self.failure.fault is Fault.AMBIGUOUS:
            settlement = replace(settlement, maybe_sent=max(self.taken.maybe_sent, self.bundle.entries[-1].number))
        wait = duration(max(probe_delay(probes), settlement.wait))
        sentence = f"{name} is still suspended after {counted(probes, 'probe')}; the next one is in {wait}"
        return settlement, self._failed("lane.probed", "warning", sentence, probes=probes)

    @property
    def _cause(self) -> str:
        """What the message would be given up for, if it and not the destination were at fault; empty for nothing."""
        return "refused" if self.failure.fault is Fault.REFUSED else ""

    def _failed(self, name: str, level: str, sentence: str, **more: int) -> DeliveryEvent:
        fields: dict[str, str | int | float | bool] = {
            "id": self.bundle.id,
            "fault": self.failure.fault,
            "reason": self.failure.text,
        }
        if self.failure.status is not None:
            fields["status"] = self.failure.status
        return self.event(name, level, sentence, **(fields | more))
