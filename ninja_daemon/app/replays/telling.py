"""What ``replay`` says: its signals, what became of them, and a sentence for each strategy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.replay import Replayed

if TYPE_CHECKING:
    from ninja_daemon.app.record.report import Report

_LINE: Final = "{:<20} {:<16} {:<4} {:>11} {:>11} {:>11} {:>8} {:>8}  {}"


def print_report(reports: Sequence[Replayed], *, as_json: bool) -> None:
    """Print what became of the signals."""
    # Imported here: the module loads redis-py, which a plain replay does not need.
    from ninja_daemon.app.record.report import json_fields, words  # noqa: PLC0415 - see above

    made = replayed_report(reports)
    typer.echo(exact_json(json_fields(made)) if as_json else "\n".join(words(made)))


def replayed_report(reports: Sequence[Replayed]) -> Report:
    """Add up what became of the signals; as many settings were tried as there are strategies."""
    from ninja_daemon.app.record.report import report_of  # noqa: PLC0415 - as above
    from ninja_daemon.app.record.tracked import TrackedSignal  # noqa: PLC0415 - as above

    tracked: list[TrackedSignal] = []
    for report in reports:
        ended = {one.id: one for one in report.followed.outcomes} if report.followed is not None else {}
        tracked += [
            TrackedSignal(one.id, one.strategy, one.close_time, one.risk_reward_ratio, ended.get(one.id))
            for one in report.signals
        ]
    names = [report.rules.strategy.name for report in reports]
    return report_of(tracked, {"strategies": len(names), "settings": len(names)}, names)


def print_signals(signals: Sequence[Signal], *, as_json: bool, as_jsonl: bool) -> None:
    """Print signals: a table, or as they would be listed."""
    if as_json:
        typer.echo("[\n" + ",\n".join(map(encode_signal, signals)) + "\n]" if signals else "[]")
    elif as_jsonl:
        for signal in signals:
            typer.echo(encode_signal(signal))
    elif signals:
        typer.echo(_LINE.format("closed", "strategy", "side", "close", "stop", "target", "- pips", "+ pips", "id"))
        for signal in signals:
            typer.echo(_line(signal))


def _line(signal: Signal) -> str:
    # One plain line a signal, and not a table that has to see all of them first: a replay may find thousands.
    return _LINE.format(
        format_instant(signal.close_time),
        signal.strategy,
        signal.side.name,
        f"{signal.close:f}",
        f"{signal.stop_loss:f}",
        f"{signal.take_profit:f}",
        f"{signal.sl_pips:f}",
        f"{signal.tp_pips:f}",
        signal.id[:8],
    )


def summary(report: Replayed) -> str:
    """Return what a strategy made of the candles, in a sentence."""
    name = report.rules.strategy.name
    if report.first is None or report.last is None:
        return f"{name}: no candle in the span that was asked for, {report.warm_up:,} before it"
    filters = ", ".join(f"{count:,} by {reason.name}" for reason, count in report.rejected.items())
    warm_up = f" after {report.warm_up:,} for warm-up" if report.warm_up else ""
    span = f"{format_instant(report.first)} to {format_instant(report.last)}"
    return (
        f"{name}: {report.candles:,} candles{warm_up}, {span}; "
        f"{report.crosses:,} crosses, {len(report.signals):,} signals, "
        f"{sum(report.rejected.values()):,} rejected{f' ({filters})' if filters else ''}"
    )
