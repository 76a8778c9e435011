"""Kinds of averages and filters by their names, those of installed packages included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ninja_daemon.adapters.host.plug_ins import average_plug_in, filter_plug_in
from ninja_daemon.core.averages.kinds import AverageKind, MovingAverageKind
from ninja_daemon.core.averages.plug_in import PlugInKind
from ninja_daemon.core.filters.kinds import FILTERS as BUILT_IN
from ninja_daemon.core.filters.plug_in import FilterPlugIn

KINDS: Final[Mapping[str, MovingAverageKind]] = {kind.value: kind for kind in MovingAverageKind}
FILTERS: Final = "filters"
"""The key of a strategy, and of recorded settings."""
_BUILT_IN: Final = frozenset(one.name for one in BUILT_IN)


def kind_named(name: object) -> AverageKind:
    """Return a kind of average by the name that stands in the file.

    Raises:
        ValueError: there is none.
    """
    if not isinstance(name, str) or not name:
        raise ValueError
    return KINDS[name] if name in KINDS else PlugInKind(average_plug_in(name))


def filters_named(names: object) -> tuple[FilterPlugIn, ...]:
    """Return filters of packages by the names that stand in the file.

    Raises:
        ValueError: it is no list of names, or one of them is not installed.
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError
    if len(set(names)) < len(names):
        message = "name each only once"
        raise ValueError(message)
    for name in names:
        if name in _BUILT_IN:
            message = f"{name} is no plug-in; write it as a key of its own"
            raise ValueError(message)
    return tuple(filter_plug_in(name) for name in names)


def recorded_kind(text: str) -> AverageKind:
    """Return a kind as settings are recorded: its name, of a plug-in ``name@version``.

    Raises:
        ValueError: there is none, or it is of another version.
    """
    name, _, version = text.partition("@")
    kind = kind_named(name)
    if kind.value != text:
        message = f"the average {name} was of version {version}, installed is {kind.value}"
        raise ValueError(message)
    return kind


def recorded_filters(settings: Mapping[str, object]) -> tuple[FilterPlugIn, ...]:
    """Return the filters of packages as settings are recorded.

    Raises:
        ValueError: one is not installed, or is of another version.
    """
    entries = settings.get(FILTERS, [])
    if not isinstance(entries, list):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong
    found = filters_named([entry[0] for entry in entries])
    for one, entry in zip(found, entries, strict=True):
        if one.written != entry:
            message = f"the filter {one.name} was of version {entry[1]}, installed is {one.version}"
            raise ValueError(message)
    return found
