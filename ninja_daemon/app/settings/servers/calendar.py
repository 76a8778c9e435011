"""``[calendar]``: where scheduled news are read, for the strategies that are quiet around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.adapters.news.place import CalendarPlace
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.servers.proxies import looked_up
from ninja_daemon.app.settings.spans import span_between
from ninja_daemon.app.settings.tables import Table, read_table
from ninja_daemon.app.settings.toml_file import read_toml
from ninja_daemon.app.settings.values import SWITCH, TEXT, ZONE, Refused
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import DAY, HOUR

TABLE: Final = "calendar"
_ADDRESS: Final = ("https://", "http://")


class CalendarTable(Table):
    """``[calendar]``."""

    file: Annotated[str, TEXT] = ""
    """A file, beside the configuration where it is no full path, or an address that begins with https://; required."""
    max_age: Annotated[float, span_between(HOUR, 400 * DAY, " from 1 h to 400 days")] = 2.0 * DAY
    """How old it may be before signals are marked: a file by when it was written, an address by when it answered."""
    zone: Annotated[str, ZONE] = ""
    """Of times that name none; left out, such events are left out, too."""
    insecure: Annotated[bool, SWITCH] = False
    """Whether plain http and private addresses are allowed."""


def read_calendar(
    tables: Mapping[str, Any], path: Path, strategies: Iterable[Strategy], secret: Callable[[str], Secret | None]
) -> tuple[CalendarPlace | None, list[str]]:
    """Return where the calendar is, and problems as ``key must be …``.

    Args:
        tables: of the configuration file.
        path: the file.
        strategies: of the file; those that are quiet around news need a calendar.
        secret: looks up the value behind ``env:NAME``.
    """
    if TABLE not in tables:
        quiet = [one.name for one in strategies if one.quiet is not None]
        cure = 'needs a calendar: [calendar] file = "calendar.json" or an address'
        return None, [f"strategies.{name}.quiet_around {cure}" for name in quiet[:1]]
    try:
        return _place(read_table(CalendarTable, tables[TABLE]), path, secret), []
    except Refused as refused:
        return None, list(refused.at(TABLE))


def place_of_file(environment: Environment) -> CalendarPlace | None:
    """Return where the calendar is; None for none, also where the file, which others check, has faults."""
    try:
        tables = read_toml(environment.config_path)
    except ConfigError:
        return None
    return read_calendar(tables, environment.config_path, (), environment.lookup)[0]


def _place(table: CalendarTable, path: Path, secret: Callable[[str], Secret | None]) -> CalendarPlace:
    if not table.file:
        raise Refused((".file", "must be a file or an address, was missing"))
    try:
        where = looked_up(table.file, secret)
    except Refused as refused:
        raise Refused(*refused.inside(".file")) from None
    zone, age = ZoneInfo(table.zone) if table.zone else None, int(table.max_age)
    if not where.reveal().lower().startswith(_ADDRESS):
        return CalendarPlace(path.parent / where.reveal(), None, age, zone)
    if complaint := url_complaint(where.reveal(), insecure=table.insecure):
        raise Refused((".file", f"is no address that may be asked: {complaint}"))
    return CalendarPlace(None, where, age, zone, table.insecure)
