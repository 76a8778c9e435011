"""Signals as a table on a terminal: the columns that fit, by their rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from rich.console import Console
from rich.text import Text

from ninja_daemon.adapters.stored.reports import History
from ninja_daemon.app.status.rows.ranked_table import Column, ranked_table
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

_AROUND: Final = 3
"""Lines of the window that are no signal: the heading, the count of the hidden ones, the shell's."""


def show(chosen: Sequence[Signal], history: History, none: str, *, whole: bool) -> None:
    """Print signals, the newest at the bottom; on a terminal as many as it is high, unless all are wanted."""
    console = Console()
    if not chosen:
        console.print(none)
        return
    shown = chosen if whole or not console.is_terminal else chosen[-max(1, console.height - _AROUND) :]
    if hidden := len(chosen) - len(shown):
        console.print(f"{hidden} older ones: make the window taller, or: ninja-daemon signals --all", style="dim")
    console.print(ranked_table(_columns(shown, history), console.width))


def _columns(chosen: Sequence[Signal], history: History) -> Sequence[Column]:
    def column(
        title: str, rank: int, text: Callable[[Signal], str], justify: Literal["left", "right"] = "right"
    ) -> Column:
        return Column(title, rank, [Text(text(signal)) for signal in chosen], justify)

    return (
        column("candle closed (UTC)", 0, _closed, "left"),
        column("strategy", 1, lambda signal: signal.strategy, "left"),
        Column("side", 0, [_side(signal) for signal in chosen]),
        column("close", 0, lambda signal: f"{signal.close:f}"),
        column("stop", 2, lambda signal: f"{signal.stop_loss:f}"),
        column("target", 3, lambda signal: f"{signal.take_profit:f}"),
        column("pips", 5, lambda signal: f"-{signal.sl_pips:f} / +{signal.tp_pips:f}"),
        column("risk/reward", 6, lambda signal: f"{signal.shown_ratio:.2f}"),
        column("outcome", 4, lambda signal: _ended(signal, history), "left"),
        column("id", 7, lambda signal: signal.id[:8], "left"),
    )


def _ended(signal: Signal, history: History) -> str:
    """Say how a signal ended, in as few letters as a column has."""
    outcome = history.outcomes.get(signal.id)
    if outcome is None:
        return "open" if signal.id in history.followed else ""
    return f"{outcome.result.value} {outcome.r:+.2f} R"


def _closed(signal: Signal) -> str:
    """Write the close to the second only where the candles are shorter than a minute."""
    length = 19 if signal.timeframe.startswith("S") else 16
    return format_instant(signal.close_time)[:length].replace("T", " ") + (" late" if signal.late else "")


def _side(signal: Signal) -> Text:

    is_buy = signal.side is Side.BUY
    return Text("▲ BUY" if is_buy else "▼ SELL", style="green" if is_buy else "red")
