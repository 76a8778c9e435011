"""From a lane to its destination: take the lane, send what is due, write down what became of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.lanes.record import LaneQuery, LaneView, LeasedLane, NotNow, Settlement, milliseconds
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.messages.lateness import Lateness
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.send_policy import Discard, Drop, Expire, Reason, Send, Wait, plan
from ninja_daemon.usecases.delivery.attempt import fresh, kept
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.delivery_ports import Channel, SentLedger
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.sender import ELSEWHERE, Sender
from ninja_daemon.usecases.lifetimes import LANE_LEASE
from ninja_daemon.usecases.ports import Clock

POLL: Final = 1.0
"""Seconds until a lane is looked at again that nobody rings for."""
_MOMENT: Final = 0.1
"""Seconds for which it is believed how a lane stood; its version says whether it has changed, its clock does not."""
_BREATH: Final = 0.05
_NO_LIMITS: Final = Lateness()
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
    wait: float = POLL
    state: str = ""
    reason: Reason | None = None
    events: tuple[DeliveryEvent, ...] = ()


class LaneWorker:
    """Empties one destination's lane, one message at a time. For one thread."""

    def __init__(  # noqa: PLR0913 - each part by name
        self,
        destination: Destination,
        *,
        channel: Channel,
        lanes: StoredLanes,
        ledger: SentLedger,
        clock: Clock,
        draw: Callable[[], float] = random.random,
        lease: float = LANE_LEASE,
        lateness: Lateness = _NO_LIMITS,
    ) -> None:
        """Bind a destination to its channel and its lane.

        Args:
            ledger: what was sent before.
            draw: random numbers for the jitter.
            lease: seconds for which the lane is kept; more than twice what a post may take.
        """
        self.destination = destination
        self._sender = Sender(destination, channel, ledger, clock, draw)
        self._lanes = lanes
        self._clock = clock
        self._lease = lease
        self._lateness = lateness
        policy = destination.policy
        self.query = LaneQuery(destination.name, policy.most_entries, channel.provider, policy.after)
        self._unsettled: tuple[LeasedLane, Settlement, list[DeliveryEvent], float] | None = None
        self._seen: tuple[LaneView, float] | None = None
        self._probe_at = 0.0

    def step(self) -> LaneStep:
        """Take the lane, send what is due, write down what became of it.

        Raises:
            StoreUnavailable: the queue is away. What was sent already is not forgotten: the next step writes it down.
        """
        if self._unsettled is not None:
            return self._settle(*self._unsettled)
        taken = self._lanes.take(self.query, self._lease, self._just_seen())
        if isinstance(taken, NotNow):
            self._probe_at = self._clock.monotonic() + (taken.wait or 0.0)
            return LaneStep(False, min(POLL, taken.wait or POLL), taken.state, taken.reason)  # noqa: FBT003 - a field
        started = self._clock.monotonic()
        taken = replace(taken, entries=self._seen_now(taken.entries, taken))
        settlement, events = self._handled(taken, started)
        if settlement.suspend and settlement.cause:
            # Is it the message's fault, and not the destination's? The next message tells, where there is one.
            both = replace(taken, entries=self._seen_now(self._lanes.heads(self.destination.name, 2), taken))
            if len(both.entries) > 1 and both.entries[0].number == taken.entries[0].number:
                asked = self._sender.asked_again(both, settlement, started)
                if asked is not None:
                    return self._settle(both, *asked, started)
        return self._settle(taken, settlement, events, started)

    @property
    def is_probe_due(self) -> bool:
        """Whether the wait is over that the lane was in when it was last looked at."""
        return self._clock.monotonic() >= self._probe_at

    def _seen_now(self, entries: tuple[Entry, ...], taken: LeasedLane) -> tuple[Entry, ...]:
        return self._lateness.seen_at(entries, taken.now)

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
        if any(event.name == ELSEWHERE for event in events):
            return LaneStep(False, _ELSEWHERE_POLL, "leased", events=tuple(events))  # noqa: FBT003 - a field
        return LaneStep(True, 0.0, events=tuple(events))  # noqa: FBT003 - a field

    def _handled(self, taken: LeasedLane, started: float) -> tuple[Settlement, list[DeliveryEvent]]:
        todo = plan(self.destination.policy, taken.entries, taken.young_since, taken.now)
        head = taken.entries[0]
        if isinstance(todo, Send):
            return self._sender.sent(taken, todo, started)
        if isinstance(todo, Expire):
            return self._sender.expired(taken, head)
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

    def _event(self, name: str, level: str, sentence: str, **fields: str | float | bool) -> DeliveryEvent:
        return DeliveryEvent(name, level, sentence, {"destination": self.destination.name, **fields})

    def close(self) -> None:
        """Give back the channel's connections."""
        self._sender.close()
