"""``ninja-daemon queue``: what waits, what is in retry, what is dead; and what people do about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ninja_daemon.app.commands.upkeep.queue_access import (
    configured_names,
    opened_queue,
    require_known,
    span_seconds,
    usage,
)
from ninja_daemon.app.commands.upkeep.queue_orders import move, silence, unsilence
from ninja_daemon.app.commands.upkeep.queue_view import (
    UNROUTED,
    depths_json,
    letter_json,
    print_depths,
    safe,
    told_apart,
)
from ninja_daemon.app.queues.silence_words import configured_silences
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.words import counted

if TYPE_CHECKING:
    from ninja_daemon.core.lanes.dead_letters import DeadLetter


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
    with opened_queue() as (found, environment):
        configured = configured_names(environment)
        depths = told_apart(found.depths(configured), configured)
        silences = [*configured_silences(environment), *found.silences()]
    if as_json:
        print(json.dumps(depths_json(depths, silences), indent=2))
    else:
        print_depths(depths, silences)


@queue.command()
def dead(destination: MaybeDestination = "", *, as_json: AsJson = False) -> None:
    """List the dead letters with their reasons, oldest first."""
    with opened_queue() as (found, _):
        letters = _of(found.dead_letters(), destination)
    if as_json:
        print(json.dumps([letter_json(letter) for letter in letters], indent=2))
        return
    for letter in letters:
        status = f" {letter.status}" if letter.status is not None else ""
        print(
            f"{format_moment(letter.last)}  {letter.destination or UNROUTED}  {letter.cause}{status}  "
            f"{letter.attempts} attempts  {letter.id or '(no id)'}  {safe(letter.reason)}"
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
    with opened_queue() as (found, environment):
        if destination not in {"", UNROUTED}:
            require_known(destination, found, environment)
        letters = [letter for letter in _of(found.dead_letters(), destination) if identity in {"", letter.id}]
        revived = sum(found.retry(letter) for letter in letters)
        lanes = found.depths(configured_names(environment)).lanes
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
        usage("--waiting needs the name of a destination")
    with opened_queue() as (found, environment):
        if destination not in {"", UNROUTED}:
            require_known(destination, found, environment)
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
    seconds = span_seconds("--for", span) if span else None
    with opened_queue() as (found, environment):
        require_known(destination, found, environment)
        found.pause(destination, seconds)
    print(f"{destination} is paused {f'for {span}' if span else 'until: ninja-daemon queue resume ' + destination}")


@queue.command()
def resume(destination: WhichDestination) -> None:
    """Let a paused or suspended destination go on; the age of its messages counts from now."""
    with opened_queue() as (found, environment):
        require_known(destination, found, environment)
        changed = found.resume(destination)
    print(f"{destination} goes on" if changed else f"{destination} was neither paused nor suspended nor waiting")
    if not changed:
        raise typer.Exit(1)


def _of(letters: Sequence[DeadLetter], destination: str) -> list[DeadLetter]:
    wanted = "" if destination == UNROUTED else destination
    return [letter for letter in letters if not destination or letter.destination == wanted]


for _order in (move, silence, unsilence):
    queue.command()(_order)
