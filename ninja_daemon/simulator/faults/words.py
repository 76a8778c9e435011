"""Faults in words, for the command line: ``NAME[=VALUE][,KEY=VALUE]…``, such as ``429,retry-after=2,times=3``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan
from types import MappingProxyType
from typing import Final

from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.spans import DAY
from ninja_daemon.simulator.faults.answers import (
    CutBody,
    CutJson,
    Delay,
    GzipBomb,
    Reset,
    Skew,
    SlowBody,
    body,
    redirect,
    status,
)
from ninja_daemon.simulator.faults.candles import CloseText, Flaw, Late, Missing, Revised, Spoiled, StrayFriday
from ninja_daemon.simulator.faults.script import BrokerFault, Effect

_STATUSES: Final = ("400", "401", "403", "404", "429", "500", "502", "503", "504")
_LONG_NUMBER: Final = "1" * 5_000
_CONDITIONS: Final = frozenset({"times", "skip", "share", "path", "instrument", "granularity"})
_NO_JSON_NUMBER: Final = '{"instrument":"EUR_USD","granularity":"S5","candles":[{"complete":true,"volume":NaN}]}'

_Make = Callable[[str, Mapping[str, str]], Effect]


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not least <= number <= most:
        message = f"{name} must be a number from {least} to {most}, was {text[:40]!r}"
        raise ValueError(message)
    return number


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        message = f"{name} must be a whole number, was {text[:40]!r}"
        raise ValueError(message) from error


def _needed(options: Mapping[str, str], key: str) -> str:
    if key not in options:
        message = f"{key}= must be given, too"
        raise ValueError(message)
    return options[key]


def _flaw(flaw: Flaw) -> _Make:
    return lambda value, _: Spoiled(flaw, parse_instant(value) if value else None)


def _fixed(effect: Effect) -> _Make:
    return lambda _value, _options: effect


def _status(code: str) -> _Make:
    return lambda _, options: status(int(code), retry_after=options.get("retry-after"))


_MAKES: Final[Mapping[str, _Make]] = MappingProxyType(
    {
        **{code: _status(code) for code in _STATUSES},
        "delay": lambda value, _: Delay(_number("delay", value or "30", 0, DAY)),
        "slow-body": lambda value, _: SlowBody(_number("slow-body", value or "1", 0, DAY)),
        "reset": _fixed(Reset()),
        "cut-body": lambda value, _: CutBody(_whole("cut-body", value or "40")),
        "cut-json": lambda value, _: CutJson(_whole("cut-json", value or "60")),
        "gzip-bomb": lambda value, _: GzipBomb(_whole("gzip-bomb", value or "64")),
        "redirect": lambda value, _: redirect(value) if value else redirect(),
        "skew": lambda value, _: Skew(_number("skew", value or "10", -DAY, DAY)),
        "empty": _fixed(body("")),
        "null": _fixed(body("null")),
        "list": _fixed(body("[]")),
        "object": _fixed(body("{}")),
        "json-nan": _fixed(body(_NO_JSON_NUMBER)),
        "price-nan": _fixed(CloseText("NaN")),
        "long-number": _fixed(CloseText(_LONG_NUMBER)),
        "price": lambda value, _: CloseText(value),
        "missing": lambda value, _: Missing(parse_instant(value)),
        "late": lambda value, options: Late(parse_instant(value), parse_instant(_needed(options, "until"))),
        "revised": lambda value, options: Revised(
            parse_instant(value), _whole("by", options.get("by", "10")), parse_instant(options.get("since", "0"))
        ),
        "stray-friday": _fixed(StrayFriday()),
        **{flaw.value: _flaw(flaw) for flaw in Flaw},
    }
)
_OPTIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **{code: frozenset({"retry-after"}) for code in _STATUSES},
        "late": frozenset({"until"}),
        "revised": frozenset({"by", "since"}),
    }
)
FAULT_NAMES: Final = tuple(_MAKES)


def read_fault(text: str) -> BrokerFault:
    """Read one fault.

    Raises:
        ConfigError: it is not understood, with what is.
    """
    head, *parts = text.split(",")
    name, _, value = head.strip().partition("=")
    make = _MAKES.get(name)
    if make is None:
        message = f"a fault must begin with one of {' '.join(FAULT_NAMES)}, was {name[:40]!r}"
        raise ConfigError(message)
    options = dict(_pair(part, text) for part in parts)
    allowed = _CONDITIONS | _OPTIONS.get(name, frozenset())
    if unknown := sorted(set(options) - allowed):
        message = f"fault {text!r}: a key must be one of {' '.join(sorted(allowed))}, was {unknown[0][:40]!r}"
        raise ConfigError(message)
    try:
        return _conditioned(make(value, options), options)
    except (ValueError, OverflowError) as error:
        message = f"fault {text!r}: {error}"
        raise ConfigError(message) from error


def _pair(part: str, text: str) -> tuple[str, str]:
    key, equals, value = part.strip().partition("=")
    if not equals:
        message = f"fault {text!r}: what follows a comma must look like times=3, was {part[:40]!r}"
        raise ConfigError(message)
    return key, value


def _conditioned(effect: Effect, options: Mapping[str, str]) -> BrokerFault:
    granularity = options.get("granularity")
    times = options.get("times")
    return BrokerFault(
        effect,
        times=None if times is None else _whole("times", times),
        skip=_whole("skip", options.get("skip", "0")),
        share=_number("share", options.get("share", "1"), 0, 1),
        path=options.get("path", ""),
        instrument=options.get("instrument"),
        granularity=None if granularity is None else Granularity.named(granularity),
    )
