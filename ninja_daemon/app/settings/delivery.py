"""Destinations, routes, alerts, silences and the daily report of the configuration file, checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from itertools import product
from typing import Any, Final, get_args, get_type_hints
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.channels.kind import ChannelKind, key_of
from ninja_daemon.adapters.channels.registry import KINDS
from ninja_daemon.adapters.channels.words import template_complaint
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.destination import CONSOLE, DailyReport, Delivery, Destination, OptionValue
from ninja_daemon.core.messages.routing import (
    MATCH_ALL,
    Match,
    Prospect,
    Route,
    Silence,
    destinations_for,
    unused_routes,
)
from ninja_daemon.core.messages.send_policy import LatePolicy, Manners, QuietHours, Rate, minute_of_day
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy

SecretLookup = Callable[[str], Secret | None]

TABLES: Final = ("destinations", "routes", "alerts", "silences", "heartbeat")
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_SPAN: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|sec|min|m|h|hours?|d|days?|seconds?|minutes?)", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RATE: Final = re.compile(r"(\d{1,4})\s*(?:/|per|a)\s*(?:(\d{1,4})\s*)?(s|sec|second|min|minute|h|hour)", re.ASCII)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_DESTINATIONS: Final = 64
_DEEPEST: Final = 8
_LONGEST_TEXT: Final = 4_096
_RATIO_DIGITS: Final = 10


class _Missing(Enum):
    """Marks a key that is not there."""

    MISSING = "nothing"


_MISSING: Final = _Missing.MISSING


def parse_delivery(tables: Mapping[str, Any], file: str, secret: SecretLookup) -> tuple[Delivery, list[str]]:
    """Read everything that the configuration says about delivery.

    Args:
        tables: the tables of the TOML file that are not about strategies; numbers as decimals.
        file: the file's name, for the problems.
        secret: looks up the value behind ``env:NAME``.

    Returns:
        What could be read, and one sentence for each problem, naming file, key and what is allowed.
    """
    reading = _Reading(file, secret)
    reading.unknown("", tables, TABLES)
    destinations = reading.destinations(tables.get("destinations", {}))
    names = [destination.name for destination in destinations]
    # "console" always means something: it is where alerts go when nothing else is said, and where they fall back to.
    if CONSOLE not in names:
        destinations = [*destinations, Destination(CONSOLE, "console")]
    configured = tuple(names) or (CONSOLE,)
    known = (*configured, CONSOLE)
    routes = reading.routes("routes", tables.get("routes", _MISSING), known)
    if routes is None:
        routes = (Route(MATCH_ALL, configured),)
    delivery = Delivery(
        destinations=tuple(destinations),
        routes=routes,
        alerts=reading.alerts(tables.get("alerts", _MISSING), known),
        silences=reading.silences(tables.get("silences", []), known),
        daily=reading.daily(tables.get("heartbeat", _MISSING), known),
    )
    reading.check_followers(destinations)
    return delivery, reading.problems


def parse_span(text: str, most: float = 30 * 86_400) -> float | None:
    """Read a length of time such as ``30 min`` in seconds; None when it is none, or longer than ``most`` seconds."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return None
    seconds = float(match[1]) * _UNITS[match[2][0]]
    return seconds if seconds <= most else None


def parse_silence(
    name: str, conditions: Mapping[str, Any], until: float, destinations: Sequence[str], comment: str
) -> tuple[Silence | None, list[str]]:
    """Make a silence of what a person typed; None with the problems when it cannot be one."""
    reading = _Reading("the silence", lambda _: None)
    match = reading.match("match", conditions)
    if match is None:
        return None, reading.problems
    return Silence(name, match, until, tuple(destinations), comment[:200]), []


@dataclass(frozen=True, slots=True)
class RouteFinding:
    """Something that the routes do and that was perhaps not meant.

    Attributes:
        subject: the strategy, the destination or the route.
        text: what is wrong, with its cure.
    """

    subject: str
    text: str


def problems_for(delivery: Delivery, strategies: Iterable[Strategy]) -> list[RouteFinding]:
    """Prove that every strategy, destination and route is of use to another; return those that are not.

    A strategy's signals differ for the routes in side and lateness only, so that trying these four is a proof.
    """
    findings: list[RouteFinding] = []
    prospects: list[Prospect] = []
    reached = {*delivery.alerts, *(delivery.daily.to if delivery.daily else ())}
    for strategy in strategies:
        lost = []
        for side, late in product(Side, (False, True)):
            prospects.append(_prospect(strategy, side, late=late))
            to = destinations_for(delivery.routes, prospects[-1])
            reached |= set(to or ())
            if to is None:
                lost.append(f"{'late ' if late else ''}{side.name}")
        if lost:
            text = (
                f"no route takes its {', '.join(lost)} signals; they would end as dead letters. Add a last route "
                "without match, or one with to = [] to leave them out on purpose"
            )
            findings.append(RouteFinding(strategy.name, text))
    for destination in delivery.destinations:
        if destination.name not in reached and destination.name != CONSOLE:
            text = "no signal of any strategy can reach it; name it in a route, or take it out"
            findings.append(RouteFinding(destination.name, text))
    for place in unused_routes(delivery.routes, prospects):
        text = (
            "no signal of any strategy gets to it, because none matches or an earlier route takes them all; correct "
            "its match, put it further up, or take it out"
        )
        findings.append(RouteFinding(".".join(f"routes[{number}]" for number in place), text))
    return findings


def _prospect(strategy: Strategy, side: Side, *, late: bool) -> Prospect:
    ratio = strategy.reward_to_risk
    exact = Decimal(round(ratio * 10**_RATIO_DIGITS)).scaleb(-_RATIO_DIGITS)
    return Prospect(strategy.name, strategy.instrument, strategy.granularity.name, side, late, exact)


class _Reading:
    """One pass over the tables; collects problems instead of stopping at the first."""

    def __init__(self, file: str, secret: SecretLookup) -> None:
        self.problems: list[str] = []
        self._file = file
        self._secret = secret

    # --- telling

    def must(self, key: str, allowed: str, was: object = _MISSING) -> None:
        ending = "" if was is _MISSING else f", was {_shown(was)}"
        self.problems.append(f"{self._file}: {key} must be {allowed}{ending}")

    def unknown(self, where: str, table: Mapping[str, Any], allowed: Iterable[str]) -> None:
        names = tuple(allowed)
        for key in table:
            if key not in names:
                near = get_close_matches(key, names, n=1)
                advice = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(names)}"
                path = f"{where}.{key}" if where else key
                self.problems.append(f"{self._file}: {path[:100]} is not known; {advice}")

    # --- destinations

    def destinations(self, tables: object) -> list[Destination]:
        if not isinstance(tables, Mapping):
            self.must("destinations", "tables, each [destinations.NAME]", tables)
            return []
        if len(tables) > _MOST_DESTINATIONS:
            self.must("destinations", f"at most {_MOST_DESTINATIONS} tables", len(tables))
            return []
        found = [self._destination(str(name), table) for name, table in tables.items()]
        return [destination for destination in found if destination is not None]

    def _destination(self, name: str, table: object) -> Destination | None:
        key = f"destinations.{name[:64]}"
        if _NAME.fullmatch(name) is None:
            self.must(f"the name of {key}", "1 to 64 letters, digits, _ . or -", name)
            return None
        if not isinstance(table, Mapping):
            self.must(key, f"a table, [{key}]", table)
            return None
        channel = table.get("channel", _MISSING)
        kind = KINDS.get(channel) if isinstance(channel, str) else None
        if kind is None or not isinstance(channel, str):
            self.must(f"{key}.channel", f"one of {', '.join(KINDS)}", channel)
            return None
        self.unknown(key, table, ("channel", *map(key_of, get_type_hints(kind.options)), *_MANNERS))
        before = len(self.problems)
        options = self._options(key, kind, table)
        destination = Destination(name, channel, options, self._manners(key, kind, table))
        if len(self.problems) == before:
            for option, complaint in kind.complaints(destination):
                self.problems.append(f"{self._file}: {key}.{option} {complaint}")
        return destination

    def _options(self, key: str, kind: ChannelKind, table: Mapping[str, Any]) -> dict[str, OptionValue]:
        options: dict[str, OptionValue] = {}
        for field, hint in get_type_hints(kind.options).items():
            name = key_of(field)
            value = table.get(name, _MISSING)
            if value is _MISSING:
                if field not in kind.options._field_defaults:
                    self.must(f"{key}.{name}", "set, it is needed")
                continue
            hidden = Secret in {hint, *get_args(hint)}
            type_ = {bool: bool, int | None: int, tuple[str, ...]: tuple}.get(hint, str)
            checked = self._option(f"{key}.{name}", type_, value, hidden=hidden)
            if checked is not None:
                options[name] = (checked,) if type_ is tuple and isinstance(checked, str) else checked
        return options

    def _option(self, key: str, type_: type, value: object, *, hidden: bool) -> OptionValue | None:
        if type_ is str and name_is_number(key) and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if type_ is bool and isinstance(value, bool):
            return value
        if type_ is int and isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65_536:  # noqa: PLR2004 - ports
            return value
        if type_ is tuple and isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return tuple(value)
        if type_ in {str, tuple} and isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT:
            return self._text(key, value, hidden=hidden)
        names = {bool: "true or false", int: "a number from 1 to 65535", tuple: "a list of texts", str: "text"}
        self.must(key, names[type_], "***" if hidden else value)
        return None

    def _text(self, key: str, value: str, *, hidden: bool) -> OptionValue | None:
        if not value.startswith("env:"):
            return Secret(value) if hidden else value
        name = value.removeprefix("env:").strip()
        found = self._secret(name)
        if found is None:
            self.problems.append(
                f"{self._file}: {key} names {name[:64]}, which is not set; set it in the environment, in .env or as "
                f"a systemd credential"
            )
            return None
        return found if hidden else found.reveal()

    # --- manners

    def _manners(self, key: str, kind: ChannelKind, table: Mapping[str, Any]) -> Manners:
        manners = kind.manners
        for name, read in _MANNERS.items():
            if name in table:
                manners = read(self, f"{key}.{name}", manners, table[name])
        return manners

    def span(self, key: str, value: object, most: float = 30 * 86_400) -> float | None:
        """Read a length of time such as ``30 min``."""
        seconds = parse_span(value, most) if isinstance(value, str) else None
        if seconds is None:
            self.must(key, 'a length of time like "90 s", "30 min", "4 h" or "2 days"', value)
            return None
        return seconds

    def zone(self, key: str, value: object) -> str | None:
        try:
            if isinstance(value, str) and value and len(value) <= 64:  # noqa: PLR2004 - longer than any zone
                ZoneInfo(value)
                return value
        except (ValueError, OSError):
            # ZoneInfoNotFoundError is a KeyError in some versions and an OSError's neighbour in others.
            pass
        except KeyError:
            pass
        self.must(key, 'a time zone like "Europe/Berlin"', value)
        return None

    def minute(self, key: str, value: object) -> int | None:
        try:
            if isinstance(value, str):
                return minute_of_day(value)
        except ValueError:
            pass
        self.must(key, 'a clock time like "22:00"', value)
        return None

    def quiet(self, key: str, value: object) -> QuietHours | None:
        if not isinstance(value, Mapping):
            self.must(key, '{ from = "22:00", to = "07:00", time_zone = "Europe/Berlin" }', value)
            return None
        self.unknown(key, value, ("from", "to", "time_zone", "days"))
        start = self.minute(f"{key}.from", value.get("from", _MISSING))
        end = self.minute(f"{key}.to", value.get("to", _MISSING))
        zone = self.zone(f"{key}.time_zone", value.get("time_zone", "UTC"))
        days = value.get("days", list(_DAYS))
        if not isinstance(days, list) or not days or not all(day in _DAYS for day in days):
            self.must(f"{key}.days", f"a list of {', '.join(_DAYS)}", days)
            return None
        if start is None or end is None or zone is None:
            return None
        if start == end:
            self.must(f"{key}.to", "another time than from", value["to"])
            return None
        return QuietHours(start, end, zone, frozenset(_DAYS.index(day) for day in days))

    # --- routes

    def routes(self, key: str, tables: object, known: Sequence[str], depth: int = 1) -> tuple[Route, ...] | None:
        if tables is _MISSING:
            return None
        if not isinstance(tables, list) or depth > _DEEPEST:
            self.must(key, f"tables, each [[{key}]], at most {_DEEPEST} deep", tables)
            return ()
        found = [self._route(f"{key}[{place}]", table, known, depth) for place, table in enumerate(tables, start=1)]
        return tuple(route for route in found if route is not None)

    def _route(self, key: str, table: object, known: Sequence[str], depth: int) -> Route | None:
        if not isinstance(table, Mapping):
            self.must(key, "a table", table)
            return None
        self.unknown(key, table, ("match", "to", "continue", "routes"))
        goes_on = table.get("continue", False)
        if not isinstance(goes_on, bool):
            self.must(f"{key}.continue", "true or false", goes_on)
            return None
        finer = self.routes(f"{key}.routes", table.get("routes", _MISSING), known, depth + 1) or ()
        match = self.match(f"{key}.match", table.get("match", {}))
        to = self.names(f"{key}.to", table.get("to", _MISSING), known, may_be_empty=True)
        if match is None or to is None:
            return None
        return Route(match, to, goes_on, finer)

    def match(self, key: str, table: object) -> Match | None:
        if not isinstance(table, Mapping):
            self.must(key, '{ instrument = ["EUR_USD"], side = "BUY", … }', table)
            return None
        self.unknown(key, table, ("instrument", "timeframe", "strategy", "side", "late", "min_risk_reward"))
        before = len(self.problems)
        for name, wanted in table.items():
            if wanted == []:
                self.must(f"{key}.{name}", "a list of one or more; left out it matches everything", wanted)
        match = Match(
            instrument=self._patterns(f"{key}.instrument", table.get("instrument", [])),
            timeframe=self._timeframes(f"{key}.timeframe", table.get("timeframe", [])),
            strategy=self._patterns(f"{key}.strategy", table.get("strategy", [])),
        )
        side, late, ratio = table.get("side"), table.get("late"), table.get("min_risk_reward")
        if side is not None:
            if side in {"BUY", "SELL"}:
                match = replace(match, side=Side[side])
            else:
                self.must(f"{key}.side", '"BUY" or "SELL"', side)
        if late is not None:
            if isinstance(late, bool):
                match = replace(match, late=late)
            else:
                self.must(f"{key}.late", "true or false", late)
        if ratio is not None:
            exact = Decimal(ratio) if isinstance(ratio, int | Decimal) and not isinstance(ratio, bool) else None
            if exact is not None and exact.is_finite() and exact >= 0:
                match = replace(match, min_risk_reward=exact)
            else:
                self.must(f"{key}.min_risk_reward", "a number from 0", ratio)
        return match if len(self.problems) == before else None

    def _patterns(self, key: str, value: object) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and all(isinstance(item, str) and 0 < len(item) <= 64 for item in values):  # noqa: PLR2004
            return tuple(values)
        self.must(key, "a name or a list of names, * and ? allowed", value)
        return ()

    def _timeframes(self, key: str, value: object) -> tuple[str, ...]:
        names = self._patterns(key, value)
        for name in names:
            if name not in Granularity.__members__ and not set(name) & set("*?"):
                self.must(key, f"of {' '.join(Granularity.__members__)}", name)
        return names

    def names(
        self, key: str, value: object, known: Sequence[str], *, may_be_empty: bool = False
    ) -> tuple[str, ...] | None:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not (values or may_be_empty):
            self.must(key, f"a list of destinations ({', '.join(dict.fromkeys(known))})", value)
            return None
        for name in values:
            if name not in known:
                near = get_close_matches(str(name), known, n=1)
                advice = f"; did you mean {near[0]}?" if near else ""
                self.must(key, f"made of destinations ({', '.join(dict.fromkeys(known))}){advice}", name)
                return None
        return tuple(dict.fromkeys(values))

    # --- the rest

    def alerts(self, table: object, known: Sequence[str]) -> tuple[str, ...]:
        if table is _MISSING:
            return (CONSOLE,)
        if not isinstance(table, Mapping):
            self.must("alerts", 'a table, [alerts] with to = ["ops"]', table)
            return (CONSOLE,)
        self.unknown("alerts", table, ("to",))
        return self.names("alerts.to", table.get("to", _MISSING), known) or (CONSOLE,)

    def daily(self, table: object, known: Sequence[str]) -> DailyReport | None:
        if table is _MISSING:
            return None
        if not isinstance(table, Mapping):
            self.must("heartbeat", 'a table, [heartbeat] with at = "08:00" and to = ["ops"]', table)
            return None
        self.unknown("heartbeat", table, ("at", "time_zone", "to"))
        minute = self.minute("heartbeat.at", table.get("at", _MISSING))
        zone = self.zone("heartbeat.time_zone", table.get("time_zone", "UTC"))
        to = self.names("heartbeat.to", table.get("to", _MISSING), known)
        if minute is None or zone is None or to is None:
            return None
        return DailyReport(minute, zone, to)

    def silences(self, tables: object, known: Sequence[str]) -> tuple[Silence, ...]:
        if not isinstance(tables, list):
            self.must("silences", "tables, each [[silences]]", tables)
            return ()
        found = (self._silence(place, table, known) for place, table in enumerate(tables, start=1))
        return tuple(silence for silence in found if silence is not None)

    def _silence(self, place: int, table: object, known: Sequence[str]) -> Silence | None:
        key = f"silences[{place}]"
        if not isinstance(table, Mapping):
            self.must(key, "a table", table)
            return None
        self.unknown(key, table, ("match", "until", "to", "comment"))
        match = self.match(f"{key}.match", table.get("match", {}))
        until = table.get("until", _MISSING)
        if not isinstance(until, datetime):
            self.must(f"{key}.until", "a date and time like 2026-12-24T18:00:00Z (every silence has an end)", until)
            return None
        to = self.names(f"{key}.to", table.get("to", []), known, may_be_empty=True)
        if match is None or to is None:
            return None
        moment = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        comment = str(table.get("comment", ""))[:200]
        return Silence(f"file-{place}", match, moment.timestamp(), to, comment)

    def check_followers(self, destinations: Sequence[Destination]) -> None:
        """Refuse a destination that waits for itself, for nobody, or for somebody who waits for it."""
        after = {destination.name: destination.manners.after for destination in destinations}
        for name, first in after.items():
            if first and first not in after:
                self.must(f"destinations.{name}.after", f"a destination ({', '.join(after)})", first)
                continue
            seen, ahead = {name}, first
            while ahead and ahead not in seen:
                seen.add(ahead)
                ahead = after.get(ahead, "")
            if ahead:
                self.must(f"destinations.{name}.after", "free of circles", first)


def name_is_number(key: str) -> bool:
    """Tell whether people write this text option as a number (Telegram's chats)."""
    return key.endswith(".chat_id")


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004 - enough to recognise it


# --- manners, one reader a key ---------------------------------------------------------------------------------------

Reader = Callable[[_Reading, str, Manners, Any], Manners]


def _max_age(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    seconds = reading.span(key, value)
    if seconds is not None and seconds < 1:
        reading.must(key, "at least one second", value)
    return manners if seconds is None else replace(manners, max_age=seconds)


def _rate(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    if value == "none":
        return replace(manners, rate=None)
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0 or match[2] == "0":
        reading.must(key, 'a rate like "1/s", "30/min" or "5/2s", or "none"', value)
        return manners
    return replace(manners, rate=Rate(int(match[1]), float(int(match[2] or 1) * _UNITS[match[3][0]])))


def _group(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    if not isinstance(value, bool):
        reading.must(key, "true or false", value)
        return manners
    return replace(manners, group=value)


def _group_wait(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    seconds = reading.span(key, value, most=3_600)
    return manners if seconds is None else replace(manners, group_wait=seconds)


def _delay(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    seconds = reading.span(key, value)
    return manners if seconds is None else replace(manners, delay=seconds)


def _late(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    names = [policy.value for policy in LatePolicy]
    if value not in names:
        reading.must(key, f"one of {', '.join(names)}", value)
        return manners
    return replace(manners, late=LatePolicy(value))


def _after(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    if not isinstance(value, str) or not value:
        reading.must(key, "the name of a destination", value)
        return manners
    return replace(manners, after=value)


def _quiet(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    return replace(manners, quiet=reading.quiet(key, value))


def _zone(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    return replace(manners, time_zone=reading.zone(key, value) or "")


def _template(reading: _Reading, key: str, manners: Manners, value: Any) -> Manners:  # noqa: ANN401 - from TOML
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        reading.must(key, "text", value)
        return manners
    if complaint := template_complaint(value):
        reading.must(key, f"a text with {{fields}}: {complaint}")
        return manners
    return replace(manners, template=value)


_MANNERS: Final[Mapping[str, Reader]] = {
    "max_age": _max_age,
    "rate": _rate,
    "group": _group,
    "group_wait": _group_wait,
    "late": _late,
    "delay": _delay,
    "after": _after,
    "quiet": _quiet,
    "time_zone": _zone,
    "template": _template,
}
