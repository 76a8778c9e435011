"""``[[routes]]``, ``[alerts]``, ``[[silences]]`` and the timed reports: who gets which message."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import Field

from ninja_daemon.app.settings.routing.report_tables import (
    DailyTable,
    NearTable,
    RecordTable,
    ResultsTable,
    read_daily,
    read_near,
    read_record,
    read_results,
)
from ninja_daemon.app.settings.routing.route_tables import TO, TO_OR_NOBODY, RouteContext
from ninja_daemon.app.settings.tables import Table, read_each, read_table
from ninja_daemon.app.settings.values import NAME, SWITCH, Refused, Value, ValueOf, must_be
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Route
from ninja_daemon.core.signals.crossover import Side

_DEEPEST: Final = 8
_LONGEST_PATTERN: Final = 64


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
        raise ValueError  # noqa: TRY004 - as above
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


class MirrorTable(Table):
    """``[mirror]``."""

    SHAPE: ClassVar[str] = 'a table, [mirror] with list = "mine"'
    name: Annotated[str, NAME] = Field(alias="list")
    """Name of the list that gets a second copy of every signal, behind ``{namespace}:mirror:``. Required."""


def _alerts(value: object, context: RouteContext) -> tuple[str, ...]:
    return read_table(AlertsTable, value, context).to


ALERTS: Final = ValueOf(AlertsTable.SHAPE, _alerts)
MIRROR: Final = Value(MirrorTable.SHAPE, lambda value: read_table(MirrorTable, value).name)
DAILY: Final = ValueOf(DailyTable.SHAPE, read_daily)
RESULTS: Final = ValueOf(ResultsTable.SHAPE, read_results)
RECORD: Final = ValueOf(RecordTable.SHAPE, read_record)
NEAR: Final = ValueOf(NearTable.SHAPE, read_near)
