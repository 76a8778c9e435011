"""The queue on a terminal and as JSON: lanes, dead letters, silences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from ninja_daemon.app.queues.silence_words import silence_fields, silence_line
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.words import counted

if TYPE_CHECKING:
    from ninja_daemon.core.lanes.dead_letters import DeadLetter
    from ninja_daemon.core.lanes.depths import LaneDepth, QueueDepths
    from ninja_daemon.core.messages.routing import Silence


UNROUTED: Final = "-"
"""How dead letters without a destination are named on the command line."""


_WIDTH: Final = 160


def told_apart(depths: QueueDepths, configured: tuple[str, ...]) -> QueueDepths:
    """Say of lanes that nobody serves any more that it is so: their destination was taken out of the configuration."""
    if not configured:
        return depths
    lanes = [
        lane if lane.destination in configured else replace(lane, state="not configured", due_in=None)
        for lane in depths.lanes
        if lane.destination in configured or lane.waiting or lane.dead
    ]
    return replace(depths, lanes=tuple(lanes))


def depths_json(depths: QueueDepths, silences: Sequence[Silence]) -> dict[str, Any]:
    """Return the queue for another program."""
    return {
        "signals": depths.signals,
        "alerts": depths.alerts,
        "dead": depths.dead,
        "dead_unrouted": depths.unrouted,
        "destinations": [asdict(lane) for lane in depths.lanes],
        "counters": dict(depths.counters),
        "silences": [silence_fields(one, depths) for one in silences],
    }


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter for another program."""
    fields = asdict(letter)
    del fields["stored"]
    fields["first"] = format_moment(letter.first) if letter.first else None
    fields["last"] = format_moment(letter.last)
    return fields


def print_depths(depths: QueueDepths, silences: Sequence[Silence]) -> None:
    """Print the queue and what is silenced."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    table = Table(box=None, header_style="bold dim", pad_edge=False, padding=(0, 1))
    for title in ("destination", "state"):
        table.add_column(title, no_wrap=True)
    for title in ("waiting", "oldest", "attempts", "dead", "delivered", "repeats"):
        table.add_column(title, no_wrap=True, justify="right")
    table.add_column("last trouble", overflow="ellipsis", no_wrap=True)
    for lane in depths.lanes:
        table.add_row(*_row(lane, Text))
    waiting = f"on the list: {counted(depths.signals, 'signal')}, {counted(depths.alerts, 'alert')}"
    console.print(Text(f"{waiting}; dead letters: {depths.dead}", style="bold"))
    if depths.unrouted:
        console.print(
            f"{counted(depths.unrouted, 'dead letter')} never had a destination: ninja-daemon queue dead {UNROUTED}"
        )
    console.print(table)
    for lane in depths.lanes:
        if lane.outcomes_shown or lane.outcomes_dropped:
            console.print(f"{lane.destination}: {lane.outcomes_shown} outcomes shown, {lane.outcomes_dropped} left out")
    for one in silences:
        console.print(silence_line(one, depths), markup=False, soft_wrap=True)


def _row(lane: LaneDepth, text: Callable[..., Any]) -> list[Any]:
    troubled = lane.state in {"suspended", "retry", "paused", "not configured"}
    state = lane.shown_state + (f" in {_duration(lane.due_in)}" if lane.due_in else "")
    return [
        text(lane.destination),
        text(state, style="yellow" if troubled else "green"),
        str(lane.waiting),
        _duration(lane.oldest_age) if lane.oldest_age is not None else "–",
        str(lane.attempts or "–"),
        text(str(lane.dead or "–"), style="red" if lane.dead else ""),
        str(lane.delivered),
        str(lane.repeats or "–"),
        text(safe(lane.error) or "–"),
    ]


def _duration(seconds: float) -> str:
    from ninja_daemon.core.words import duration

    return duration(max(0.0, seconds))


def safe(text: str) -> str:
    """Make text of others harmless on a terminal."""
    from ninja_daemon.adapters.network.redaction import escaped

    return escaped(text)
