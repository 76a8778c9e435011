"""The lanes in a picture of the status: one line each, troubled ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.rows.ranked_table import Column, ranked_table
from ninja_daemon.app.status.rows.strategy_rows import span
from ninja_daemon.core.lanes.depths import LaneDepth
from ninja_daemon.core.words import duration

_MOST_LANES = 4
"""Lanes in a picture whose height is limited."""


_WELL: Final = frozenset({"idle", "ready"})


def lanes_shown(status: Status, width: int, *, limited: bool) -> list[RenderableType]:
    """Return the table of lanes; where the height is limited only some, and the others counted."""
    lanes = () if status.delivery is None else status.delivery.lanes
    if not lanes:
        return []
    if not limited or len(lanes) <= _MOST_LANES:
        return [ranked_table(_lane_columns(lanes), width)]
    # Troubled lanes first; the others are counted.
    shown = sorted(lanes, key=lambda lane: (lane.state in _WELL and not lane.dead, -lane.waiting))[:_MOST_LANES]
    more = Text(f"{len(lanes) - len(shown)} more destinations, see: ninja-daemon queue", style="dim")
    return [ranked_table(_lane_columns(shown), width), more]


def _lane_columns(lanes: Sequence[LaneDepth]) -> Sequence[Column]:
    return (
        Column("destination", 0, [Text(escaped(lane.destination)) for lane in lanes], is_elastic=True),
        Column("lane", 1, [_lane_state(lane) for lane in lanes]),
        Column("waiting", 2, [Text(str(lane.waiting)) for lane in lanes], "right"),
        Column("dead", 3, [Text(str(lane.dead), style="red" if lane.dead else "") for lane in lanes], "right"),
        Column("delivered", 5, [Text(str(lane.delivered)) for lane in lanes], "right"),
        Column("oldest", 4, [_oldest(lane) for lane in lanes], "right"),
        Column("last failure", 6, [Text(escaped(lane.error)[:80], style="dim") for lane in lanes], is_elastic=True),
    )


def _lane_state(lane: LaneDepth) -> Text:
    due = "" if not lane.due_in else f" {span(lane.due_in)}"
    return Text(escaped(lane.shown_state) + due, style="green" if lane.state in _WELL else "yellow")


def _oldest(lane: LaneDepth) -> Text:
    return Text("–" if lane.oldest_age is None else duration(max(0.0, lane.oldest_age)))
