"""``[web]`` as a table of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from ninja_daemon.app.configuration import PUBLIC_DELAY
from ninja_daemon.app.settings.spans import LONGEST_WAIT, span_between
from ninja_daemon.app.settings.tables import Table, read_table
from ninja_daemon.app.settings.values import Refused

TABLE: Final = "web"


class WebTable(Table):
    """``[web]``."""

    public_delay: Annotated[float, span_between(0, LONGEST_WAIT, " of at most 30 days")] = PUBLIC_DELAY
    """Time from a candle's close until the public page shows what came of it."""


def read_web(tables: Mapping[str, Any]) -> tuple[float, list[str]]:
    """Return the public delay in seconds, and the problems as ``web.key must be …``."""
    try:
        return read_table(WebTable, tables.get(TABLE, {})).public_delay, []
    except Refused as refused:
        return PUBLIC_DELAY, list(refused.at(TABLE))
