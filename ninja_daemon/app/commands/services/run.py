"""``ninja-daemon run``: the signal daemon, or one pass of it."""

from __future__ import annotations

from typing import Annotated

import typer

from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.app.lean.handover import Handed, go_on
from ninja_daemon.app.serving.options import RunOptions, require_strategies
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.shared_options import LOG_LEVEL


def run(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="One pass over all strategies, then exit.")] = False,
    processes: Annotated[
        int, typer.Option("--processes", min=1, max=256, metavar="N", help="Processes that share the shards.")
    ] = 1,
    log_level: LOG_LEVEL = LogLevel.INFO,
) -> None:
    """Watch every strategy's candles and put exact crossover signals on the signals list."""
    environment, configuration = load_settings()
    require_strategies(configuration)
    handed = Handed(RunOptions(once, processes, log_level), environment, configuration)
    raise typer.Exit(go_on("run", handed, context.obj))
