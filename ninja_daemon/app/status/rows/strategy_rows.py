"""The table of strategies: one line each, and what could not be said in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from rich.text import Text

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.rows.ranked_table import Column
from ninja_daemon.app.status.shared.averages import Averages
from ninja_daemon.app.status.strategy_figures import StrategyFigures, rejection_words
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.spans import DAY, HOUR, MINUTE
from ninja_daemon.core.words import counted, duration

_MOMENT_AGO: Final = 600
_BARS: Final = 6
_FULL_BAR: Final = 4
_NONE: Final = "–"


def strategy_columns(status: Status) -> Sequence[Column]:
    """Return the columns, the least important with the highest rank."""
    rows, now = status.strategies, status.at
    return (
        Column("strategy", 0, [Text(each.strategy.name) for each in rows]),
        Column("side", 1, [_side(each.side) for each in rows]),
        Column("candle closed", 4, [_closed(each, now) for each in rows]),
        Column("next", 3, [_next(each, now) for each in rows], "right"),
        Column("close", 6, [_price(each, lambda of: of.close) for each in rows], "right"),
        Column("fast", 8, [_price(each, lambda of: of.fast) for each in rows], "right"),
        Column("slow", 9, [_price(each, lambda of: of.slow) for each in rows], "right"),
        Column("gap pips", 2, [_gap(each) for each in rows], "right"),
        Column("gap / 4 ATR", 11, [_bar(each) for each in rows]),
        Column("closes today", 3, [_closes(each) for each in rows], "right"),
        Column("nearest today", 6, [_nearest(each) for each in rows], "right"),
        Column("crosses at", 5, [_cross(each) for each in rows], "right"),
        Column("last signal", 7, [_last_signal(each, now) for each in rows]),
        Column("open", 7, [_open(each) for each in rows], "right"),
        Column("crosses", 10, [_crosses(each) if status.is_counted else Text(_NONE) for each in rows]),
        Column("state", 0, [_state(each, now) for each in rows], is_elastic=True),
    )


def hidden_line(hidden: Sequence[StrategyFigures], cure: str) -> Text:
    """Say how many strategies are not shown, and whether one of them needs a look."""
    stale = sum(each.is_stale for each in hidden)
    trouble = f", {stale} of them not up to date" if stale else ""
    return Text(
        f"{len(hidden)} more{trouble}: {cure}", style="red" if stale else "dim", no_wrap=True, overflow="ellipsis"
    )


def long_reasons(status: Status, room: int) -> Sequence[str]:
    """Return in full the reasons to wait that are too long for a cell, once each."""
    by_reason: dict[str, list[str]] = {}
    for each in status.strategies:
        if each.is_stale and len(each.condition) > room:
            by_reason.setdefault(each.condition, []).append(each.strategy.name)
    return [
        f"{names[0] if len(names) == 1 else counted(len(names), 'strategy')}: {reason}"
        for reason, names in by_reason.items()
    ]


def _side(side: Side | None) -> Text:
    if side is None:
        return Text(_NONE)
    return Text("▲ BUY", style="green") if side is Side.BUY else Text("▼ SELL", style="red")


def _closed(figures: StrategyFigures, now: float) -> Text:
    return Text(_NONE if figures.last_close is None else moment(figures.last_close, now))


def _next(figures: StrategyFigures, now: float) -> Text:
    return Text(span(figures.next_close - now) if figures.strategy.enabled else _NONE, style="dim")


def _price(figures: StrategyFigures, choose: Callable[[Averages], Decimal | None]) -> Text:
    averages = figures.averages
    value = None if averages is None else choose(averages)
    if averages is None or value is None:
        return Text(_NONE)
    exponent = averages.close.as_tuple().exponent
    return Text(f"{value:.{max(0, -exponent) if isinstance(exponent, int) else 0}f}")


def _gap(figures: StrategyFigures) -> Text:
    averages = figures.averages
    if averages is None:
        return Text(_NONE)
    if averages.gap_pips is None:
        return Text(f"{averages.warm} of {figures.strategy.warm_up}", style="dim")
    return Text(f"{averages.gap_pips:+}", style="green" if averages.gap_pips > 0 else "red")


def _bar(figures: StrategyFigures) -> Text:
    """Draw the gap of the averages; the bar is full at four average true ranges."""
    averages = figures.averages
    if averages is None or not averages.atr or averages.fast is None or averages.slow is None:
        return Text("")
    share = abs(averages.fast - averages.slow) / averages.atr / _FULL_BAR
    bar = "▰" * min(_BARS, int(share * _BARS) + 1)
    return Text(f"{bar:▱<{_BARS}}", style="green" if averages.fast > averages.slow else "red")


def _cross(figures: StrategyFigures) -> Text:
    """Show the close that would turn the averages, where the next candle may reach it."""
    averages = figures.averages
    if averages is None or averages.cross_price is None:
        return Text(_NONE)
    if averages.cross_is_far:
        return Text("far", style="dim")
    arrow = "▲" if averages.cross_above else "▼"
    return Text(f"{averages.cross_price}{arrow} {averages.cross_pips:+}")


def _closes(figures: StrategyFigures) -> Text:
    """Show how many of today's closes were dealt with; red where one is missing."""
    closes = figures.closes
    if closes is None:
        return Text("")
    return Text(f"{closes.dealt_with} of {closes.due}", style="red" if closes.is_missing else "")


def _nearest(figures: StrategyFigures) -> Text:
    """Show the smallest gap of the averages today, and at which close."""
    nearest = None if figures.closes is None else figures.closes.nearest
    return Text("" if nearest is None else f"{nearest.pips:.1f} at {format_instant(nearest.close)[11:16]}")


def _last_signal(figures: StrategyFigures, now: float) -> Text:
    closed = figures.last_signal_close
    return Text(_NONE if closed is None else moment(closed, now))


def _open(figures: StrategyFigures) -> Text:
    """Show how many signals are open, and what they stand at together."""
    known = [one.r for one in figures.open if one.r is not None]
    stands = f" {sum(known):+.2f} R" if known else ""
    return Text(f"{len(figures.open)}{stands}" if figures.open else _NONE)


def _crosses(figures: StrategyFigures) -> Text:
    counts = figures.counts
    rejected = rejection_words(counts.rejected)
    return Text(f"{counts.crosses}" + (f" ({rejected})" if rejected else ""))


def _state(figures: StrategyFigures, now: float) -> Text:
    if figures.paused_until is not None and not figures.is_stale:
        return Text(f"paused for {duration(figures.paused_until - now)}, {figures.condition}", style="yellow")
    return Text(escaped(figures.condition), style="red" if figures.is_stale else "green")


def moment(at: int, now: float) -> str:
    """Write an instant as people read it; seconds only where it was a moment ago."""
    when, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    if when.date() == today.date():
        return f"today {when:%H:%M:%S}" if now - at < _MOMENT_AGO else f"today {when:%H:%M}"
    return f"{when:%d %b %H:%M}" if when.year == today.year else f"{when:%d %b %Y}"


def span(seconds: float) -> str:
    """Write how long something is away."""
    whole = max(0, int(seconds))
    if whole >= DAY:
        return f"in {whole // DAY} d {whole % DAY // HOUR} h"
    if whole >= HOUR:
        return f"in {whole // HOUR} h {whole % HOUR // MINUTE:02d}"
    return f"in {whole // MINUTE} min" if whole >= MINUTE else f"in {whole} s"
