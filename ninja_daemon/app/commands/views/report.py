"""``ninja-daemon report``: what became of the signals, and what may be said of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.app.candles.asking import typed_since
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.pictures.of_reports import ReportDrawing
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.record.report import json_fields, report_of, words, write_csv
from ninja_daemon.app.record.tracked import Tracked, TrackedSignal, read_tracked
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.shared_options import STRATEGIES
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.core.market.instant import Instant


def report(
    *,
    strategy: STRATEGIES = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Signals since: 2026-01-31, 2026-01-31T10:00:00Z, or '2 weeks' ago."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet: a row for each strategy.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the sum of R and its falls, too: .png or .svg.")
    ] = None,
    theme: Annotated[str, typer.Option(metavar="NAME", help="Of the picture: dark or light.")] = "dark",
) -> None:
    """Add up what became of the signals."""
    if as_csv and as_json:
        refuse("--csv", "must not be given together with --json")
    drawing = None if picture is None else ReportDrawing.of(picture, theme)
    earliest = typed_since(since)
    tracked = _tracked()
    names = tuple(dict.fromkeys(strategy or ()))
    chosen = _chosen(tracked.signals, names, earliest)
    made = report_of(chosen, {"strategies": tracked.strategies, "settings": tracked.settings}, names)
    if drawing is not None:
        drawing.write(chosen, made, names)
    if as_csv:
        write_csv(made, sys.stdout)
        return
    typer.echo(exact_json(json_fields(made)) if as_json else "\n".join(words(made)))


def _tracked() -> Tracked:
    environ, product = running_environ()
    say_found(product)
    return read_tracked(read_environment(environ))


def _chosen(
    signals: Sequence[TrackedSignal], names: Sequence[str], earliest: Instant | None
) -> Sequence[TrackedSignal]:
    """Return the signals that were asked for."""
    mine = [one for one in signals if not names or one.strategy in names]
    return [one for one in mine if earliest is None or one.close_time >= earliest]
