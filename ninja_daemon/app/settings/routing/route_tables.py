"""Readers that all routing tables share: names of destinations, and the depth of a route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.app.settings.values import Refused, ValueOf, shown
from ninja_daemon.core.words import meant


@dataclass(frozen=True, slots=True)
class RouteContext:
    """What routes need to know.

    Attributes:
        destinations: the names that they may name.
        depth: how many routes this one lies in.
    """

    destinations: Sequence[str]
    depth: int = 1


def _names_or_none(value: object, context: RouteContext) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    known = list(dict.fromkeys(context.destinations))
    if not isinstance(values, list):
        raise ValueError  # noqa: TRY004 - as above
    for name in values:
        if name not in known:
            allowed = f"made of destinations ({', '.join(known)})"
            raise Refused(("", f"must be {allowed}, was {shown(name)}{meant(str(name), known)}"))
    return tuple(dict.fromkeys(values))


def _names(value: object, context: RouteContext) -> tuple[str, ...]:
    if not (names := _names_or_none(value, context)):
        raise ValueError
    return names


TO: Final = ValueOf("a list of destinations", _names)


TO_OR_NOBODY: Final = ValueOf("a list of destinations", _names_or_none)
