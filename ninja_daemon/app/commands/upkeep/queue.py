"""``ninja-daemon queue``: what waits, what is in retry, what is dead; and what people do about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.settings.routes import parse_silence
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.app.settings.values import parse_span
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.words import counted

if TYPE_CHECKING:
    from ninja_daemon.core.lanes.dead_letters import DeadLetter
    from ninja_daemon.core.lanes.depths import LaneDepth, QueueDepths
    from ninja_daemon.core.messages.routing import Silence
    from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin

UNROUTED: Final = "-"
"""How dead letters without a destination are named on the command line."""

_WIDTH: Final = 160
queue = typer.Typer(no_args_is_help=False, invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
WhichDestination = Annotated[str, typer.Argument(metavar="DESTINATION", help="Name of a destination.")]
MaybeDestination = Annotated[
    str, typer.Argument(metavar="[DESTINATION]", help="Name of a destination, - for letters that never had one.")
]


@queue.callback()
def show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what waits, is in retry and is dead, by destination."""
    if context.invoked_subcommand is not None:
        return
    with _queue() as (found, environment):
        configured = _configured(environment)
        depths = _told_apart(found.depths(configured), configured)
        silences = _silences(environment)
    if as_json:
        print(json.dumps({**_depths_json(depths), "silences": [_silence_json(one) for one in silences]}, indent=2))
    else:
        _print_depths(depths, silences)


@queue.command()
def dead(destination: MaybeDestination = "", *, as_json: AsJson = False) -> None:
    """List the dead letters with their reasons, oldest first."""
    with _queue() as (found, _):
        letters = _of(found.dead_letters(), destination)
    if as_json:
        print(json.dumps([_letter_json(letter) for letter in letters], indent=2))
        return
    for letter in letters:
        status = f" {letter.status}" if letter.status is not None else ""
        print(
            f"{format_moment(letter.last)}  {letter.destination or UNROUTED}  {letter.cause}{status}  "
            f"{letter.attempts} attempts  {letter.id or '(no id)'}  {_safe(letter.reason)}"
        )
    if not letters:
        print("no dead letters")


@queue.command()
def retry(
    destination: MaybeDestination = "",
    *,
    identity: Annotated[str, typer.Option("--id", help="Only the letter of this message.")] = "",
) -> None:
    """Send dead letters again, and let lanes that wait for a retry try at once.

    A letter goes to the end of its destination's lane; one that never had a destination goes back to the list and is
    routed anew. Letters that were cut because they were absurdly long stay.
    """
    with _queue() as (found, environment):
        if destination not in {"", UNROUTED}:
            _known(destination, found, environment)
        letters = [letter for letter in _of(found.dead_letters(), destination) if identity in {"", letter.id}]
        revived = sum(found.retry(letter) for letter in letters)
        lanes = found.depths(_configured(environment)).lanes
        names = [destination] if destination else [lane.destination for lane in lanes]
        hurried = 0 if identity else sum(found.hurry(name) for name in names if name != UNROUTED)
    print(
        f"on their way again: {revived} of {counted(len(letters), 'dead letter')}; "
        f"trying at once: {counted(hurried, 'lane')}"
    )
    if not revived and not hurried:
        raise typer.Exit(1)


@queue.command()
def purge(
    destination: MaybeDestination = "",
    *,
    identity: Annotated[str, typer.Option("--id", help="Only the letter of this message.")] = "",
    waiting: Annotated[
        bool, typer.Option("--waiting", help="What waits in the lane, instead of dead letters.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Throw dead letters away for good; with --waiting what waits in a lane instead."""
    if waiting and destination in {"", UNROUTED}:
        _usage("--waiting needs the name of a destination")
    with _queue() as (found, environment):
        if destination not in {"", UNROUTED}:
            _known(destination, found, environment)
        if waiting:
            if not yes:
                typer.confirm(f"Throw away everything that waits for {destination}?", abort=True)
            gone = found.purge_lane(destination)
            print(f"{counted(gone, 'waiting message')} thrown away")
        else:
            letters = [letter for letter in _of(found.dead_letters(), destination) if identity in {"", letter.id}]
            if letters and not yes:
                typer.confirm(f"Throw away {counted(len(letters), 'dead letter')}?", abort=True)
            gone = sum(found.forget(letter) for letter in letters)
            print(f"{counted(gone, 'dead letter')} thrown away")
    if not gone:
        raise typer.Exit(1)


@queue.command()
def pause(
    destination: WhichDestination,
    *,
    span: Annotated[str, typer.Option("--for", help="How long, like '2 h'; without it until resumed.")] = "",
) -> None:
    """Hold a destination back; its messages are kept and do not grow too old meanwhile."""
    seconds = _span("--for", span) if span else None
    with _queue() as (found, environment):
        _known(destination, found, environment)
        found.pause(destination, seconds)
    print(f"{destination} is paused {f'for {span}' if span else 'until: ninja-daemon queue resume ' + destination}")


@queue.command()
def resume(destination: WhichDestination) -> None:
    """Let a paused or suspended destination go on; the age of its messages counts from now."""
    with _queue() as (found, environment):
        _known(destination, found, environment)
        changed = found.resume(destination)
    print(f"{destination} goes on" if changed else f"{destination} was neither paused nor suspended nor waiting")
    if not changed:
        raise typer.Exit(1)


@queue.command()
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

    until = SystemClock().now() + _span("--for", span)
    given = {"instrument": instrument, "timeframe": timeframe, "strategy": strategy, "side": side}
    conditions: dict[str, Any] = {name: value for name, value in given.items() if value}
    with _queue() as (found, environment):
        for name in destination:
            _known(name, found, environment)
        made, problems = parse_silence(silence_id(), conditions, until, destination, comment)
        if made is None:
            _usage("; ".join(problems))
        _require_a_strategy(made, environment)
        found.silence(made)
    what = f"silence {made.id} of {_scope(made)} until {format_moment(made.until)}"
    print(f"{what}; end it with: ninja-daemon queue unsilence {made.id}")


@queue.command()
def unsilence(name: Annotated[str, typer.Argument(metavar="SILENCE", help="Its name, as `queue` shows it.")]) -> None:
    """End a silence before its time."""
    with _queue() as (found, _):
        ended = found.unsilence(name)
    print(f"silence {name} is over" if ended else f"there is no silence {name}")
    if not ended:
        raise typer.Exit(1)


# --- reading ---------------------------------------------------------------------------------------------------------


@contextmanager
def _queue() -> Iterator[tuple[QueueAdmin, Environment]]:
    from ninja_daemon.app.queues.opening import open_queue

    environ, product = running_environ()
    say_found(product)
    environment = read_environment(environ)
    with open_queue(environment) as queue:
        yield queue, environment


def _configured(environment: Environment) -> tuple[str, ...]:
    """Return the configured destinations; none when the configuration cannot be read: the queue is there anyway."""
    try:
        return tuple(destination.name for destination in load_configuration(environment).delivery.destinations)
    except ConfigError:
        return ()


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
                _usage(f"{option} must name one of {', '.join(sorted(names))}, was {pattern[:64]!r}")


def _told_apart(depths: QueueDepths, configured: tuple[str, ...]) -> QueueDepths:
    """Say of lanes that nobody serves any more that it is so: their destination was taken out of the configuration."""
    if not configured:
        return depths
    lanes = [
        lane if lane.destination in configured else replace(lane, state="not configured", due_in=None)
        for lane in depths.lanes
        if lane.destination in configured or lane.waiting or lane.dead
    ]
    return replace(depths, lanes=tuple(lanes))


def _silences(environment: Environment) -> Sequence[Silence]:
    from ninja_daemon.app.queues.opening import open_queue

    with open_queue(environment) as queue:
        return queue.silences()


def _known(name: str, found: QueueAdmin, environment: Environment) -> None:
    configured = _configured(environment)
    if name in configured:
        return  # Without a question to Redis: what is ordered while it is away holds in the journal.
    names = [lane.destination for lane in found.depths(configured).lanes]
    if name not in names:
        _usage(f"DESTINATION must be one of {', '.join(names) or '(none yet)'}, was {name[:64]!r}")


def _of(letters: Sequence[DeadLetter], destination: str) -> list[DeadLetter]:
    wanted = "" if destination == UNROUTED else destination
    return [letter for letter in letters if not destination or letter.destination == wanted]


def _span(option: str, text: str) -> float:
    seconds = parse_span(text)
    if not seconds:
        _usage(f"{option} must be a length of time like '30 min', '2 h' or '3 days', was {text[:40]!r}")
    return seconds


def _usage(problem: str) -> NoReturn:
    raise typer.BadParameter(problem)


# --- showing ---------------------------------------------------------------------------------------------------------


def _depths_json(depths: QueueDepths) -> dict[str, Any]:
    return {
        "signals": depths.signals,
        "alerts": depths.alerts,
        "dead": depths.dead,
        "dead_unrouted": depths.unrouted,
        "destinations": [asdict(lane) for lane in depths.lanes],
        "counters": dict(depths.counters),
    }


def _letter_json(letter: DeadLetter) -> dict[str, Any]:
    fields = asdict(letter)
    del fields["stored"]
    fields["first"] = format_moment(letter.first) if letter.first else None
    fields["last"] = format_moment(letter.last)
    return fields


def _silence_json(silence: Silence) -> dict[str, Any]:
    fields = {name: value for name, value in asdict(silence.match).items() if value not in {None, ()}}
    return {
        "id": silence.id,
        "until": format_moment(silence.until),
        "destinations": list(silence.destinations),
        "comment": silence.comment,
        "match": {name: list(value) if isinstance(value, tuple) else str(value) for name, value in fields.items()},
    }


def _print_depths(depths: QueueDepths, silences: Sequence[Silence]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    table = Table(box=None, header_style="bold dim", pad_edge=False, padding=(0, 1))
    for title in ("destination", "state"):
        table.add_column(title, no_wrap=True)
    for title in ("waiting", "oldest", "attempts", "dead", "delivered", "repeats"):
        table.add_column(title, no_wrap=True, justify="right")
    table.add_column("last trouble", overflow="ellipsis", no_wrap=True)
    for lane in depths.lanes:
        table.add_row(*_row(lane, Text))
    waiting = f"on the list: {counted(depths.signals, 'signal')}, {counted(depths.alerts, 'alert')}"
    console.print(Text(f"{waiting}; dead letters: {depths.dead}", style="bold"))
    if depths.unrouted:
        console.print(
            f"{counted(depths.unrouted, 'dead letter')} never had a destination: ninja-daemon queue dead {UNROUTED}"
        )
    console.print(table)
    for lane in depths.lanes:
        if lane.outcomes_shown or lane.outcomes_dropped:
            console.print(f"{lane.destination}: {lane.outcomes_shown} outcomes shown, {lane.outcomes_dropped} left out")
    for one in silences:
        said = f"silence {one.id} of {_scope(one)} until {format_moment(one.until)} {_safe(one.comment)}"
        console.print(said.rstrip(), markup=False, soft_wrap=True)


def _scope(silence: Silence) -> str:
    """Say what a silence takes and from whom, so that one that takes everything, or nothing, can be seen."""
    match = silence.match
    parts = [",".join(each) for each in (match.instrument, match.timeframe, match.strategy) if each]
    if match.side is not None:
        parts.append(match.side.name)
    what = _safe(" ".join(parts)) or "every signal"
    return f"{what} to {', '.join(map(_safe, silence.destinations)) or 'everybody'}"


def _row(lane: LaneDepth, text: Callable[..., Any]) -> list[Any]:
    troubled = lane.state in {"suspended", "retry", "paused", "not configured"}
    state = lane.shown_state + (f" {_duration(lane.due_in)}" if lane.due_in else "")
    return [
        text(lane.destination),
        text(state, style="yellow" if troubled else "green"),
        str(lane.waiting),
        _duration(lane.oldest_age) if lane.oldest_age is not None else "–",
        str(lane.attempts or "–"),
        text(str(lane.dead or "–"), style="red" if lane.dead else ""),
        str(lane.delivered),
        str(lane.repeats or "–"),
        text(_safe(lane.error) or "–"),
    ]


def _duration(seconds: float) -> str:
    from ninja_daemon.core.words import duration

    return duration(max(0.0, seconds))


def _safe(text: str) -> str:
    from ninja_daemon.adapters.network.redaction import escaped

    return escaped(text)
