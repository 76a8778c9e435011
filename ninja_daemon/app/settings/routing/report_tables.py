"""The tables of what is sent by the clock: the daily report, the results, the head of the record."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from ninja_daemon.app.settings.routing.route_tables import TO, RouteContext
from ninja_daemon.app.settings.spans import span_between
from ninja_daemon.app.settings.tables import Table, read_table
from ninja_daemon.app.settings.values import CLOCK, ZONE, Value, decimal
from ninja_daemon.core.filters.days import DAYS
from ninja_daemon.core.messages.send_policy import minute_of_day
from ninja_daemon.core.messages.timed_report import NearDigest, TimedReport


class DailyTable(Table):
    """``[heartbeat]``: the daily report."""

    SHAPE: ClassVar[str] = 'a table, [heartbeat] with at = "08:00" and to = ["ops"]'
    at: Annotated[int, CLOCK]
    """Clock time at which it is sent. Required."""
    time_zone: Annotated[str, ZONE] = "UTC"
    """Zone of that clock."""
    to: Annotated[tuple[str, ...], TO]
    """Its destinations. Required."""


def _day_and_clock(value: object) -> tuple[int, int]:
    day, _, clock = str(value).partition(" ")
    if day.lower() not in DAYS:
        raise ValueError
    return DAYS.index(day.lower()), minute_of_day(clock.strip())


class ResultsTable(Table):
    """``[results]``: the digest of the week's results."""

    SHAPE: ClassVar[str] = 'a table, [results] with at = "sat 09:00" and to = ["club"]'
    at: Annotated[tuple[int, int], Value('a day and a clock time like "sat 09:00"', _day_and_clock)]
    """Day of the week and clock time at which it is sent. Required."""
    time_zone: Annotated[str, ZONE] = "UTC"
    """Zone of that clock."""
    to: Annotated[tuple[str, ...], TO]
    """Its destinations. Required."""


class RecordTable(Table):
    """``[record]``: the head of the record, once a day."""

    SHAPE: ClassVar[str] = 'a table, [record] with to = ["club"]'
    at: Annotated[int, CLOCK] = 0
    """Clock time at which it is sent."""
    time_zone: Annotated[str, ZONE] = "UTC"
    """Zone of that clock."""
    to: Annotated[tuple[str, ...], TO]
    """Its destinations. Required."""


class NearTable(Table):
    """``[near]``: the digest of near crosses before a close."""

    SHAPE: ClassVar[str] = 'a table, [near] with within_pips = 5 and to = ["desk"]'
    within_pips: Annotated[Decimal, decimal(above_zero=True)]
    """How near the averages of a strategy must be to each other. Required."""
    before: Annotated[float, span_between(60, 86_400, " from 1 minute to 1 day")] = 900.0
    """Seconds before the close of a candle at which it is sent; candles shorter than twice that are left out."""
    to: Annotated[tuple[str, ...], TO]
    """Its destinations. Required."""


def read_near(value: object, context: RouteContext) -> NearDigest:
    """Read ``[near]``."""
    table = read_table(NearTable, value, context)
    return NearDigest(table.within_pips, table.before, table.to)


def read_daily(value: object, context: RouteContext) -> TimedReport:
    """Read ``[daily]``."""
    table = read_table(DailyTable, value, context)
    return TimedReport(table.at, table.time_zone, table.to)


def read_results(value: object, context: RouteContext) -> TimedReport:
    """Read ``[results]``."""
    table = read_table(ResultsTable, value, context)
    day, minute = table.at
    return TimedReport(minute, table.time_zone, table.to, day)


def read_record(value: object, context: RouteContext) -> TimedReport:
    """Read ``[record]``."""
    table = read_table(RecordTable, value, context)
    return TimedReport(table.at, table.time_zone, table.to)
