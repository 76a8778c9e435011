"""The status as a picture for the terminal: what fits is shown, what does not is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.audits.results import AuditSummary, kinds_words
from ninja_daemon.app.queues.silence_words import silence_line
from ninja_daemon.app.status.picture import NO_DEPTHS, Status
from ninja_daemon.app.status.rows.lane_rows import lanes_shown
from ninja_daemon.app.status.rows.ranked_table import ranked_table
from ninja_daemon.app.status.rows.strategy_rows import hidden_line, long_reasons, strategy_columns
from ninja_daemon.app.status.shared.servers import servers_sentence
from ninja_daemon.app.status.shared.shards import shards_sentence
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.words import counted, duration

_OUTCOMES: Final = {"0": "no answer"}
_FRAME: Final = 4
"""Columns of the terminal that the frame around the first lines takes."""
_LEAST_ROWS: Final = 3
_MOST_NOTES = 2
"""Notes in it."""
_CELL: Final = 36
"""Characters of a reason that the state's cell shows on a wide terminal."""
TALLER: Final = "make the window taller or use --all"


def status_view(
    status: Status, width: int, height: int | None = None, *, first: int = 0, cure: str = TALLER
) -> RenderableType:
    """Return the picture.

    Args:
        status: the figures.
        width: columns of the terminal.
        height: its lines that may be filled; None for as many as it takes.
        first: the first strategy that is shown where not all fit.
        cure: how a reader comes to see those that are hidden.
    """
    above: list[RenderableType] = [_header(status, width), *lanes_shown(status, width, limited=height is not None)]
    below = _notes(status, limited=height is not None)
    rows = len(status.strategies)
    if height is None or (room := height - _lines([*above, *below], width) - 1) >= rows:
        return Group(*above, ranked_table(strategy_columns(status), width), *below)
    shown = max(_LEAST_ROWS, room - 1)
    first = max(0, min(first, rows - shown))
    hidden = [*status.strategies[:first], *status.strategies[first + shown :]]
    table = ranked_table(strategy_columns(status), width, first, shown)
    return Group(*above, table, hidden_line(hidden, cure), *below)


def _lines(parts: Sequence[RenderableType], width: int) -> int:
    console = Console(width=width)
    return sum(len(console.render_lines(part)) for part in parts)


def _header(status: Status, width: int) -> RenderableType:
    room = width - _FRAME
    lines = [_daemon_line(status, room), _notifier_line(status, room), *_broker_lines(status, room)]
    lines += [*_calendar_lines(status, room), _queue_line(status, room)]
    if status.record is not None:
        held = f"{counted(status.record.lines, 'line')}, head {status.record.head[:16]}"
        lines.append(_line("record", [(held, "")], room))
    if status.audit is not None:
        lines.append(_audit_line(status.audit, room))
    if status.servers is not None:
        lines.append(_line("redis", servers_sentence(status.servers), room))
    if status.shards is not None:
        lines.append(_line("shards", shards_sentence(status.shards), room))
    if status.away:
        lines.append(_line("redis", [(escaped(status.away), "red")], room))
    when = datetime.fromtimestamp(int(status.at), UTC)
    title = f"ninja-daemon  {when:%Y-%m-%d %H:%M:%S} UTC"
    return Panel(Group(*lines), title=title, title_align="left", border_style="dim")


def _audit_line(audit: AuditSummary, room: int) -> Text:
    found = (kinds_words(audit.differences), "red" if audit.differences else "green")
    last = f"last {format_instant(audit.newest)[:16].replace('T', ' ')}"
    return _line("audit", [found, (last, "dim"), (counted(audit.strategies, "strategy"), "dim")], room)


def _line(name: str, pieces: Sequence[tuple[str, str]], room: int) -> Text:
    """Join as many pieces as fit into the line, the first always, cut where it must be."""
    line = Text(f"{name:<10}", style="bold", no_wrap=True, overflow="ellipsis")
    for number, (text, style) in enumerate(pieces):
        if number and line.cell_len + 2 + len(text) > room:
            break
        line.append(("  " if number else "") + text, style=f"not bold {style}".strip())
    return line


def _queue_line(status: Status, room: int) -> Text:
    if status.queued is None:
        pieces = [("the signals key is not a list", "red")]
    else:
        plural = "signal waits" if status.queued == 1 else "signals wait"
        pieces = [(f"{status.queued} {plural} for the notifier", "yellow" if status.queued else "")]
    if status.delivery is not None and status.delivery.dead:
        pieces.append((f"{counted(status.delivery.dead, 'dead letter')}, see: ninja-daemon queue", "red"))
    where = "without Redis" if status.redis is None else f"redis {status.redis}"
    return _line("queue", [*pieces, (where, "dim"), (f"namespace {status.namespace}", "dim")], room)


def _daemon_line(status: Status, room: int) -> Text:
    beat = status.daemon
    if beat is None:
        said = f"{status.silence_of('daemon')}; start it with: ninja-daemon run"
        return _line("daemon", [(said, "red")], room)
    state = _field(beat, "state")
    pieces = [(state, "green" if state == "active" else "yellow"), *_age(status.daemon_age)]
    pieces.append((f"since {_moment(beat, 'started')}", ""))
    pieces.append((f"last wake {_moment(beat, 'last_wake')}", ""))
    pieces.append((f"{_field(beat, 'evaluated')} candles, {_field(beat, 'signals')} signals", ""))
    ratio = beat.get("hit_ratio")
    if isinstance(ratio, float | int):
        pieces.append((f"averages found {ratio:.1%}", ""))
    return _line("daemon", pieces, room)


def _age(seconds: float | None) -> list[tuple[str, str]]:
    """Say how old a sign of life is."""
    return [] if seconds is None else [(f"heard {duration(max(0, round(seconds)))} ago", "dim")]


def _notifier_line(status: Status, room: int) -> Text:
    beat = status.notifier
    if beat is None:
        said = f"{status.silence_of('notifier')}; start it with: ninja-daemon notify"
        return _line("notifier", [(said, "yellow")], room)
    shown = [
        (f"{escaped(str(name))[:24]} {_scalar(value)}", "")
        for name, value in beat.items()
        if name not in {"schema", "host", "pid", "v", "at", "state"} and isinstance(value, str | int | float | None)
    ]
    return _line("notifier", [("alive", "green"), *_age(status.notifier_age), *shown[:6]], room)


def _broker_lines(status: Status, room: int) -> list[Text]:
    traffic = (status.daemon or {}).get("broker")
    requests = traffic.get("requests") if isinstance(traffic, dict) else None
    if not isinstance(traffic, dict) or not isinstance(requests, dict):
        return []
    counts = {str(code): count for code, count in requests.items() if isinstance(count, int)}
    pieces = [(counted(sum(counts.values()), "request"), "")]
    others = [f"{count} × {_OUTCOMES.get(code, code)}" for code, count in sorted(counts.items()) if code != "200"]
    if others:
        pieces = [(f"{pieces[0][0]} ({escaped(', '.join(others))[:60]})", "yellow")]
    kept = (status.daemon or {}).get("kept_commits")
    if isinstance(kept, int) and kept:
        pieces.append((f"{counted(kept, 'commit')} in the journal wait for Redis", "yellow"))
    pieces.append((f"{_field(traffic, 'candles')} candles, {_field(traffic, 'connections')} connections", ""))
    lines = [_line("broker", pieces, room)]
    doubt = traffic.get("doubt")
    if isinstance(doubt, str) and doubt:
        lines.append(Text(f"{'':10}{escaped(doubt)[:300]}", style="yellow"))
    return lines


def _calendar_lines(status: Status, room: int) -> list[Text]:
    calendar = (status.daemon or {}).get("calendar")
    if not isinstance(calendar, dict):
        return []
    as_of = calendar.get("as_of")
    said = f"of {str(as_of)[:16].replace('T', ' ')} UTC" if as_of else "never read"
    pieces = [(f"{_field(calendar, 'events')} events", ""), (escaped(said), "")]
    if calendar.get("is_old") is True:
        pieces.insert(0, ("older than it should be, signals go out marked", "yellow"))
    if trouble := calendar.get("trouble"):
        pieces.append((escaped(str(trouble))[:100], "yellow"))
    return [_line("calendar", pieces, room)]


def _notes(status: Status, *, limited: bool) -> list[RenderableType]:
    stored = [f"{each.strategy.name}: {note}" for each in status.strategies for note in each.notes]
    silences = [silence_line(one, status.delivery or NO_DEPTHS) for one in status.silences]
    notes = [*status.notes, *long_reasons(status, _CELL), *silences, *stored]
    shown = notes[:_MOST_NOTES] if limited else notes
    lines: list[RenderableType] = [Text(f"! {escaped(note)}", style="yellow") for note in shown]
    if len(notes) > len(shown):
        lines.append(Text(f"! {counted(len(notes) - len(shown), 'more note')}", style="yellow"))
    return lines


def _field(beat: Mapping[str, Any], name: str) -> str:
    return _scalar(beat.get(name))


def _scalar(value: object) -> str:
    return "–" if value is None else escaped(str(value))[:40]


def _moment(beat: Mapping[str, Any], name: str) -> str:
    return _field(beat, name)[:16].replace("T", " ")
