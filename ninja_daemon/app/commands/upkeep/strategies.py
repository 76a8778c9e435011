"""``ninja-daemon strategies``: list what is configured and what is left; pause, resume and forget a strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.commands.upkeep.queue_access import opened_queue, span_seconds, usage
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.queues.silence_words import configured_silences, pause_of, paused_until
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.in_force import shown_settings
from ninja_daemon.app.status.left_strategies import forget as forget_stored, left_strategies
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.signals.strategy import Strategy

strategies = typer.Typer(no_args_is_help=False, invoke_without_command=True)
WhichStrategy = Annotated[str, typer.Argument(metavar="NAME", help="Name of a strategy.")]


@strategies.callback()
def show(
    context: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """List the strategies in force, which of them are paused or not enabled, and what is left of former ones."""
    if context.invoked_subcommand is not None:
        return
    environment, known = _known()
    silences = _silences(environment)
    rows = [_Row.of(each, silences) for each in known]
    left = left_strategies(environment, {each.name for each in known})
    if as_json:
        from ninja_daemon.app.status.exact_json import exact_json

        typer.echo(exact_json([*(row.fields() for row in rows), *_left_fields(left)]))
        return
    width = max((len(name) for name in (*left, *(row.name for row in rows))), default=0)
    for row in rows:
        typer.echo(f"{row.name:<{width}}  {row.instrument} {row.timeframe}  {row.words()}")
    for name, cursor in left.items():
        said = f"not configured, its cursor {cursor} is left: ninja-daemon strategies forget {name}"
        typer.echo(f"{name:<{width}}  {said}")


@strategies.command()
def pause(
    name: WhichStrategy,
    *,
    span: Annotated[str, typer.Option("--for", help="How long, like '2 h'; it has an end.")],
) -> None:
    """Go on evaluating and recording it, and send nobody its signals for a while; they are not sent later either."""
    until = SystemClock().now() + span_seconds("--for", span)
    _require_known(name)
    with opened_queue() as (found, _):
        found.silence(pause_of(name, until))
    end = f"ninja-daemon strategies resume {name}"
    typer.echo(f"{name} is paused until {format_moment(until)}; its signals are recorded, not sent; end it with: {end}")


@strategies.command()
def resume(name: WhichStrategy) -> None:
    """Send its signals again, from now on."""
    _require_known(name)
    with opened_queue() as (found, _):
        resumed = found.unsilence(pause_of(name, 0.0).id)
    typer.echo(f"{name} goes on" if resumed else f"{name} was not paused")
    if not resumed:
        raise typer.Exit(1)


@strategies.command()
def forget(name: WhichStrategy, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove cursor, averages, side, counts and open signals of a strategy that is not configured any more.

    Should it come back, it begins with a first start. The record and the list of what was signalled stay.
    """
    environment, known = _known()
    if name in {each.name for each in known}:
        usage(f"{name} is configured; take it out of the file first, or keep its place with enabled = false")
    left = left_strategies(environment, {each.name for each in known})
    if name in left and not yes:
        typer.confirm(f"Forget {name}, whose cursor is at {left[name]}?", abort=True)
    gone = forget_stored(environment, name)
    typer.echo(f"{name} is forgotten" if gone else f"nothing is left of {name[:64]!r}")
    if not gone:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Row:
    """A configured strategy; ``paused`` is until when, epoch seconds."""

    name: str
    instrument: str
    timeframe: str
    enabled: bool
    paused: float | None

    @classmethod
    def of(cls, strategy: Strategy, silences: Sequence[Silence]) -> _Row:
        paused = paused_until(strategy.name, silences)
        return cls(strategy.name, strategy.instrument, strategy.granularity.name, strategy.enabled, paused)

    def words(self) -> str:
        if not self.enabled:
            return "not enabled"
        return "evaluated" if self.paused is None else f"paused until {format_moment(self.paused)}"

    def fields(self) -> Mapping[str, Any]:
        return {
            "strategy": self.name,
            "instrument": self.instrument,
            "timeframe": self.timeframe,
            "configured": True,
            "enabled": self.enabled,
            "paused_until": None if self.paused is None else format_moment(self.paused),
        }


def _left_fields(left: Mapping[str, str]) -> list[Mapping[str, Any]]:
    return [{"strategy": name, "configured": False, "cursor": cursor} for name, cursor in left.items()]


def _known() -> tuple[Environment, Sequence[Strategy]]:
    environ, product = running_environ()
    environment, known, _, _ = shown_settings(environ)
    say_found(product)
    return environment, known


def _require_known(name: str) -> None:
    environ, _ = running_environ()
    names = [each.name for each in shown_settings(environ)[1]]
    if name not in names:
        usage(f"NAME must be one of {', '.join(names) or '(none)'}, was {name[:64]!r}")


def _silences(environment: Environment) -> Sequence[Silence]:
    """Return the silences in force; while Redis is away, those of the configuration."""
    from ninja_daemon.app.queues.opening import open_queue

    configured = configured_silences(environment)
    try:
        with open_queue(environment) as found:
            return [*configured, *found.silences()]
    except StoreUnavailable:
        return configured
