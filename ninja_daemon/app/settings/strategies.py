"""The configuration file (contract 5 and 6): TOML, checked as a whole, turned into the core's own values.

Numbers are read as decimals. Every problem is collected and reported at once, each naming the file, the key, what is
allowed and what stands there. All keys are optional in the models below; ``[defaults]`` and a strategy's own table are
checked one by one, then laid over each other.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.app.settings.known_instruments import KNOWN, is_known, suggestion
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import PriceSide, is_instrument_name
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy

MAX_PERIOD: Final = 5_000
NO_LONGER_NEEDED: Final = {
    "sleep_seconds": "the daemon wakes at each candle close",
    "min_candles": "the daemon reads exactly as much history as the averages need",
}
"""Keys of the replaced system that are read, reported and have no effect."""

_REQUIRED: Final = ("instrument", "timeframe", "fast_ma", "slow_ma")
_OUR_TABLES: Final = ("strategies", "defaults", "extra_instruments")
_LARGEST_FILE: Final = 4_194_304
_MOST_STRATEGIES: Final = 10_000
_MOST_DIGITS: Final = 15
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_SPAN: Final = re.compile(r"(\d{1,9}) ?([a-z]{1,8})", re.ASCII)
_UNIT_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
_CANDLE_UNITS: Final = frozenset({"candle", "candles"})
_LONGEST_AGE: Final = 100 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the configuration file says, defaults filled in.

    Attributes:
        strategies: in the order of the file.
        delivery: destinations and routes.
        path: the file.
        notes: one sentence for each thing that is accepted and worth knowing.
        extra_instruments: instruments that the user vouches for.
    """

    strategies: tuple[Strategy, ...]
    delivery: Delivery
    path: Path
    notes: tuple[str, ...] = ()
    extra_instruments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Age:
    """A ``max_signal_age``: so many candles, or so many seconds.

    Attributes:
        count: how many.
        in_candles: whether they are candles.
    """

    count: int
    in_candles: bool

    def seconds(self, granularity: Granularity) -> int | None:
        """Return it in seconds for a timeframe; None for one candle, whose real length the core knows."""
        if not self.in_candles:
            return self.count
        return None if self.count == 1 else self.count * granularity.seconds


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
        tables = _parsed(path)
    except ConfigError as error:
        return None, list(error.problems)
    reading = _Reading(str(path), tables)
    strategies = reading.strategies()
    delivery = reading.delivery(environment)
    if not strategies and not reading.problems:
        reading.notes.append(f"{path}: there is no strategy; add a [strategies.NAME] table")
    extra = frozenset(reading.extra_instruments)
    return Configuration(strategies, delivery, path, tuple(reading.notes), extra), reading.problems


def _parsed(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError as error:
        message = (
            f"NINJA_CONFIG must name a configuration file, was {path}, which is not there; copy config/ninja.toml of "
            "the distribution (the sixteen strategies) to that place, or set NINJA_CONFIG to where yours is"
        )
        raise ConfigError(message) from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        message = f"NINJA_CONFIG must name a file that can be read, was {path} ({reason})"
        raise ConfigError(message) from error
    if len(content) > _LARGEST_FILE:
        message = f"{path} must be at most {_LARGEST_FILE} bytes, was larger"
        raise ConfigError(message)
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        message = f"{path} must be TOML, was not: {str(error)[:200]}"
        raise ConfigError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} must be text in UTF-8, was not from byte {error.start} on"
        raise ConfigError(message) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Numbers of thousands of digits, or tables thousands deep, which the parser does not call a TOML error.
        message = f"{path} must be TOML with numbers and tables of ordinary size, was not"
        raise ConfigError(message) from error


# --- the models -----------------------------------------------------------------------------------------------------


def _exact(value: object) -> object:
    """Let a whole number stand for a decimal; refuse what has no exact, ordinary size."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value) if abs(value) < 10**_MOST_DIGITS else None
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError
    _, digits, exponent = value.as_tuple()
    if len(digits) > _MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS:
        raise ValueError
    return value


def _one_of(choices: Mapping[str, object]) -> Callable[[object], object]:
    def choose(value: object) -> object:
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return choices[value]

    return choose


def _age(value: object) -> Age:
    match = _SPAN.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError
    if match[2] in _CANDLE_UNITS:
        return Age(int(match[1]), in_candles=True)
    seconds = int(match[1]) * _UNIT_SECONDS.get(match[2], 0)
    if not 0 < seconds <= _LONGEST_AGE:
        raise ValueError
    return Age(seconds, in_candles=False)


_TIMEFRAMES: Final[dict[str, object]] = dict(Granularity.__members__)
_KINDS: Final[dict[str, object]] = {kind.value: kind for kind in MovingAverageKind}
_SIDES: Final[dict[str, object]] = {side.value: side for side in PriceSide}
_HOURS: Final[dict[str, object]] = {hours.value: hours for hours in MarketHours}

_Period = Annotated[int, Field(strict=True, ge=1, le=MAX_PERIOD)]
_Multiplier = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0)]
_Threshold = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)]
_PERIOD: Final = f"a whole number of candles from 1 to {MAX_PERIOD}"
_MULTIPLIER: Final = f"a number above 0 of at most {_MOST_DIGITS} digits"
_THRESHOLD: Final = f"a number from 0 up, of at most {_MOST_DIGITS} digits"


class StrategyTable(BaseModel):
    """A ``[strategies.NAME]`` table, or ``[defaults]``; the descriptions say what is allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)

    instrument: str | None = Field(None, description="an instrument of the broker such as EUR_USD")
    """What to trade, by OANDA's name. Required. ``pair`` is read as the same key."""
    timeframe: Annotated[Granularity, BeforeValidator(_one_of(_TIMEFRAMES))] | None = Field(
        None, description=f"one of {' '.join(_TIMEFRAMES)}"
    )
    """Length of the candles, by OANDA's name of the granularity. Required."""
    fast_ma: _Period | None = Field(None, description=_PERIOD)
    """Period of the fast average in candles. Required."""
    slow_ma: _Period | None = Field(None, description=_PERIOD)
    """Period of the slow average in candles. Required."""
    ma_type: Annotated[MovingAverageKind, BeforeValidator(_one_of(_KINDS))] | None = Field(
        None, description=f"one of {' '.join(_KINDS)}"
    )
    """Kind of both averages."""
    price: Annotated[PriceSide, BeforeValidator(_one_of(_SIDES))] | None = Field(
        None, description=f"one of {' '.join(_SIDES)}"
    )
    """Which of the broker's prices the candles are made of."""
    atr_period: _Period | None = Field(None, description=_PERIOD)
    """Candles in the average true range."""
    sl_atr_multiplier: _Multiplier | None = Field(None, description=_MULTIPLIER)
    """Distance of the stop in average true ranges."""
    tp_atr_multiplier: _Multiplier | None = Field(None, description=_MULTIPLIER)
    """Distance of the target in average true ranges."""
    min_atr_value: _Threshold | None = Field(None, description=_THRESHOLD)
    """Smallest average true range of a signal, as a price difference: 0.0002 is two pips of EUR_USD."""
    min_rr_ratio: _Threshold | None = Field(None, description=_THRESHOLD)
    """Smallest ``tp_atr_multiplier`` / ``sl_atr_multiplier`` of a signal."""
    max_signal_age: Annotated[Age, BeforeValidator(_age)] | None = Field(
        None, description='text such as "1 candle", "3 candles", "90 s", "10 min", "4 h" or "2 days"'
    )
    """How long after its candle's close a signal is not yet late."""
    market_hours: Annotated[MarketHours, BeforeValidator(_one_of(_HOURS))] | None = Field(
        None, description=f"one of {' '.join(_HOURS)}"
    )
    """When candles are to be expected: the currency week, or all the time."""


_ALLOWED_KEYS: Final = (*StrategyTable.model_fields, "pair")


# --- reading --------------------------------------------------------------------------------------------------------


class _Reading:
    """One walk through the tables of a file that collects problems and notes."""

    def __init__(self, file: str, tables: Mapping[str, Any]) -> None:
        self._file = file
        self._tables = tables
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.extra_instruments = self._extra_instruments()

    def strategies(self) -> tuple[Strategy, ...]:
        """Return every strategy that is without fault."""
        defaults = self._table("defaults", self._tables.get("defaults", {}))
        tables = self._tables.get("strategies", {})
        if not isinstance(tables, dict):
            self._must("strategies", "tables, each [strategies.NAME]", tables)
            return ()
        if len(tables) > _MOST_STRATEGIES:
            self._must("strategies", f"at most {_MOST_STRATEGIES} tables", len(tables))
            return ()
        made = [self._strategy(name, table, defaults) for name, table in tables.items()]
        return tuple(strategy for strategy in made if strategy is not None)

    def delivery(self, environment: Environment) -> Delivery:
        """Return destinations and routes, as far as they are without fault; their secrets become known to the logs."""
        # Brings every kind of channel; the models above are wanted without them, too.
        from ninja_daemon.app.settings.delivery import TABLES, parse_delivery  # noqa: PLC0415

        def secret(name: str) -> Secret | None:
            try:
                return environment.lookup(name)
            except ConfigError as error:
                self.problems.extend(f"{self._file}: {problem}" for problem in error.problems)
                return None

        self._find_unknown((*_OUR_TABLES, *TABLES))
        tables = {name: table for name, table in self._tables.items() if name in TABLES}
        delivery, problems = parse_delivery(tables, self._file, secret)
        self.problems.extend(problems)
        for destination in delivery.destinations:
            for value in destination.options.values():
                if isinstance(value, Secret):
                    environment.remember(value)
        return delivery

    def _find_unknown(self, known: Sequence[str]) -> None:
        for name in self._tables:
            if name not in known:
                close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
                meant = f" (did you mean {close[0]}?)" if close else ""
                self.problems.append(f"{self._file}: {_key(name)} is not a key{meant}; allowed are {', '.join(known)}")

    def _extra_instruments(self) -> list[str]:
        names = self._tables.get("extra_instruments", [])
        if isinstance(names, list) and all(isinstance(name, str) and is_instrument_name(name) for name in names):
            return names
        self._must("extra_instruments", 'a list of names such as ["NEW_USD"]', names)
        return []

    def _strategy(self, name: str, table: object, defaults: StrategyTable | None) -> Strategy | None:
        key = f"strategies.{_key(name)}"
        before = len(self.problems)
        if _NAME.fullmatch(name) is None:
            self._must(f"the name of {key}", "1 to 64 letters, digits, _ . or -", name)
        own = self._table(key, table)
        if isinstance(table, dict):
            self._find_missing(key, table)
        if own is None or defaults is None or len(self.problems) > before:
            return None
        values = {**_given(defaults), **_given(own)}
        age: Age | None = values.pop("max_signal_age", None)
        granularity: Granularity = values.pop("timeframe")
        seconds = None if age is None else age.seconds(granularity)
        return Strategy(name=name, granularity=granularity, max_signal_age=seconds, **values)

    def _find_missing(self, key: str, table: Mapping[str, Any]) -> None:
        defaults = self._tables.get("defaults", {})
        present = {*table, *(defaults if isinstance(defaults, dict) else ())}
        if "pair" in present:
            present.add("instrument")
        for required in _REQUIRED:
            if required not in present:
                allowed = StrategyTable.model_fields[required].description
                self.problems.append(f"{self._file}: {key}.{required} must be {allowed}, was missing")

    def _table(self, key: str, table: object) -> StrategyTable | None:
        """Return one table, checked; None when it has a problem, which is then on the list."""
        if not isinstance(table, dict):
            self._must(key, "a table", table)
            return None
        before = len(self.problems)
        content = dict(table)
        self._take_out_the_old(key, content)
        given_as = "pair" if "pair" in content else "instrument"
        if "pair" in content:
            if "instrument" in content:
                self.problems.append(f"{self._file}: {key} must have instrument or pair, was given both")
            content["instrument"] = content.pop("pair")
        if isinstance(content.get("instrument"), str):
            self._check_instrument(f"{key}.{given_as}", content["instrument"])
        try:
            model = StrategyTable.model_validate(content)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_context=False):
                self._fault(key, given_as, str(fault["loc"][0]), fault["type"], fault["input"])
            return None
        return model if len(self.problems) == before else None

    def _take_out_the_old(self, key: str, content: dict[str, Any]) -> None:
        for old, reason in NO_LONGER_NEEDED.items():
            if old in content:
                del content[old]
                self.notes.append(f"{self._file}: {key}.{old} is no longer needed and has no effect: {reason}")

    def _fault(self, key: str, given_as: str, name: str, kind: str, value: object) -> None:
        if kind == "extra_forbidden":
            close = get_close_matches(name.lower(), _ALLOWED_KEYS, n=1, cutoff=0.6)
            meant = f" (did you mean {close[0]}?)" if close else ""
            allowed = ", ".join(_ALLOWED_KEYS)
            self.problems.append(f"{self._file}: {key}.{_key(name)} is not a key{meant}; allowed are {allowed}")
            return
        shown_name = given_as if name == "instrument" else name
        self._must(f"{key}.{shown_name}", str(StrategyTable.model_fields[name].description), value)

    def _check_instrument(self, key: str, name: str) -> None:
        if name in self.extra_instruments:
            return
        if not is_known(name):
            meant = suggestion(name)
            cure = f"; did you mean {meant}?" if meant else ""
            allowed = (
                "an instrument of the broker such as EUR_USD (docs/configuration.md lists them; newer ones go into "
                "extra_instruments at the top of the file)"
            )
            self.problems.append(f"{self._file}: {key} must be {allowed}, was {_shown(name)}{cure}")
        elif name not in KNOWN:
            self.notes.append(f"{self._file}: {key} = {name} is not among the pairs that OANDA is known to offer")

    def _must(self, key: str, allowed: str, was: object) -> None:
        self.problems.append(f"{self._file}: {key} must be {allowed}, was {_shown(was)}")


def _given(table: StrategyTable) -> dict[str, Any]:
    return {name: getattr(table, name) for name in table.model_fields_set}


def _key(name: str) -> str:
    """Write a TOML key as it stands in a file, cut to a bearable length."""
    return name if _NAME.fullmatch(name) and "." not in name else repr(name[:64])


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else repr(value)
    if isinstance(value, bool):
        text = "true" if value else "false"
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004 - what fits on a line


def strategy_defaults() -> Iterator[tuple[str, object]]:
    """Yield the keys of a strategy that have a default, with it; for documentation and its test."""
    for field in fields(Strategy):
        if field.default is not MISSING:
            yield field.name, field.default
