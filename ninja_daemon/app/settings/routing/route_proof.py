"""Proof that every strategy, destination and route of a configuration is of use to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Final

from ninja_daemon.core.messages.destination import CONSOLE, Delivery
from ninja_daemon.core.messages.routing import Prospect, destinations_for, unused_routes
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy

_RATIO_DIGITS: Final = 10
_LOST: Final = (
    "no route takes its {} signals; they would end as dead letters. Add a last route without match, or one with "
    "to = [] to leave them out on purpose"
)
_IDLE: Final = "no signal of any strategy can reach it; name it in a route, or take it out"
_UNUSED: Final = (
    "no signal of any strategy gets to it, because none matches or an earlier route takes them all; correct its match, "
    "put it further up, or take it out"
)


@dataclass(frozen=True, slots=True)
class RouteFinding:
    """Something that the routes do and that was perhaps not meant.

    Attributes:
        subject: the strategy, the destination or the route.
        text: what is wrong, with its cure.
    """

    subject: str
    text: str


def problems_for(delivery: Delivery, strategies: Iterable[Strategy]) -> list[RouteFinding]:
    """Prove that every strategy, destination and route is of use to another; return those that are not.

    A strategy's signals differ for the routes in side and lateness only, so that trying these four is a proof.
    """
    findings: list[RouteFinding] = []
    prospects: list[Prospect] = []
    reached = {*delivery.alerts, *(name for to in delivery.told.values() for name in to)}
    for strategy in strategies:
        lost = []
        for side, late in product(Side, (False, True)):
            prospects.append(_prospect(strategy, side, late=late))
            to = destinations_for(delivery.routes, prospects[-1])
            reached |= set(to or ())
            if to is None:
                lost.append(f"{'late ' if late else ''}{side.name}")
        if lost:
            findings.append(RouteFinding(strategy.name, _LOST.format(", ".join(lost))))
    idle = (each.name for each in delivery.destinations if each.name not in reached and each.name != CONSOLE)
    findings += [RouteFinding(name, _IDLE) for name in idle]
    for place in unused_routes(delivery.routes, prospects):
        findings.append(RouteFinding(".".join(f"routes[{number}]" for number in place), _UNUSED))
    return findings


def _prospect(strategy: Strategy, side: Side, *, late: bool) -> Prospect:
    ratio = strategy.reward_to_risk
    exact = Decimal(round(ratio * 10**_RATIO_DIGITS)).scaleb(-_RATIO_DIGITS)
    return Prospect(strategy.name, strategy.instrument, strategy.granularity.name, side, late, exact)
