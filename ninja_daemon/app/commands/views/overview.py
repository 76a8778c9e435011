"""``ninja-daemon`` alone: where things stand, and the next useful command."""

from __future__ import annotations

import time
from collections.abc import Sequence

import typer

from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.process.running import running_environ
from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.app.settings.strategies import inspect_configuration
from ninja_daemon.app.status.gathering import gather_status
from ninja_daemon.app.status.in_force import in_force
from ninja_daemon.app.status.picture import Status
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.words import counted


def overview() -> None:
    """Say it in a few lines."""
    environ, product = running_environ()
    environment, problems = inspect_environment(environ)
    configuration, more = inspect_configuration(environment)
    if product is not None:
        typer.echo(product.sentence())
    problems += more
    if not environment.config_path.exists() and product is None:
        _say(f"there is no configuration: {environment.config_path}", "init", "write one; or `ninja-daemon demo`: see")
    elif problems or configuration is None:
        _say(f"the configuration cannot work, {counted(len(problems), 'problem')}", "check", "says which, and the cure")
    elif environment.access_token is None and product is None:
        _say("OANDA_ACCESS_TOKEN is not set", "check", "says where it belongs; or `ninja-daemon demo` without one")
    else:
        _with_settings(environment, configuration)
    typer.echo("all commands: ninja-daemon --help")


def _with_settings(environment: Environment, configuration: Configuration) -> None:
    count = counted(len(configuration.strategies), "strategy")
    try:
        strategies, differs = in_force(environment, configuration)
        status = gather_status(environment, strategies, time.time(), (), differs)
    except StoreUnavailable:
        _say(f"{count} in {environment.config_path}, and nothing runs", "up", "starts daemon and notifier here")
        return
    _say_status(status, count, differs)


def _say_status(status: Status, count: str, differs: Sequence[str]) -> None:
    stale = [each for each in status.strategies if each.is_stale]
    if status.daemon is None:
        _say(f"{count}, and no daemon shows a sign of life", "up", "starts daemon and notifier here")
    elif status.notifier is None:
        _say(f"{count} are watched, and no notifier shows a sign of life", "notify", "delivers signals")
    elif differs:
        _say(differs[0].rpartition(":")[0], "reload", "takes it over, or says why it cannot")
    elif stale:
        name, why = stale[0].strategy.name, stale[0].condition
        _say(f"{len(stale)} of {count} are not up to date, {name}: {why}", "status", "shows all of them")
    elif status.delivery is not None and status.delivery.dead:
        _say(f"{counted(status.delivery.dead, 'dead letter')} could not be delivered", "queue dead", "says why")
    else:
        last = max((each.last_signal_close or 0 for each in status.strategies), default=0)
        since = f"the last signal {_ago(status.at - last)}" if last else "no signal yet"
        _say(f"all is well: {count} up to date, {since}", "status", "shows them")


def _ago(seconds: float) -> str:
    from ninja_daemon.core.words import duration

    return f"{duration(max(0, round(seconds)))} ago"


def _say(state: str, command: str, purpose: str) -> None:
    typer.echo(state)
    typer.echo(f"next: ninja-daemon {command}   {purpose}")
