"""``ninja-daemon replay``: the daemon's own engine over history."""

from __future__ import annotations

from typing import Annotated

import typer

from ninja_daemon.app.candles.asking import chosen_strategies
from ninja_daemon.app.candles.options import FileOptions, require_files
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.replays.drawing import Drawing
from ninja_daemon.app.replays.options import Question, ReplayForm, WantedReplay
from ninja_daemon.app.replays.running import Replaying, ReplaySource
from ninja_daemon.app.replays.telling import print_report, print_signals, summary
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.usecases.replay import Engine


def replay(
    *,
    wanted: WantedReplay,
    files: FileOptions,
    engine: Annotated[
        Engine, typer.Option(help="batch: many candles at once. step: one by one, as the daemon does; the same result.")
    ] = Engine.BATCH,
    question: Question,
    form: ReplayForm,
) -> None:
    """Run the daemon's own engine over history and print its signals."""
    form.require_one_form()
    question.require_alone(form, engine)
    require_files("--csv", wanted.csv, files)
    if question.sweep is not None:
        from ninja_daemon.app.replays.sweeping import sweep_of

        study = sweep_of(question.sweep, form)
        environment, configuration = load_settings()
        study.answer(ReplaySource(wanted, files, environment), chosen_strategies(configuration, wanted.strategy or ()))
        return
    drawing = None if form.picture is None else Drawing(form.picture, form.theme)
    environment, configuration = load_settings()
    source = ReplaySource(wanted, files, environment)
    if question.compare is not None:
        from ninja_daemon.app.replays.comparing import compare

        compare(source, configuration, question.compare, as_json=form.as_json)
        return
    _print(source, configuration, Replaying(engine, form.report or drawing is not None, drawing), form)


def _print(source: ReplaySource, configuration: Configuration, study: Replaying, form: ReplayForm) -> None:
    """Print signals, or what became of them."""
    reports = source.over(chosen_strategies(configuration, source.wanted.strategy or ()), study)
    if study.drawing is not None:
        study.drawing.write(reports[0])
    if form.report:
        print_report(reports, as_json=form.as_json)
        return
    signals = sorted((signal for one in reports for signal in one.signals), key=lambda each: each.close_time)
    print_signals(signals, as_json=form.as_json, as_jsonl=form.as_jsonl)
    for one in reports:
        typer.echo(summary(one), err=True)
