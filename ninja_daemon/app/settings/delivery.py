"""Everything that the configuration file says about delivery, checked as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from ninja_daemon.adapters.channels.registry import KINDS
from ninja_daemon.app.settings.destinations import Context, SecretLookup, read_destinations
from ninja_daemon.app.settings.routing.route_tables import RouteContext
from ninja_daemon.app.settings.routing.routes import ALERTS, DAILY, MIRROR, NEAR, RECORD, RESULTS, ROUTES
from ninja_daemon.app.settings.routing.silences import SILENCES
from ninja_daemon.app.settings.servers.proxies import broker_proxy
from ninja_daemon.app.settings.values import Refused
from ninja_daemon.core.messages.destination import CONSOLE, Delivery, Destination
from ninja_daemon.core.messages.routing import MATCH_ALL, Route

T = TypeVar("T")
TABLES: Final = (
    "destinations",
    "routes",
    "alerts",
    "silences",
    "heartbeat",
    "results",
    "record",
    "near",
    "mirror",
    "broker",
)


def parse_delivery(tables: Mapping[str, Any], file: str, secret: SecretLookup) -> tuple[Delivery, list[str]]:
    """Read destinations, routes, alerts, silences, the timed reports and the mirror; check the way to the broker.

    Args:
        tables: the tables of the TOML file; numbers as decimals.
        file: the file's name, for the problems.
        secret: looks up the value behind ``env:NAME``.

    Returns:
        The parts without fault, and one sentence for each problem.
    """
    problems: list[str] = []
    delivery = _delivery(tables, secret, problems)
    _part(tables, RouteContext(()), problems, "broker", lambda table, _: broker_proxy(table, secret), None)
    return delivery, [f"{file}: {problem}" for problem in (*problems, *_unfit_for_notices(delivery))]


def _delivery(tables: Mapping[str, Any], secret: SecretLookup, problems: list[str]) -> Delivery:
    given = tables.get("destinations", {})
    names = tuple(given) if isinstance(given, Mapping) else ()
    # Alerts go to the console when nothing else is said, and fall back to it: it can always be named.
    known = (*(names or (CONSOLE,)), CONSOLE)
    destinations = read_destinations(given, Context(known, secret), problems)
    destinations += [] if CONSOLE in names else [Destination(CONSOLE, "console")]
    part = partial(_part, tables, RouteContext(known), problems)
    return Delivery(
        destinations=tuple(destinations),
        routes=part("routes", ROUTES, (Route(MATCH_ALL, names or (CONSOLE,)),)),
        alerts=part("alerts", ALERTS, (CONSOLE,)),
        silences=part("silences", SILENCES, ()),
        daily=part("heartbeat", DAILY, None),
        mirror=part("mirror", MIRROR, ""),
        results=part("results", RESULTS, None),
        record=part("record", RECORD, None),
        near=part("near", NEAR, None),
    )


def _unfit_for_notices(delivery: Delivery) -> Iterator[str]:
    silent = {one.name for one in delivery.destinations if not KINDS[one.channel].takes_notices(one)}
    reports = {str(topic): to for topic, to in delivery.told.items()}
    for table, to in {"alerts": delivery.alerts, **reports}.items():
        for name in silent.intersection(to):
            yield f"{table}.to must not name {name}: its body is made of a signal, and there is none"


def _part(
    tables: Mapping[str, Any],
    context: RouteContext,
    problems: list[str],
    name: str,
    read: Callable[[object, RouteContext], T],
    left_out: T,
) -> T:
    try:
        return read(tables[name], context) if name in tables else left_out
    except Refused as refused:
        problems.extend(refused.at(name))
        return left_out
