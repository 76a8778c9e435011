"""``ninja-daemon replay``: the daemon's own engine over history."""

from __future__ import annotations

from typing import Annotated

import typer

from ninja_daemon.app.candles.asking import chosen_strategies
from ninja_daemon.app.candles.options import FileOptions, require_files
from ninja_daemon.app.replays.drawing import Drawing
from ninja_daemon.app.replays.options import Form, Wanted
from ninja_daemon.app.replays.running import Manner, over_broker, over_files
from ninja_daemon.app.replays.telling import print_report, print_signals, summary
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.usecases.replay import Engine


def replay(
    *,
    wanted: Wanted,
    files: FileOptions,
    engine: Annotated[
        Engine, typer.Option(help="batch: many candles at once. step: one by one, as the daemon does; the same result.")
    ] = Engine.BATCH,
    form: Form,
) -> None:
    """Run the daemon's own engine over history and print its signals."""
    form.require_one_form()
    span = wanted.span()
    require_files("--csv", wanted.csv, files)
    drawing = None if form.picture is None else Drawing(form.picture, form.theme)
    environment, configuration = load_settings()
    chosen = chosen_strategies(configuration, wanted.strategy or ())
    manner = Manner(span, engine, form.report or drawing is not None, drawing)
    if wanted.csv:
        reports = over_files(wanted.csv, files, chosen, manner, are_named=bool(wanted.strategy))
    else:
        reports = over_broker(environment, chosen, manner)
    if drawing is not None:
        drawing.write(reports[0])
    if form.report:
        print_report(reports, as_json=form.as_json)
        return
    signals = sorted((signal for one in reports for signal in one.signals), key=lambda each: each.close_time)
    print_signals(signals, as_json=form.as_json, as_jsonl=form.as_jsonl)
    for one in reports:
        typer.echo(summary(one), err=True)
