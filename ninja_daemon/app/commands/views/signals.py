"""``ninja-daemon signals``: the signal history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.adapters.stored.reports import History
from ninja_daemon.app.candles.asking import typed_since
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.record.exporting import say_recorded
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.shared_options import STRATEGIES
from ninja_daemon.app.signal_history.reading import export_record, read_signals
from ninja_daemon.app.signal_history.spreadsheet import write_csv
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.signal import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which signals."""

    strategy: STRATEGIES = None
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Candles closed since: 2026-01-31, 2026-01-31T10:00:00Z, or '2 days' ago."),
    ] = None
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many of the newest; 0 for all.")] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsForm:
    """In what form."""

    whole: Annotated[bool, typer.Option("--all", help="All of them, however low the window is.")] = False
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="An array of the signals as they were listed.")] = False
    picture: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            "--picture", metavar="ID FILE", help="Draw one signal: FILE ends in .png or .svg; candles from the broker."
        ),
    ] = None
    theme: Annotated[str, typer.Option(metavar="NAME", help="Of the picture: dark or light.")] = "dark"
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Of the picture's time axis.")] = "UTC"
    export: Annotated[
        Path | None,
        typer.Option(dir_okay=False, metavar="FILE", help="Write the whole record, for `ninja-daemon verify`."),
    ] = None


def signals(*, which: Chosen, form: SignalsForm) -> None:
    """Show the signal history."""
    if form.as_csv and form.as_json:
        refuse("--csv", "must not be given together with --json")
    if form.picture is not None:
        from ninja_daemon.app.signal_history.drawing import draw_signal

        draw_signal(*form.picture, form.theme, form.zone)
        return
    earliest = typed_since(which.since)
    environ, product = running_environ()
    say_found(product)
    environment = read_environment(environ)
    if form.export is not None:
        export_record(environment, form.export)
        return
    history = read_signals(environment, reader="signals")
    _print(history, which, earliest, form)
    if not form.as_json and not form.as_csv:
        say_recorded(environment, len(history.entries))
    if history.unreadable:
        typer.echo(f"{history.unreadable} entries of the history are not signals and were left out", err=True)


def _print(history: History, which: Chosen, earliest: Instant | None, form: SignalsForm) -> None:
    names = set(which.strategy or ())
    chosen = _chosen(history, names, earliest, which.limit)
    if form.as_json:
        typer.echo("[\n" + ",\n".join(text for _, text in chosen) + "\n]" if chosen else "[]")
    elif form.as_csv:
        write_csv([signal for signal, _ in chosen], history.outcomes)
    else:
        from ninja_daemon.app.signal_history.table import show

        show([signal for signal, _ in chosen], history, _nothing(history, names), whole=form.whole)


def _chosen(history: History, names: set[str], earliest: int | None, limit: int) -> Sequence[tuple[Signal, str]]:
    chosen = [
        (signal, text)
        for signal, text in history.entries
        if (not names or signal.strategy in names) and (earliest is None or signal.close_time >= earliest)
    ]
    return chosen[-limit:] if limit else chosen


def _nothing(history: History, names: set[str]) -> str:
    """Say why nothing is shown."""
    if not history.entries:
        return "no signals yet"
    there = {signal.strategy for signal, _ in history.entries}
    if missing := names - there:
        return f"no signals of {', '.join(sorted(missing))} yet; there are some of {', '.join(sorted(there))}"
    return "no such signals"
