"""What every order to the queue needs: the queue itself, and names that are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.settings.spans import parse_span
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.core.errors import ConfigError

if TYPE_CHECKING:
    from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin
if TYPE_CHECKING:
    from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin


@contextmanager
def opened_queue() -> Iterator[tuple[QueueAdmin, Environment]]:
    """Open the queue of the product that runs here, or of the environment, for the length of a block."""
    from ninja_daemon.app.queues.opening import open_queue

    environ, product = running_environ()
    say_found(product)
    environment = read_environment(environ)
    with open_queue(environment) as queue:
        yield queue, environment


def configured_names(environment: Environment) -> tuple[str, ...]:
    """Return the configured destinations; none when the configuration cannot be read: the queue is there anyway."""
    try:
        return tuple(destination.name for destination in load_configuration(environment).delivery.destinations)
    except ConfigError:
        return ()


def require_known(name: str, found: QueueAdmin, environment: Environment) -> None:
    """Refuse a destination that is neither configured nor has a lane."""
    configured = configured_names(environment)
    if name in configured:
        return  # Without a question to Redis: what is ordered while it is away holds in the journal.
    names = [lane.destination for lane in found.depths(configured).lanes]
    if name not in names:
        usage(f"DESTINATION must be one of {', '.join(names) or '(none yet)'}, was {name[:64]!r}")


def usage(problem: str) -> NoReturn:
    """Refuse what was typed."""
    raise typer.BadParameter(problem)


def span_seconds(option: str, text: str) -> float:
    """Read a length of time that is longer than nothing."""
    seconds = parse_span(text)
    if not seconds:
        usage(f"{option} must be a length of time like '30 min', '2 h' or '3 days', was {text[:40]!r}")
    return seconds
