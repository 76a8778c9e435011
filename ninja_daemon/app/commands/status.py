"""``ninja-daemon status``: what the daemon is doing."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Annotated

import typer

from ninja_daemon.adapters.clock import SystemClock
from ninja_daemon.app.configuration import load_settings
from ninja_daemon.app.environment import Environment
from ninja_daemon.app.exact_json import exact_json
from ninja_daemon.app.status import Status, gather_status, status_fields
from ninja_daemon.core.strategy import Strategy


def status(
    *,
    strategy: Annotated[
        list[str] | None, typer.Option("--strategy", "-s", metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same figures for another program.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds, until Ctrl-C.")] = False,
) -> None:
    """Show what the daemon is doing."""
    environment, configuration = load_settings()
    strategies = _chosen(configuration.strategies, strategy or [])
    clock = SystemClock()
    if as_json:
        typer.echo(exact_json(status_fields(gather_status(environment, strategies, clock.now()))))
    elif watch:
        _watch(environment, strategies, clock)
    else:
        _show(gather_status(environment, strategies, clock.now()))


def _chosen(strategies: Sequence[Strategy], names: Sequence[str]) -> tuple[Strategy, ...]:
    known = {each.name: each for each in strategies}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"must be one of {', '.join(known)}, was {unknown[0]}"
        raise typer.BadParameter(message, param_hint="--strategy")
    return tuple(known[name] for name in names) if names else tuple(strategies)


def _show(picture: Status) -> None:
    from rich.console import Console

    from ninja_daemon.app.status_view import status_view

    console = Console()
    console.print(status_view(picture, console.width))


def _watch(environment: Environment, strategies: Sequence[Strategy], clock: SystemClock) -> None:
    from rich.console import Console
    from rich.live import Live

    from ninja_daemon.app.status_view import status_view

    console = Console()
    forever = Event()
    first = gather_status(environment, strategies, clock.now())
    with Live(status_view(first, console.width), console=console, auto_refresh=False, screen=False) as live:
        while not clock.wait(forever, 2.0):
            picture = gather_status(environment, strategies, clock.now())
            live.update(status_view(picture, console.width), refresh=True)
