"""Silences: tables of the file, and what a person types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from ninja_daemon.app.settings.routing.route_tables import TO_OR_NOBODY, RouteContext
from ninja_daemon.app.settings.routing.routes import MATCH
from ninja_daemon.app.settings.tables import Table, read_each, read_table
from ninja_daemon.app.settings.values import Refused, Value, ValueOf
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Silence

_LONGEST_COMMENT: Final = 200


def _moment(value: object) -> float:
    if not isinstance(value, datetime):
        raise ValueError  # noqa: TRY004 - as above
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()


class SilenceTable(Table):
    """One ``[[silences]]``."""

    until: Annotated[float, Value("a date and time like 2026-12-24T18:00:00Z (every silence has an end)", _moment)]
    """When it ends. Required."""
    match: Annotated[Match, MATCH] = MATCH_ALL
    """Which signals it holds back; left out, all."""
    to: Annotated[tuple[str, ...], TO_OR_NOBODY] = ()
    """Where it holds; left out, everywhere."""
    comment: Annotated[str, Value("text", lambda value: str(value)[:_LONGEST_COMMENT])] = ""
    """Why."""


def _silences(value: object, context: RouteContext) -> tuple[Silence, ...]:
    if not isinstance(value, list):
        raise ValueError  # noqa: TRY004 - as above
    tables = read_each(value, lambda each: read_table(SilenceTable, each, context))
    return tuple(
        Silence(f"file-{place}", table.match, table.until, table.to, table.comment)
        for place, table in enumerate(tables, start=1)
    )


SILENCES: Final = ValueOf("tables, each [[silences]]", _silences)


def parse_silence(
    name: str, conditions: Mapping[str, Any], until: float, destinations: Sequence[str], comment: str
) -> tuple[Silence | None, list[str]]:
    """Make a silence of what a person typed; None with the problems when it cannot be one."""
    try:
        match = MATCH(conditions)
    except Refused as refused:
        return None, list(refused.at("the silence: match"))
    return Silence(name, match, until, tuple(destinations), comment[:_LONGEST_COMMENT]), []
