"""From an inbox to the lanes: each signal to the destinations of its route, each alert to its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ninja_daemon.core.lanes.intake import Arrival, Assignment, Drained, InboxView, Intake, admit
from ninja_daemon.core.lanes.record import LaneQuery, LaneView
from ninja_daemon.core.messages.destination import CONSOLE, Delivery
from ninja_daemon.core.messages.message import Kind, Notice
from ninja_daemon.core.messages.outcome_routing import outcome_destinations
from ninja_daemon.core.messages.routing import Silence, audible, destinations_for, hushing
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.delivery_ports import Inbox

UNWANTED: Final = "outcomes_unwanted"
"""Counts outcomes that no destination shows."""
DRAIN_MOST: Final = 100
"""Elements that are moved to the lanes in one step."""
_TRIES: Final = 5
"""How often an inbox is looked at again because another process took something out of it meanwhile."""


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What a drain did.

    Attributes:
        moved: elements that left the inbox.
        lanes: those that got something.
        views: how they stood afterwards, as far as it is known.
        dead: why elements went to the dead letters instead.
    """

    moved: int
    lanes: frozenset[str] = frozenset()
    events: tuple[DeliveryEvent, ...] = ()
    views: Mapping[str, LaneView] = field(default_factory=dict)
    dead: tuple[str, ...] = ()


def drain(
    inbox: Inbox,
    delivery: Delivery,
    silences: Sequence[Silence],
    now: float,
    *,
    queries: Mapping[str, LaneQuery] | None = None,
    view: InboxView | None = None,
) -> DrainResult:
    """Move what waits in an inbox to its lanes: one look, one atomic step.

    Args:
        silences: those in force besides the configured ones.
        now: epoch seconds.
        queries: what the workers ask of their lanes, by name; answered for the lanes that got something.
        view: what lay there a moment ago, which saves a look.

    Raises:
        StoreUnavailable: it is not known what was moved; look again.
    """
    hushed = (*delivery.silences, *silences)
    for _ in range(_TRIES):
        looked, view = view or inbox.peek(DRAIN_MOST), None
        if not looked.arrivals:
            break
        assignments = _assignments(looked, delivery, hushed, now)
        intake, drained = _drained(inbox, looked, assignments, queries or {})
        if drained.is_done:
            return replace(_drain_result(intake, assignments), views=drained.views)
    return DrainResult(0)


def _assignments(view: InboxView, delivery: Delivery, silences: Sequence[Silence], now: float) -> Sequence[Assignment]:
    if view.kind is Kind.OUTCOME and not delivery.wants_outcomes:
        return [Assignment(arrival, counted=UNWANTED) for arrival in view.arrivals]
    return [_assigned(arrival, delivery, silences, now) for arrival in view.arrivals]


def _drained(
    inbox: Inbox, view: InboxView, assignments: Sequence[Assignment], queries: Mapping[str, LaneQuery]
) -> tuple[Intake, Drained]:
    """Write an intake; once more where it names ids that were taken before."""
    intake = admit(view, assignments)
    drained = inbox.drain(intake, _asked(intake, queries))
    if drained.known:
        intake = admit(view, assignments, drained.known)
        drained = inbox.drain(intake, _asked(intake, queries))
    return intake, drained


def _asked(intake: Intake, queries: Mapping[str, LaneQuery]) -> list[LaneQuery]:
    return [queries[name] for name in sorted(intake.lanes) if name in queries]


def _drain_result(intake: Intake, assignments: Sequence[Assignment]) -> DrainResult:
    events: list[DeliveryEvent] = []
    for admission, assignment in zip(intake.admissions, assignments, strict=True):
        events += [_repeated_event(assignment)] if admission.is_repeated else _drain_events(assignment)
    dead = tuple(one.letter.reason for one in intake.admissions if one.letter is not None)
    return DrainResult(len(intake.admissions), intake.lanes, tuple(events), dead=dead)


def _assigned(arrival: Arrival, delivery: Delivery, silences: Sequence[Silence], now: float) -> Assignment:
    if arrival.unreadable:
        return Assignment(arrival, counted="unreadable", dead=arrival.unreadable)
    if arrival.outcome is not None:
        to = outcome_destinations(delivery, arrival.outcome, silences, now)
        return Assignment(arrival, to, "drained" if to else UNWANTED)
    if arrival.notice is not None:
        return Assignment(arrival, _alert_destinations(arrival.notice, delivery), counted="drained")
    assert arrival.signal is not None  # noqa: S101 - neither notice nor unreadable
    routed = destinations_for(delivery.routes, arrival.signal)
    if routed is None:
        return Assignment(arrival, counted="unrouted", dead="no route takes it")
    heard = audible(routed, silences, arrival.signal, now)
    counted = "drained"
    if not heard:
        counted = "silenced" if routed else "unwanted"
    hushed = tuple(one.counter for one in hushing(routed, silences, arrival.signal, now))
    return Assignment(arrival, heard, counted, also_counted=hushed)


def _alert_destinations(notice: Notice, delivery: Delivery) -> tuple[str, ...]:
    for topic, to in delivery.told.items():
        if notice.topic == topic:
            return to
    others = tuple(name for name in delivery.alerts if name != notice.about)
    return others or (CONSOLE,)


def _drain_events(assignment: Assignment) -> list[DeliveryEvent]:
    arrival = assignment.arrival
    if arrival.unreadable:
        sentence = "an entry of the list cannot be read; it is kept with the dead letters"
        return [DeliveryEvent("signal.unreadable", "error", sentence, {"reason": assignment.dead[:300]})]
    if arrival.outcome is not None:
        where = ", ".join(assignment.to) or "nowhere: no destination shows it"
        fields = {"id": arrival.outcome.id, "strategy": arrival.outcome.strategy}
        return [DeliveryEvent("outcome.routed", "debug", f"an outcome goes to {where}", fields)]
    if arrival.signal is None:
        return []
    signal = arrival.signal
    fields = {"id": signal.id, "strategy": signal.strategy, "side": signal.side.name}
    what = f"{signal.instrument} {signal.timeframe} {signal.side.name}"
    if assignment.dead:
        return [
            DeliveryEvent(
                "signal.unrouted", "error", f"no route takes {what}; it is kept with the dead letters", fields
            )
        ]
    if assignment.counted == "silenced":
        return [DeliveryEvent("signal.silenced", "info", f"{what} is silenced", fields)]
    if assignment.counted == "unwanted":
        return [DeliveryEvent("signal.unwanted", "info", f"{what} goes nowhere, as its route says", fields)]
    return [DeliveryEvent("signal.routed", "debug", f"{what} goes to {', '.join(assignment.to)}", fields)]


def _repeated_event(assignment: Assignment) -> DeliveryEvent:
    sentence = "a message that was taken before was listed again; it is left out"
    return DeliveryEvent("signal.repeated", "info", sentence, {"id": assignment.arrival.id})
