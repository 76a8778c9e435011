"""All checks in the order in which a person would look, each made only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ninja_daemon.app.checks.broker import check_broker, check_token
from ninja_daemon.app.checks.destinations import check_destinations, check_routes
from ninja_daemon.app.checks.files import check_files
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.store import check_store
from ninja_daemon.app.checks.strategies import check_lifetimes, check_strategies
from ninja_daemon.app.configuration import Configuration, inspect_configuration
from ninja_daemon.app.environment import Environment, inspect_environment
from ninja_daemon.core.strategy import Strategy
from ninja_daemon.usecases.ports import Clock


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
    yield Check("files", lambda: list(check_files(environment)))
    yield Check("the token", lambda: list(check_token(environment, offline=offline)))
    if host:
        from ninja_daemon.app.checks.host import check_host  # noqa: PLC0415 - seldom wanted

        yield Check("this machine", lambda: list(check_host(environment)))
    strategies = () if configuration is None else configuration.strategies
    if not offline:
        yield Check("Redis", lambda: list(check_store(environment, strategies, clock.now())))
        if environment.access_token is not None:
            yield Check("the broker", lambda: _broker(environment, strategies, clock))
        if configuration is not None:
            delivery = configuration.delivery
            yield Check("the destinations", lambda: list(check_destinations(delivery)))


def _broker(environment: Environment, strategies: Sequence[Strategy], clock: Clock) -> Sequence[Finding]:
    from ninja_daemon.app.wiring import candle_source  # noqa: PLC0415 - loads much that no other check needs

    source = candle_source(environment)
    try:
        return list(check_broker(environment, source, strategies, clock))
    finally:
        source.close()


def _configuration(
    environment: Environment, configuration: Configuration | None, problems: Sequence[str]
) -> Sequence[Finding]:
    findings = [Finding(Level.ERROR, "configuration", "configuration", problem) for problem in problems]
    notes = (*environment.notes, *(() if configuration is None else configuration.notes))
    findings += [Finding(Level.INFO, "configuration.note", "configuration", note) for note in notes]
    for name, meant in environment.misspelt().items():
        cause = f"{name} is set, and nothing reads it"
        findings.append(Finding(Level.WARNING, "environment.misspelt", "environment", cause, f"write {meant}?"))
    if configuration is not None:
        findings += check_strategies(configuration.strategies)
        findings += check_routes(configuration.delivery, configuration.strategies)
        findings += check_lifetimes(
            configuration.strategies, environment.cache_ttl_ma_state, environment.cache_ttl_last_processed
        )
    return findings
