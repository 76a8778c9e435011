"""Deliveries as a page: who gets what, what waits, what was given up, and the command that helps."""

from __future__ import annotations

from collections.abc import Sequence

from ninja_daemon.app.web.html import Child, Html, element, table
from ninja_daemon.app.web.layout import notice
from ninja_daemon.app.web.words import link, moment, span, state_of
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import LaneDepth, QueueDepths
from ninja_daemon.core.words import counted

_LANES = ("destination", "state", "waiting", "dead", "delivered", "oldest", "last failure", "what helps")
_LETTERS = ("given up", "destination", "kind", "attempts", "reason", "message")
_SHOWN = 100


def deliveries_content(depths: QueueDepths | None, letters: Sequence[DeadLetter]) -> Child:
    """Return what the page of deliveries says."""
    if depths is None:
        return notice("The delivery figures cannot be read: the keys of the queue are not what they should be.")
    lanes = sorted(depths.lanes, key=lambda lane: (_is_well(lane), lane.destination))
    newest = sorted(letters, key=lambda letter: -letter.last)[:_SHOWN]
    return [
        element("h2", "Lanes"),
        table(counted(len(lanes), "destination") + ", the worst first", _LANES, [_lane(lane) for lane in lanes]),
        element("h2", "Dead letters"),
        table(f"{len(newest)} of {counted(len(letters), 'dead letter')}, newest first", _LETTERS, map(_letter, newest)),
        _advice(depths),
    ]


def _is_well(lane: LaneDepth) -> bool:
    return lane.state in {"idle", "ready"} and not lane.dead


def _lane(lane: LaneDepth) -> list[Child]:
    due = f", next try in {span(lane.due_in)}" if lane.due_in else ""
    return [
        lane.destination,
        state_of(lane.state + due, is_well=lane.state in {"idle", "ready"}),
        lane.waiting,
        lane.dead,
        lane.delivered,
        "–" if lane.oldest_age is None else span(lane.oldest_age),
        lane.error[:300] or "–",
        _command(lane),
    ]


def _command(lane: LaneDepth) -> Child:
    if lane.state in {"paused", "suspended"}:
        return element("code", f"ninja-daemon queue resume {lane.destination}")
    if lane.dead:
        return element("code", f"ninja-daemon queue retry {lane.destination}")
    return "–"


def _letter(letter: DeadLetter) -> list[Child]:
    status = "" if letter.status is None else f" ({letter.status})"
    is_signal = letter.kind == "signal"
    return [
        moment(int(letter.last)),
        letter.destination or "none",
        letter.kind,
        letter.attempts,
        f"{letter.cause}{status}: {letter.reason[:300]}",
        link(f"/signals/{letter.id}", letter.id[:8]) if is_signal and letter.id.isalnum() else letter.id[:40] or "–",
    ]


def _advice(depths: QueueDepths) -> Html | None:
    if not depths.unrouted:
        return None
    return element(
        "p",
        f"{counted(depths.unrouted, 'message')} never had a destination: ",
        element("code", "ninja-daemon queue dead"),
        " shows them whole.",
    )
