"""``ninja-daemon report``: what became of the signals, and what may be said of it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ninja_daemon.app.candles.asking import typed_since
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.record.report import json_fields, report_of, words, write_csv
from ninja_daemon.app.record.tracked import read_tracked
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.shared_options import STRATEGIES
from ninja_daemon.app.status.exact_json import exact_json


def report(
    *,
    strategy: STRATEGIES = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Signals since: 2026-01-31, 2026-01-31T10:00:00Z, or '2 weeks' ago."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet: a row for each strategy.")] = False,
) -> None:
    """Add up what became of the signals."""
    if as_csv and as_json:
        refuse("--csv", "must not be given together with --json")
    earliest = typed_since(since)
    environ, product = running_environ()
    say_found(product)
    tracked = read_tracked(read_environment(environ))
    names = tuple(dict.fromkeys(strategy or ()))
    chosen = [
        one
        for one in tracked.signals
        if (not names or one.strategy in names) and (earliest is None or one.close_time >= earliest)
    ]
    made = report_of(chosen, {"strategies": tracked.strategies, "settings": tracked.settings}, names)
    if as_json:
        typer.echo(exact_json(json_fields(made)))
    elif as_csv:
        write_csv(made, sys.stdout)
    else:
        typer.echo("\n".join(words(made)))
