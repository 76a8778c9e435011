"""Commits of many strategies in few calls of the script: which go together, and how one is written for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from ninja_daemon.adapters.redis.state_memory import Proof
from ninja_daemon.adapters.stored.prepared import PreparedCommit

_MOST_TOGETHER: Final = 32
"""Commits that one call makes: it ends within a millisecond, and what a call costs by itself is shared by many."""
_HEAVIEST: Final = 4_000
"""Fields of the averages in one call, beyond the first commit's."""

T = TypeVar("T")


class Group(NamedTuple, Generic[T]):
    """What one call commits.

    Attributes:
        members: in their order.
        names: of their strategies, each once.
        weight: fields of their averages, about.
    """

    members: Sequence[T]
    names: Sequence[str]
    weight: int


def grouped(members: Sequence[T], weight_of: Callable[[T], int], name_of: Callable[[T], str]) -> Iterator[Group[T]]:
    """Part commits, in their order, into those of one call; one that builds on another is in a later call."""
    some: list[T] = []
    names: dict[str, None] = {}
    weight = 0
    for one in members:
        name, added = name_of(one), weight_of(one)
        if some and (len(some) == _MOST_TOGETHER or name in names or weight + added > _HEAVIEST):
            yield Group(some, list(names), weight)
            some, names, weight = [], {}, 0
        some.append(one)
        names[name] = None
        weight += added
    if some:
        yield Group(some, list(names), weight)


def add_commit(arguments: list[str | int], commit: PreparedCommit, proof: Proof) -> None:
    """Add a commit to the arguments of the script, with the proof of what it is built on."""
    _, expected, target, name, life_ms, base, settings, averages, sides, signals, outcomes, since = commit
    arguments += (expected, target, name, since, life_ms, base, settings)
    arguments += (2 * len(averages), 2 * len(sides) + 2, len(signals), len(outcomes))
    arguments += proof
    for field in averages.items():
        arguments += field
    for field in sides.items():
        arguments += field
    arguments += ("commit", name)
    for entry in (*signals, *outcomes):
        arguments += entry
