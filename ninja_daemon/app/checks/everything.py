"""All checks in the order in which a person would look, each made only when it is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ninja_daemon.app.checks.audits import check_audits
from ninja_daemon.app.checks.broker import check_broker, check_token
from ninja_daemon.app.checks.calendar import check_calendar
from ninja_daemon.app.checks.consumers import check_consumers
from ninja_daemon.app.checks.destinations import check_destinations, check_leftovers, check_routes
from ninja_daemon.app.checks.files import check_files
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.proxies import check_proxies
from ninja_daemon.app.checks.store import check_store
from ninja_daemon.app.checks.strategies import check_lifetimes, check_strategies
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.app.settings.servers.proxies import proxy_of_file
from ninja_daemon.app.settings.strategies import inspect_configuration
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Clock

_NAME: Final = re.compile(r"\b(?:OANDA|REDIS|CACHE|NINJA)_[A-Z_]+", re.ASCII)
_SENTINEL: Final = frozenset({"REDIS_SENTINEL_PASSWORD", "REDIS_SENTINEL_USERNAME"})
_REDIS: Final = _SENTINEL | {"REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_DB", "NINJA_NAMESPACE"}
_BROKER: Final = frozenset({"OANDA_ACCESS_TOKEN", "OANDA_ACCOUNT_ID", "OANDA_ENVIRONMENT", "OANDA_API_URL"})
_CURE: Final = "correct it; docs/configuration.md explains every key, and every name of the environment"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at.

    Attributes:
        about: what it is, for a person who waits.
        look: does it.
    """

    about: str
    look: Callable[[], Sequence[Finding]]


def all_checks(
    clock: Clock,
    *,
    offline: bool,
    host: bool = False,
    environ: Mapping[str, str] | None = None,
    working_directory: Path | None = None,
) -> Iterator[Check]:
    """Yield the checks; those that reach out come last, and not at all when ``offline``; the machine when ``host``."""
    environment, problems = inspect_environment(environ, working_directory)
    configuration, more = inspect_configuration(environment)
    yield Check("the configuration", partial(_configuration, environment, configuration, [*problems, *more]))
    if configuration is not None:
        delivery, way = configuration.delivery, proxy_of_file(environment)
        yield Check("proxies", lambda: list(check_proxies(os.environ if environ is None else environ, delivery, way)))
        calendar = partial(check_calendar, configuration.calendar, configuration.strategies, clock, offline=offline)
        yield Check("the calendar", lambda: list(calendar()))
    yield Check("files", lambda: list(check_files(environment)))
    if configuration is not None:
        yield Check("audits", partial(_audits, environment, configuration, clock))
    yield Check("the token", lambda: list(check_token(environment, offline=offline)))
    if host:
        from ninja_daemon.app.checks.host.overview import check_host  # noqa: PLC0415 - seldom wanted

        yield Check("this machine", lambda: list(check_host(environment)))
    if not offline:
        yield from _reaching_out(environment, configuration, _refused_names(problems), clock)


def _reaching_out(
    environment: Environment, configuration: Configuration | None, refused: frozenset[str], clock: Clock
) -> Iterator[Check]:
    strategies = () if configuration is None else configuration.strategies
    shards = 1 if configuration is None else configuration.servers.shards
    if refused & _REDIS:
        yield Check("Redis", lambda: [_left_out("redis", "Redis", refused & _REDIS)])
    else:
        yield Check("Redis", lambda: list(check_store(environment, strategies, clock.now(), shards)))
    if refused & _BROKER:
        yield Check("the broker", lambda: [_left_out("broker", "broker", refused & _BROKER)])
    elif environment.access_token is not None:
        yield Check("the broker", lambda: _broker(environment, strategies, clock))
    if configuration is not None:
        delivery = configuration.delivery
        yield Check("the destinations", lambda: list(check_destinations(delivery)))
        if not refused & _REDIS:
            yield Check("who takes signals", lambda: list(check_consumers(environment, delivery.mirror)))
            left = partial(check_leftovers, environment, delivery, strategies)
            yield Check("what is left", lambda: list(left()))


def _refused_names(problems: Sequence[str]) -> frozenset[str]:
    """Return the names of the environment that are not as they must be; all of them when a file cannot be read."""
    found = [_NAME.search(problem) for problem in problems]
    names = {"" if match is None else match[0].removesuffix("_FILE") for match in found}
    return frozenset(_REDIS | _BROKER if names & {"", "NINJA_ENV"} else names)


def _left_out(code: str, subject: str, names: frozenset[str]) -> Finding:
    # Where the default leads is not where somebody wanted to go, least of all with the token.
    cause = f"was not looked at, since {', '.join(sorted(names))} may be wrong"
    return Finding(Level.INFO, f"{code}.left_out", subject, cause)


def _broker(environment: Environment, strategies: Sequence[Strategy], clock: Clock) -> Sequence[Finding]:
    from ninja_daemon.app.wiring import candle_source  # noqa: PLC0415 - loads much that no other check needs

    source = candle_source(environment)
    try:
        return list(check_broker(environment, source, strategies, clock))
    finally:
        source.close()


def _audits(environment: Environment, configuration: Configuration, clock: Clock) -> Sequence[Finding]:
    return list(check_audits(environment, configuration.strategies, configuration.audit_every, clock.now()))


def _problem(problem: str) -> Finding:
    """Split a problem into its cause and its cure, where it has both."""
    cause, _, cure = problem.rpartition("; ")
    is_parted = cause and ", was " not in cure
    return Finding(Level.ERROR, "configuration", "configuration", *((cause, cure) if is_parted else (problem, _CURE)))


def _configuration(
    environment: Environment, configuration: Configuration | None, problems: Sequence[str]
) -> Sequence[Finding]:
    findings = [_problem(problem) for problem in problems]
    notes = (*environment.notes, *(() if configuration is None else configuration.notes))
    findings += [Finding(Level.INFO, "configuration.note", "configuration", note) for note in notes]
    for name, meant in environment.misspelt().items():
        cause = f"{name} is set, and nothing reads it"
        findings.append(Finding(Level.WARNING, "environment.misspelt", "environment", cause, f"write {meant}?"))
    if configuration is not None:
        # A refused strategy is missing below; findings that follow from its absence would mislead.
        if configuration.strategies or not problems:
            findings += check_strategies(configuration.strategies)
        if not problems:
            findings += check_routes(configuration.delivery, configuration.strategies)
        findings += check_lifetimes(
            configuration.strategies, environment.cache_ttl_ma_state, environment.cache_ttl_last_processed
        )
    return findings
