"""What people order of messages: to other destinations, or to nobody for a while."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ninja_daemon.app.commands.upkeep.queue_access import (
    configured_names,
    opened_queue,
    require_known,
    span_seconds,
    usage,
)
from ninja_daemon.app.queues.silence_words import scope
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.routing.silences import parse_silence
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.words import counted

if TYPE_CHECKING:
    from ninja_daemon.core.messages.routing import Silence


def move(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The destination whose messages are left.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The configured destination that gets them.")],
) -> None:
    """Send what waits for a destination, and its dead letters, to another one; for one that was renamed or taken out.

    The order stays, ages count from now. Done again it moves what is still there. What NEW has had is not sent again.
    """
    with opened_queue() as (found, environment):
        configured = configured_names(environment)
        if new not in configured:
            usage(f"NEW must be one of {', '.join(configured) or '(none)'}, was {new[:64]!r}")
        if old == new:
            usage("OLD and NEW must be two destinations")
        require_known(old, found, environment)
        moved = found.move(old, new)
    letters = counted(moved.letters, "dead letter")
    print(f"moved from {old} to {new}: {counted(moved.messages, 'waiting message')}, {letters}")


def silence(
    *,
    span: Annotated[str, typer.Option("--for", help="How long, like '2 h'. A silence has an end.")],
    instrument: Annotated[list[str], typer.Option(help="Instruments, * and ? allowed.")] = [],  # noqa: B006 - typer's way
    timeframe: Annotated[list[str], typer.Option(help="Timeframes.")] = [],  # noqa: B006
    strategy: Annotated[list[str], typer.Option(help="Strategies, * and ? allowed.")] = [],  # noqa: B006
    side: Annotated[str, typer.Option(help="BUY or SELL.")] = "",
    destination: Annotated[list[str], typer.Option(help="Only there; without it everywhere.")] = [],  # noqa: B006
    comment: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Keep signals from being sent for a while; they are counted, not delivered later."""
    from ninja_daemon.adapters.host.clock import SystemClock
    from ninja_daemon.app.queues.opening import silence_id

    until = SystemClock().now() + span_seconds("--for", span)
    given = {"instrument": instrument, "timeframe": timeframe, "strategy": strategy, "side": side}
    conditions: dict[str, Any] = {name: value for name, value in given.items() if value}
    with opened_queue() as (found, environment):
        for name in destination:
            require_known(name, found, environment)
        made, problems = parse_silence(silence_id(), conditions, until, destination, comment)
        if made is None:
            usage("; ".join(problems))
        _require_a_strategy(made, environment)
        found.silence(made)
    what = f"silence {made.id} of {scope(made)} until {format_moment(made.until)}"
    print(f"{what}; end it with: ninja-daemon queue unsilence {made.id}")


def unsilence(name: Annotated[str, typer.Argument(metavar="SILENCE", help="Its name, as `queue` shows it.")]) -> None:
    """End a silence before its time."""
    with opened_queue() as (found, _):
        ended = found.unsilence(name)
    print(f"silence {name} is over" if ended else f"there is no silence {name}")
    if not ended:
        raise typer.Exit(1)


def _require_a_strategy(silence: Silence, environment: Environment) -> None:
    """Refuse a silence that no configured strategy can ever meet: a name is misspelt."""
    try:
        strategies = load_configuration(environment).strategies
    except ConfigError:
        return
    match = silence.match
    wanted = {
        "--strategy": (match.strategy, {strategy.name for strategy in strategies}),
        "--instrument": (match.instrument, {strategy.instrument for strategy in strategies}),
        "--timeframe": (match.timeframe, {strategy.granularity.name for strategy in strategies}),
    }
    for option, (patterns, names) in wanted.items():
        for pattern in patterns:
            if strategies and not any(fnmatchcase(name, pattern) for name in names):
                usage(f"{option} must name one of {', '.join(sorted(names))}, was {pattern[:64]!r}")
