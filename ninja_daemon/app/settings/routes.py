"""``[[routes]]``, ``[alerts]``, ``[[silences]]`` and the timed reports: who gets which message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from ninja_daemon.app.settings.tables import Table, read_each, read_table
from ninja_daemon.app.settings.values import (
    CLOCK,
    DAYS,
    NAME,
    SWITCH,
    ZONE,
    Refused,
    Value,
    ValueOf,
    meant,
    must_be,
    shown,
)
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Route, Silence
from ninja_daemon.core.messages.send_policy import minute_of_day
from ninja_daemon.core.messages.timed_report import TimedReport
from ninja_daemon.core.signals.crossover import Side

_DEEPEST: Final = 8
_LONGEST_PATTERN: Final = 64
_LONGEST_COMMENT: Final = 200


@dataclass(frozen=True, slots=True)
class RouteContext:
    """What routes need to know.

    Attributes:
        destinations: the names that they may name.
        depth: how many routes this one lies in.
    """

    destinations: Sequence[str]
    depth: int = 1


# --- conditions -----------------------------------------------------------------------------------------------------


def _patterns(value: object) -> tuple[str, ...]:
    if value == []:
        raise Refused(("", must_be("a list of one or more; left out it matches everything", value)))
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    if not all(isinstance(item, str) and 0 < len(item) <= _LONGEST_PATTERN for item in values):
        raise ValueError
    return tuple(values)


def _timeframes(value: object) -> tuple[str, ...]:
    names = PATTERNS(value)
    for name in names:
        if name not in Granularity.__members__ and not set(name) & set("*?"):
            raise Refused(("", must_be(f"of {' '.join(Granularity.__members__)}", name)))
    return names


def _side(value: object) -> Side:
    if value not in ("BUY", "SELL"):
        raise ValueError
    return Side[str(value)]


def _ratio(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError  # noqa: TRY004 - likewise
    exact = Decimal(value)
    if not exact.is_finite() or exact < 0:
        raise ValueError
    return exact


PATTERNS: Final = Value("a name or a list of names, * and ? allowed", _patterns)


class MatchTable(Table):
    """``match = { … }``: conditions that must all hold; one that is left out always holds."""

    SHAPE: ClassVar[str] = '{ instrument = ["EUR_USD"], side = "BUY", … }'
    instrument: Annotated[tuple[str, ...], PATTERNS] = ()
    """Instruments, ``*`` and ``?`` allowed."""
    timeframe: Annotated[tuple[str, ...], Value(PATTERNS.allowed, _timeframes)] = ()
    """Timeframes, ``*`` and ``?`` allowed."""
    strategy: Annotated[tuple[str, ...], PATTERNS] = ()
    """Strategies, ``*`` and ``?`` allowed."""
    side: Annotated[Side | None, Value('"BUY" or "SELL"', _side)] = None
    """Direction of the signal."""
    late: Annotated[bool | None, SWITCH] = None
    """Whether the signal was found late."""
    min_risk_reward: Annotated[Decimal | None, Value("a number from 0", _ratio)] = None
    """Smallest reward over risk."""


def _match(value: object) -> Match:
    return Match(**read_table(MatchTable, value).given())


MATCH: Final = Value(MatchTable.SHAPE, _match)


# --- destinations of a route ----------------------------------------------------------------------------------------


def _names_or_none(value: object, context: RouteContext) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    known = list(dict.fromkeys(context.destinations))
    if not isinstance(values, list):
        raise ValueError  # noqa: TRY004 - likewise
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


# --- routes ---------------------------------------------------------------------------------------------------------


def _routes(value: object, context: RouteContext) -> tuple[Route, ...]:
    if not isinstance(value, list) or context.depth > _DEEPEST:
        raise ValueError
    return read_each(value, lambda table: _route(table, replace(context, depth=context.depth + 1)))


ROUTES: Final = ValueOf(f"tables, each [[routes]], at most {_DEEPEST} deep", _routes)


class RouteTable(Table):
    """One ``[[routes]]``."""

    to: Annotated[tuple[str, ...], TO_OR_NOBODY]
    """Destinations; an empty list means nobody, on purpose. Required."""
    match: Annotated[Match, MATCH] = MATCH_ALL
    """What it takes."""
    goes_on: Annotated[bool, SWITCH] = Field(default=False, alias="continue")
    """Read the routes after it, too."""
    routes: Annotated[tuple[Route, ...], ROUTES] = ()
    """Finer routes, tried first."""


def _route(value: object, context: RouteContext) -> Route:
    return Route(**{"match": MATCH_ALL, **read_table(RouteTable, value, context).given()})


# --- alerts, the daily report, silences -----------------------------------------------------------------------------


class AlertsTable(Table):
    """``[alerts]``."""

    SHAPE: ClassVar[str] = 'a table, [alerts] with to = ["ops"]'
    to: Annotated[tuple[str, ...], TO]
    """Destinations of operations alerts. Required."""


class DailyTable(Table):
    """``[heartbeat]``: the daily report."""

    SHAPE: ClassVar[str] = 'a table, [heartbeat] with at = "08:00" and to = ["ops"]'
    at: Annotated[int, CLOCK]
    """Clock time at which it is sent. Required."""
    time_zone: Annotated[str, ZONE] = "UTC"
    """Zone of that clock."""
    to: Annotated[tuple[str, ...], TO]
    """Its destinations. Required."""


class MirrorTable(Table):
    """``[mirror]``."""

    SHAPE: ClassVar[str] = 'a table, [mirror] with list = "mine"'
    name: Annotated[str, NAME] = Field(alias="list")
    """Name of the list that gets a second copy of every signal, behind ``{namespace}:mirror:``. Required."""


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


def _moment(value: object) -> float:
    if not isinstance(value, datetime):
        raise ValueError  # noqa: TRY004 - likewise
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()


class SilenceTable(Table):
    """One ``[[silences]]``."""

    until: Annotated[float, Value("a date and time like 2026-12-24T18:00:00Z (every silence has an end)", _moment)]
    """When it ends. Required."""
    match: Annotated[Match, MATCH] = MATCH_ALL
    """The signals that nobody hears of."""
    to: Annotated[tuple[str, ...], TO_OR_NOBODY] = ()
    """Where it holds; left out, everywhere."""
    comment: Annotated[str, Value("text", lambda value: str(value)[:_LONGEST_COMMENT])] = ""
    """Why."""


def _alerts(value: object, context: RouteContext) -> tuple[str, ...]:
    return read_table(AlertsTable, value, context).to


def _daily(value: object, context: RouteContext) -> TimedReport:
    table = read_table(DailyTable, value, context)
    return TimedReport(table.at, table.time_zone, table.to)


def _results(value: object, context: RouteContext) -> TimedReport:
    table = read_table(ResultsTable, value, context)
    day, minute = table.at
    return TimedReport(minute, table.time_zone, table.to, day)


def _record(value: object, context: RouteContext) -> TimedReport:
    table = read_table(RecordTable, value, context)
    return TimedReport(table.at, table.time_zone, table.to)


def _silences(value: object, context: RouteContext) -> tuple[Silence, ...]:
    if not isinstance(value, list):
        raise ValueError  # noqa: TRY004 - likewise
    tables = read_each(value, lambda each: read_table(SilenceTable, each, context))
    return tuple(
        Silence(f"file-{place}", table.match, table.until, table.to, table.comment)
        for place, table in enumerate(tables, start=1)
    )


ALERTS: Final = ValueOf(AlertsTable.SHAPE, _alerts)
MIRROR: Final = Value(MirrorTable.SHAPE, lambda value: read_table(MirrorTable, value).name)
DAILY: Final = ValueOf(DailyTable.SHAPE, _daily)
RESULTS: Final = ValueOf(ResultsTable.SHAPE, _results)
RECORD: Final = ValueOf(RecordTable.SHAPE, _record)
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
