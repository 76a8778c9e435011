"""Who gets which signal: a tree of matchers, read from the top, in the manner of Alertmanager.

The first route that matches takes the signal, unless it says ``continue``. A route may hold further routes: when it
matches, these are tried, and only when none of them takes the signal the route's own destinations get it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Protocol

from ninja_daemon.core.signals.crossover import Side


class Routable(Protocol):
    """What a route looks at: a signal, or what is known of a signal before there is one."""

    @property
    def strategy(self) -> str:
        """Name of the strategy."""

    @property
    def instrument(self) -> str:
        """Name of the instrument."""

    @property
    def timeframe(self) -> str:
        """Name of the timeframe."""

    @property
    def side(self) -> Side:
        """Direction."""

    @property
    def late(self) -> bool:
        """Whether it was found late."""

    @property
    def risk_reward_ratio(self) -> Decimal:
        """Reward over risk."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What routes look at of a signal that may come one day, or that has ended."""

    strategy: str
    instrument: str
    timeframe: str
    side: Side
    late: bool
    risk_reward_ratio: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold; one that is left out always holds.

    Attributes:
        instrument: names, ``*`` and ``?`` allowed; one of them must fit. The same for ``timeframe`` and ``strategy``.
        side: the direction, None for both.
        late: whether the signal was found late, None for either.
        min_risk_reward: smallest reward over risk.
    """

    instrument: tuple[str, ...] = ()
    timeframe: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()
    side: Side | None = None
    late: bool | None = None
    min_risk_reward: Decimal | None = None

    def holds(self, signal: Routable) -> bool:
        """Tell whether every condition holds."""
        return (
            _fits(self.instrument, signal.instrument)
            and _fits(self.timeframe, signal.timeframe)
            and _fits(self.strategy, signal.strategy)
            and self.side in {None, signal.side}
            and self.late in {None, signal.late}
            and (self.min_risk_reward is None or signal.risk_reward_ratio >= self.min_risk_reward)
        )


MATCH_ALL = Match()


def _fits(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Route:
    """One node of the tree.

    Attributes:
        match: what it takes.
        to: destinations; empty means nobody, on purpose.
        goes_on: whether the routes after it are read although it matched (``continue``).
        routes: finer routes, tried first.
    """

    match: Match
    to: tuple[str, ...]
    goes_on: bool = False
    routes: tuple[Route, ...] = ()


def destinations_for(routes: Sequence[Route], signal: Routable) -> tuple[str, ...] | None:
    """Return the destinations of a signal, each once, in order; None when no route takes it."""
    taken_by = list(_takers(routes, signal))
    if not taken_by:
        return None
    return tuple(dict.fromkeys(name for route in taken_by for name in route.to))


def unused_routes(routes: Sequence[Route], signals: Iterable[Routable]) -> tuple[tuple[int, ...], ...]:
    """Return the places, counted from 1, of the routes that none of the signals gets to, nor to a route within them."""
    taken = {id(route) for signal in signals for route in _takers(routes, signal)}

    def idle(routes: Sequence[Route], place: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for number, route in enumerate(routes, start=1):
            if taken.isdisjoint(_all_within(route)):
                yield (*place, number)
            else:
                yield from idle(route.routes, (*place, number))

    return tuple(idle(routes, ()))


def _all_within(route: Route) -> Iterator[int]:
    yield id(route)
    for finer in route.routes:
        yield from _all_within(finer)


def _takers(routes: Sequence[Route], signal: Routable) -> Iterator[Route]:
    for route in routes:
        if not route.match.holds(signal):
            continue
        finer = tuple(_takers(route.routes, signal))
        yield from finer or (route,)
        if not route.goes_on:
            return


@dataclass(frozen=True, slots=True)
class Silence:
    """Signals that are counted and not sent for a while.

    Attributes:
        id: how ``queue unsilence`` names it.
        match: the signals.
        until: epoch seconds at which it ends; there is no silence without an end.
        destinations: where it holds; empty for everywhere.
        comment: why.
    """

    id: str
    match: Match
    until: float
    destinations: tuple[str, ...] = ()
    comment: str = ""

    @property
    def counter(self) -> str:
        """Name under which the signals are counted that it keeps from somebody; one with another end counts anew."""
        return f"hushed:{self.id}:{int(self.until)}"

    def hushes(self, signal: Routable, destination: str, now: float) -> bool:
        """Tell whether ``destination`` does not get the signal now."""
        return (
            now < self.until
            and (not self.destinations or destination in self.destinations)
            and self.match.holds(signal)
        )


def hushing(destinations: Sequence[str], silences: Sequence[Silence], signal: Routable, now: float) -> list[Silence]:
    """Return the silences that keep one of ``destinations`` from hearing of the signal."""
    return [one for one in silences if any(one.hushes(signal, name, now) for name in destinations)]


def audible(destinations: Sequence[str], silences: Sequence[Silence], signal: Routable, now: float) -> tuple[str, ...]:
    """Return those of ``destinations`` that no silence keeps from hearing of the signal."""
    return tuple(name for name in destinations if not any(silence.hushes(signal, name, now) for silence in silences))
