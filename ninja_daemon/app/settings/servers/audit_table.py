"""``[audit]`` as a table of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from ninja_daemon.app.settings.tables import Table, read_table
from ninja_daemon.app.settings.values import Refused, Value
from ninja_daemon.core.spans import WEEK, span

_LEAST, _MOST = 3_600, 366 * 86_400
"""Seconds: the market is closed for hours, and an audit a year is hardly one."""


def _every(value: object) -> float | None:
    if value == "never":
        return None
    seconds = span(value, _MOST)
    if seconds < _LEAST:
        raise ValueError
    return float(seconds)


EVERY: Final = Value('a length of time from 1 hour to 366 days like "1 week", or "never"', _every)


class AuditTable(Table):
    """``[audit]``: what the daemon audits by itself."""

    SHAPE: ClassVar[str] = 'a table, [audit] with every = "1 week"'
    every: Annotated[float | None, EVERY] = WEEK
    """Seconds between two audits of a strategy; None for none."""


def read_audit(tables: Mapping[str, Any]) -> tuple[float | None, list[str]]:
    """Return how often to audit, and the problems as ``audit.key must be …``."""
    try:
        return read_table(AuditTable, tables.get("audit", {})).every, []
    except Refused as refused:
        return WEEK, list(refused.at("audit"))
