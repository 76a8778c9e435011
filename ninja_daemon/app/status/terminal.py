"""The status as a picture for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.adapters.redis.lanes import QueueDepths
from ninja_daemon.adapters.telemetry.logs import duration
from ninja_daemon.app.status.gathering import Status
from ninja_daemon.app.status.strategy_figures import StrategyFigures, rejection_words
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.words import counted

_MOMENT_AGO: Final = 600
_BARS: Final = 6
_FULL_BAR: Final = 4
_WIDE: Final = 150
_MIDDLE: Final = 100
_OUTCOMES: Final = {"0": "no answer"}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def status_view(status: Status, width: int) -> RenderableType:
    """Return the picture, fit for a terminal of so many columns."""
    parts: list[RenderableType] = [_header(status)]
    if status.delivery is not None and status.delivery.lanes:
        parts.append(_lanes(status.delivery))
    parts.append(_strategies(status, width))
    notes = [*status.notes, *(f"{each.strategy.name}: {note}" for each in status.strategies for note in each.notes)]
    parts += [Text(f"! {escaped(note)}", style="yellow") for note in notes]
    return Group(*parts)


def _header(status: Status) -> RenderableType:
    lines = Text()
    lines.append_text(_daemon_line(status)).append("\n")
    lines.append_text(_notifier_line(status)).append("\n")
    if (broker := _broker_line(status)) is not None:
        lines.append_text(broker).append("\n")
    lines.append("queue     ", style="bold")
    if status.queued is None:
        lines.append("the signals key is not a list", style="red")
    else:
        plural = "signal waits" if status.queued == 1 else "signals wait"
        lines.append(f"{status.queued} {plural} for the notifier", style="yellow" if status.queued else "")
    if status.delivery is not None and status.delivery.dead:
        plural = "dead letter" if status.delivery.dead == 1 else "dead letters"
        lines.append(f"   {status.delivery.dead} {plural}, see: ninja-daemon queue", style="red")
    where = "without Redis" if status.redis is None else f"redis {status.redis}"
    lines.append(f"   {where}   namespace {status.namespace}", style="dim")
    if status.away:
        lines.append("\nredis     ", style="bold").append(escaped(status.away)[:200], style="not bold red")
    when = datetime.fromtimestamp(int(status.at), UTC)
    return Panel(lines, title=f"ninja-daemon  {when:%Y-%m-%d %H:%M:%S} UTC", title_align="left", border_style="dim")


def _daemon_line(status: Status) -> Text:
    line = Text("daemon    ", style="bold")
    beat = status.daemon
    if beat is None:
        return line.append("no sign of life in the last minute; start it with: ninja-daemon run", style="not bold red")
    state = _field(beat, "state")
    line.append(f"{state}", style="not bold green" if state == "active" else "not bold yellow")
    line.append(f"  since {_moment(beat, 'started')}", style="not bold")
    line.append(f"  last wake {_moment(beat, 'last_wake')}", style="not bold")
    line.append(f"  {_field(beat, 'evaluated')} candles, {_field(beat, 'signals')} signals", style="not bold")
    ratio = beat.get("hit_ratio")
    if isinstance(ratio, float | int):
        line.append(f"  averages found {ratio:.1%}", style="not bold")
    return line


def _notifier_line(status: Status) -> Text:
    line = Text("notifier  ", style="bold")
    beat = status.notifier
    if beat is None:
        advice = "no sign of life in the last minute; start it with: ninja-daemon notify"
        return line.append(advice, style="not bold yellow")
    shown = [
        f"{escaped(str(name))[:24]} {_scalar(value)}"
        for name, value in beat.items()
        if name not in {"schema", "host", "pid", "v"} and isinstance(value, str | int | float | None)
    ]
    return line.append("alive  ", style="not bold green").append("  ".join(shown[:6]), style="not bold")


def _broker_line(status: Status) -> Text | None:
    traffic = (status.daemon or {}).get("broker")
    requests = traffic.get("requests") if isinstance(traffic, dict) else None
    if not isinstance(traffic, dict) or not isinstance(requests, dict):
        return None
    counts = {str(code): count for code, count in requests.items() if isinstance(count, int)}
    line = Text("broker    ", style="bold")
    line.append(f"{counted(sum(counts.values()), 'request')}", style="not bold")
    others = [f"{count} × {_OUTCOMES.get(code, code)}" for code, count in sorted(counts.items()) if code != "200"]
    if others:
        line.append(f" ({escaped(', '.join(others))[:60]})", style="not bold yellow")
    line.append(
        f"  {_field(traffic, 'candles')} candles, {_field(traffic, 'connections')} connections", style="not bold"
    )
    doubt = traffic.get("doubt")
    if isinstance(doubt, str) and doubt:
        line.append(f"\n          {escaped(doubt)[:300]}", style="not bold yellow")
    kept = (status.daemon or {}).get("kept_commits")
    if isinstance(kept, int) and kept:
        line.append(f"  {kept} commits in the journal wait for Redis", style="not bold yellow")
    return line


def _lanes(delivery: QueueDepths) -> RenderableType:
    table = Table(box=None, header_style="bold dim", pad_edge=False, padding=(0, 1))
    for title in ("destination", "lane"):
        table.add_column(title, no_wrap=True)
    for title in ("waiting", "dead", "delivered", "oldest"):
        table.add_column(title, no_wrap=True, justify="right")
    table.add_column("last failure")
    for lane in delivery.lanes:
        is_well = lane.state in {"idle", "ready"}
        due = "" if not lane.due_in else f" {_span(lane.due_in)}"
        table.add_row(
            Text(escaped(lane.destination)),
            Text(escaped(lane.state) + due, style="green" if is_well else "yellow"),
            Text(str(lane.waiting)),
            Text(str(lane.dead), style="red" if lane.dead else ""),
            Text(str(lane.delivered)),
            Text("–" if lane.oldest_age is None else duration(max(0.0, lane.oldest_age))),
            Text(escaped(lane.error)[:80], style="dim"),
        )
    return table


def _strategies(status: Status, width: int) -> RenderableType:
    table = Table(box=None, header_style="bold dim", pad_edge=False, padding=(0, 1), expand=False)
    for title in ("strategy", "side"):
        table.add_column(title, no_wrap=True)
    table.add_column("candle closed", no_wrap=True)
    table.add_column("next", no_wrap=True, justify="right")
    if width >= _MIDDLE:
        for title in ("close", "fast", "slow"):
            table.add_column(title, no_wrap=True, justify="right")
    table.add_column("gap pips", no_wrap=True, justify="right")
    table.add_column("crosses at", no_wrap=True, justify="right")
    if width >= _WIDE:
        table.add_column("last signal", no_wrap=True)
        table.add_column("crosses", no_wrap=True)
    table.add_column("state", ratio=1)
    for figures in status.strategies:
        table.add_row(*_cells(figures, status.at, width, counted=status.is_counted))
    return table


def _cells(figures: StrategyFigures, now: float, width: int, *, counted: bool) -> Sequence[RenderableType]:
    averages = figures.averages
    cells: list[RenderableType] = [Text(figures.strategy.name), _side(figures.side)]
    cells.append(Text("–" if figures.last_close is None else _when(figures.last_close, now)))
    cells.append(Text(_span(figures.next_close - now), style="dim"))
    if width >= _MIDDLE:
        digits = 0 if averages is None else max(0, -_exponent(averages.close))
        values = (None, None, None) if averages is None else (averages.close, averages.fast, averages.slow)
        cells += [Text("–" if value is None else f"{value:.{digits}f}") for value in values]
    cells.append(_gap(figures))
    if averages is None or averages.cross_price is None:
        cells.append(Text("–"))
    else:
        arrow = "▲" if averages.cross_above else "▼"
        cells.append(Text(f"{averages.cross_price}{arrow} {averages.cross_pips:+}"))
    if width >= _WIDE:
        cells += [_last_signal(figures, now), _crosses(figures) if counted else Text("–")]
    cells.append(Text(escaped(figures.condition), style="red" if figures.is_stale else "green"))
    return cells


def _side(side: Side | None) -> Text:
    if side is None:
        return Text("–")
    return Text("▲ BUY", style="green") if side is Side.BUY else Text("▼ SELL", style="red")


def _gap(figures: StrategyFigures) -> Text:
    """Show the gap of the averages, with a bar that is full at four average true ranges."""
    averages = figures.averages
    if averages is None:
        return Text("–")
    if averages.gap_pips is None:
        return Text(f"{averages.warm} of {figures.strategy.warm_up}", style="dim")
    bar = ""
    if averages.atr and averages.fast is not None and averages.slow is not None:
        share = abs(averages.fast - averages.slow) / averages.atr / _FULL_BAR
        bar = "▰" * min(_BARS, int(share * _BARS) + 1)
    style = "green" if averages.gap_pips > 0 else "red"
    return Text(f"{averages.gap_pips:+} ").append(f"{bar:▱<{_BARS}}", style=style)


def _last_signal(figures: StrategyFigures, now: float) -> Text:
    time = figures.tally.last_signal_time
    return Text("–" if time is None else _when(time, now))


def _crosses(figures: StrategyFigures) -> Text:
    tally = figures.tally
    rejected = rejection_words(tally.rejected)
    return Text(f"{tally.crosses}" + (f" ({rejected})" if rejected else ""))


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _when(at: int, now: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    today = datetime.fromtimestamp(now, UTC)
    if moment.date() == today.date():
        # Minutes say enough of anything but a moment ago.
        return f"today {moment:%H:%M:%S}" if now - at < _MOMENT_AGO else f"today {moment:%H:%M}"
    return f"{moment:%d %b %H:%M}" if moment.year == today.year else f"{moment:%d %b %Y}"


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole >= _DAY:
        return f"in {whole // _DAY} d {whole % _DAY // _HOUR} h"
    if whole >= _HOUR:
        return f"in {whole // _HOUR} h {whole % _HOUR // _MINUTE:02d}"
    return f"in {whole // _MINUTE} min" if whole >= _MINUTE else f"in {whole} s"


def _field(beat: Mapping[str, Any], name: str) -> str:
    return _scalar(beat.get(name))


def _scalar(value: object) -> str:
    return "–" if value is None else escaped(str(value))[:40]


def _moment(beat: Mapping[str, Any], name: str) -> str:
    text = _field(beat, name)
    return text[:16].replace("T", " ")
