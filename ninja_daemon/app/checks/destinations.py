"""Routes that lead nowhere, and destinations that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from ninja_daemon.adapters.channels.kind import no_trial
from ninja_daemon.adapters.channels.registry import KINDS
from ninja_daemon.adapters.network.proxy import proxy_of
from ninja_daemon.adapters.network.reachability import Trouble, unreachable_because
from ninja_daemon.adapters.network.redaction import Redaction
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.queues.leftovers import leftovers
from ninja_daemon.app.queues.opening import open_queue
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.routing.route_proof import problems_for
from ninja_daemon.app.status.left_strategies import left_sentences
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.messages.destination import CONSOLE, Delivery, Destination
from ninja_daemon.core.signals.strategy import Strategy

_AT_ONCE: Final = 8
_CURE: Final = (
    "is its address right, and may this machine go there? Messages wait in its lane; a lane that `queue` calls "
    "suspended is tried again by itself, and at once after: ninja-daemon queue resume"
)


def check_routes(delivery: Delivery, strategies: Sequence[Strategy]) -> Iterator[Finding]:
    """Prove that every strategy's signals go somewhere, and that something goes to every destination."""
    names = {strategy.name for strategy in strategies}
    destinations = {destination.name for destination in delivery.destinations}
    for problem in problems_for(delivery, strategies):
        is_lost = problem.subject in names
        kind = "strategy " if is_lost else "destination " if problem.subject in destinations else ""
        subject = f"{kind}{problem.subject}"
        cause, _, cure = problem.text.partition("; ")
        code = "routes.lost" if is_lost else "routes.unused"
        yield Finding(Level.ERROR if is_lost else Level.WARNING, code, subject, cause, cure)


def check_leftovers(environment: Environment, delivery: Delivery, strategies: Sequence[Strategy]) -> Iterator[Finding]:
    """Name what is left of destinations and strategies that were taken out of the file."""
    configured = [destination.name for destination in delivery.destinations]
    with suppress(StoreUnavailable), open_queue(environment) as queue:
        for sentence in leftovers(queue.depths(configured), configured):
            cause, _, command = sentence.partition(": ")
            cure = f"configure it again, or: {command}"
            yield Finding(Level.WARNING, "destination.leftover", "destinations", cause, cure)
    for sentence in left_sentences(environment, {strategy.name for strategy in strategies}):
        cause, _, command = sentence.partition(": ")
        yield Finding(Level.WARNING, "strategy.leftover", "strategies", cause, f"configure it again, or: {command}")


def check_destinations(delivery: Delivery) -> Iterator[Finding]:
    """Speak to every destination as far as that sends nothing: connect, and ask what the service shows."""
    known = [each for each in delivery.destinations if KINDS[each.channel].endpoint(each) is not None]
    for destination in delivery.destinations:
        if destination not in known and destination.name != CONSOLE:
            cause = f"whether it can be reached is not known: {destination.channel} does not tell where it goes"
            yield Finding(Level.INFO, "destination.unknown", f"destination {destination.name}", cause)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        troubles = list(pool.map(_trouble, known))
    for destination, trouble in zip(known, troubles, strict=True):
        subject = f"destination {destination.name}"
        if trouble is None:
            yield Finding(Level.OK, "destination", subject, "can be reached; nothing was sent")
        else:
            yield Finding(Level.ERROR, "destination.unreachable", subject, trouble.reason, trouble.cure or _CURE)


def _trouble(destination: Destination) -> Trouble | None:
    kind = KINDS[destination.channel]
    endpoint = kind.endpoint(destination)
    assert endpoint is not None  # noqa: S101 - only such are asked
    if kind.trial is no_trial:
        reason = unreachable_because(endpoint, None if destination.proxy is None else proxy_of(destination.proxy))
        return None if reason is None else Trouble(reason)
    trouble = kind.trial(destination)
    if trouble is None:
        return None
    return Trouble(Redaction(destination.secrets).text(trouble.reason), trouble.cure)
