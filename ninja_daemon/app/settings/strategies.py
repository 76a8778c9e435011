"""The configuration file (contract 5 and 6), checked as a whole and turned into the core's own values.

Every problem is reported at once, each naming the file, the key, what is allowed and what stands there.
``[defaults]`` and a strategy's own table are checked one by one, then laid over each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.app.settings.known_instruments import KNOWN
from ninja_daemon.app.settings.servers.audit_table import read_audit
from ninja_daemon.app.settings.servers.calendar import TABLE as CALENDAR, read_calendar
from ninja_daemon.app.settings.servers.proxies import lookup_in
from ninja_daemon.app.settings.servers.tables import TABLES as SERVER_TABLES, read_servers
from ninja_daemon.app.settings.servers.web import TABLE as WEB_TABLE, read_web
from ninja_daemon.app.settings.strategy_table import NO_LONGER_NEEDED, StrategyTable, missing, strategy_of
from ninja_daemon.app.settings.tables import read_table
from ninja_daemon.app.settings.toml_file import read_toml
from ninja_daemon.app.settings.values import NAME, Refused, must_be, shown_key
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.instrument import is_instrument_name
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import not_a_key

_OUR_TABLES: Final = ("strategies", "defaults", "extra_instruments", "audit", CALENDAR, *SERVER_TABLES, WEB_TABLE)
MOST_STRATEGIES: Final = 50_000


def load_configuration(environment: Environment) -> Configuration:
    """Read and check the configuration file.

    Raises:
        ConfigError: with every problem found.
    """
    configuration, problems = inspect_configuration(environment)
    if configuration is None or problems:
        raise ConfigError(*problems)
    return configuration


def load_settings(
    environ: Mapping[str, str] | None = None, working_directory: Path | None = None
) -> tuple[Environment, Configuration]:
    """Read environment and configuration file, and report the problems of both at once.

    Raises:
        ConfigError: with every problem found.
    """
    environment, problems = inspect_environment(environ, working_directory)
    configuration, more = inspect_configuration(environment)
    if configuration is None or problems or more:
        raise ConfigError(*problems, *more)
    return environment, configuration


def inspect_configuration(environment: Environment) -> tuple[Configuration | None, list[str]]:
    """Read the file as far as it goes: what could be read without its faulty parts, and the problems.

    Nothing is returned only when the file cannot be read as TOML at all.
    """
    path = environment.config_path
    try:
        tables = read_toml(path)
    except ConfigError as error:
        return None, list(error.problems)
    reading = _Reading(tables, path)
    strategies = reading.strategies()
    delivery = reading.delivery(environment)
    if not strategies and not reading.problems:
        reading.notes.append(f"{path}: there is no strategy; add a [strategies.NAME] table")
    (servers, more), (delay, others), (every, wrong) = read_servers(tables), read_web(tables), read_audit(tables)
    calendar, rest = read_calendar(tables, path, strategies, lookup_in(environment, str(path), reading.problems))
    problems = [*reading.problems, *(f"{path}: {problem}" for problem in (*more, *others, *wrong, *rest))]
    extra, notes = frozenset(reading.extra_instruments), tuple(reading.notes)
    return Configuration(strategies, delivery, path, notes, extra, servers, delay, every, calendar), problems


class _Reading:
    """One walk through the tables of a file that collects problems and notes."""

    def __init__(self, tables: Mapping[str, Any], path: Path) -> None:
        self._file = str(path)
        self._tables = tables
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.extra_instruments = self._extra_instruments()

    def strategies(self) -> tuple[Strategy, ...]:
        """Return every strategy that is without fault."""
        defaults = self._table("defaults", self._tables.get("defaults", {}))
        tables = self._tables.get("strategies", {})
        if not isinstance(tables, dict) or len(tables) > MOST_STRATEGIES:
            self._problem("strategies", must_be(f"tables, each [strategies.NAME], {MOST_STRATEGIES} at most", tables))
            return ()
        made = [self._strategy(name, table, defaults) for name, table in tables.items()]
        return tuple(strategy for strategy in made if strategy is not None)

    def delivery(self, environment: Environment) -> Delivery:
        """Return destinations and routes, as far as they are without fault; their secrets become known to the logs."""
        # Loads every kind of channel, which the keys of a strategy do not need.
        from ninja_daemon.app.settings.delivery import TABLES, parse_delivery  # noqa: PLC0415

        known = (*_OUR_TABLES, *TABLES)
        for name in self._tables:
            if name not in known:
                self._problem(shown_key(name), not_a_key(name, known))
        delivery, problems = parse_delivery(self._tables, self._file, lookup_in(environment, self._file, self.problems))
        self.problems.extend(problems)
        for found in delivery.secrets:
            environment.remember(found)
        return delivery

    def _extra_instruments(self) -> list[str]:
        names = self._tables.get("extra_instruments", [])
        if isinstance(names, list) and all(isinstance(name, str) and is_instrument_name(name) for name in names):
            return names
        self._problem("extra_instruments", must_be('a list of names such as ["NEW_USD"]', names))
        return []

    def _strategy(self, name: str, table: object, defaults: dict[str, Any] | None) -> Strategy | None:
        key = f"strategies.{shown_key(name)}"
        before = len(self.problems)
        try:
            NAME(name)
        except Refused as refused:
            self._refused(f"the name of {key}", refused)
        own = self._table(key, table)
        if isinstance(table, dict):
            for required, text in missing(table, self._tables.get("defaults", {})):
                self._problem(f"{key}.{required}", text)
        if own is None or defaults is None or len(self.problems) > before:
            return None
        try:
            return strategy_of(name, {**defaults, **own})
        except Refused as refused:
            self._refused(key, refused)
            return None

    def _table(self, key: str, table: object) -> dict[str, Any] | None:
        """Return what one table sets; None when it has a problem, which is then on the list."""
        if isinstance(table, dict):
            for old, reason in NO_LONGER_NEEDED.items():
                if old in table:
                    self.notes.append(f"{self._file}: {key}.{old} is no longer needed and has no effect: {reason}")
            table = {name: value for name, value in table.items() if name not in NO_LONGER_NEEDED}
        try:
            given = read_table(StrategyTable, table, self.extra_instruments).given()
        except Refused as refused:
            self._refused(key, refused)
            return None
        if {"instrument", "pair"} <= given.keys():
            self._problem(key, "must have instrument or pair, was given both")
            return None
        for name in given.keys() & {"instrument", "pair"}:
            given["instrument"] = instrument = given.pop(name)
            if instrument not in KNOWN and instrument not in self.extra_instruments:
                cause = "is not among the pairs that OANDA is known to offer"
                self.notes.append(f"{self._file}: {key}.{name} = {instrument} {cause}")
        return given

    def _refused(self, key: str, refused: Refused) -> None:
        self.problems.extend(f"{self._file}: {problem}" for problem in refused.at(key))

    def _problem(self, key: str, text: str) -> None:
        self.problems.append(f"{self._file}: {key} {text}")
