"""``ninja-daemon status``: what the daemon is doing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.queues.silence_words import configured_silences
from ninja_daemon.app.shared_options import AS_JSON, STRATEGIES
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.app.status.fields import status_fields
from ninja_daemon.app.status.gathering import gather_status
from ninja_daemon.app.status.in_force import shown_settings
from ninja_daemon.app.status.left_strategies import left_sentences
from ninja_daemon.app.status.picture import Status
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy

_EVERY: Final = 2.0
"""Seconds between two pictures."""


def status(
    *,
    strategy: STRATEGIES = None,
    as_json: AS_JSON = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again every two seconds; arrow keys scroll, q ends it.")
    ] = False,
    whole: Annotated[bool, typer.Option("--all", help="Every strategy, however low the window is.")] = False,
) -> None:
    """Show what the daemon is doing; while Redis is away, what the journal of this machine knows of it (and exit 1)."""
    environ, product = running_environ()
    environment, watched, destinations, differs = shown_settings(environ)
    say_found(product)
    strategies = _chosen(watched, strategy or [])
    notes = (*differs, *left_sentences(environment, {each.name for each in watched}))
    silences = configured_silences(environment)

    def look() -> Status:
        return gather_status(environment, strategies, SystemClock().now(), destinations, notes, silences=silences)

    if watch:
        _watch(look)
    else:
        _look_once(look(), as_json=as_json, whole=whole)


def _look_once(picture: Status, *, as_json: bool, whole: bool) -> None:
    if as_json:
        typer.echo(exact_json(status_fields(picture)))
    else:
        _show(picture, whole=whole)
    if picture.away:
        raise StoreUnavailable(picture.away)


def _chosen(strategies: Sequence[Strategy], names: Sequence[str]) -> tuple[Strategy, ...]:
    known = {each.name: each for each in strategies}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"must be one of {', '.join(known)}, was {unknown[0][:64]!r}"
        raise typer.BadParameter(message, param_hint="--strategy")
    return tuple(known[name] for name in names) if names else tuple(strategies)


def _show(picture: Status, *, whole: bool) -> None:
    from rich.console import Console

    from ninja_daemon.app.status.terminal import status_view

    console = Console()
    # The shell's prompt takes one line. A file or a pipe has no height.
    height = None if whole or not console.is_terminal else console.height - 1
    console.print(status_view(picture, console.width, height))


def _watch(look: Callable[[], Status]) -> None:
    from rich.console import Console

    from ninja_daemon.app.status.scrolling import watch_status

    console = Console()
    if not console.is_terminal:
        message = "needs a terminal, to draw on; for programs: status --json"
        raise typer.BadParameter(message, param_hint="--watch")
    watch_status(look, console, _EVERY)
