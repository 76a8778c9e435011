"""The broker: does it answer, does it take the token, does the account have our instruments, is its clock ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from ninja_daemon.adapters.network.reachability import clock_ahead
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.known_instruments import suggestion
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, NinjaError
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, WantedHistory
from ninja_daemon.usecases.ports import Clock

_CLOCK_TOLERANCE: Final = 5.0
_CLOCK_LIMIT: Final = 60.0
_ACCOUNT_CURE: Final = "is OANDA_ACCOUNT_ID one of this token's accounts?"


class Broker(CandleSource, Protocol):
    """The candle source, with the list of an account's instruments."""

    def account_instruments(self) -> Mapping[str, Instrument] | None:
        """Return what the account may trade, None without an account."""


def check_token(environment: Environment, *, offline: bool) -> Iterator[Finding]:
    """Say that there is no token, where there is none; an error only where the broker is to be asked."""
    if environment.access_token is None:
        cause = "OANDA_ACCESS_TOKEN is not set: the daemon cannot read candles"
        cure = "make a token on OANDA's site (practice accounts are free); without one: ninja-daemon demo"
        yield Finding(Level.WARNING if offline else Level.ERROR, "broker.no_token", "broker", cause, cure)


def check_broker(
    environment: Environment, broker: Broker, strategies: Sequence[Strategy], clock: Clock
) -> Iterator[Finding]:
    """Ask the broker for the account's instruments, or for one candle of each instrument where there is no account."""
    subject = f"broker {environment.api_url}"
    try:
        if environment.account_id is not None:
            findings = list(_listed(subject, broker.account_instruments(), strategies))
        else:
            findings = list(_tried(subject, broker, strategies))
    except NinjaError as error:
        findings = [_failure(subject, error, environment)]
    yield from findings
    if not findings:
        instruments = {strategy.instrument for strategy in strategies}
        cause = f"answers, takes the token, and has all {len(instruments)} instruments"
        yield Finding(Level.OK, "broker", subject, cause)
    yield from _clock(subject, clock_ahead(environment.api_url, clock))


def _listed(subject: str, known: Mapping[str, Instrument] | None, strategies: Sequence[Strategy]) -> Iterator[Finding]:
    if known is None:
        cause = "the list of the account's instruments cannot be had; precision is taken from the prices"
        yield Finding(Level.WARNING, "broker.instruments", subject, cause, _ACCOUNT_CURE)
        return
    for name, users in _by_instrument(strategies).items():
        if name not in known:
            yield _unknown(subject, name, users)


def _tried(subject: str, broker: Broker, strategies: Sequence[Strategy]) -> Iterator[Finding]:
    users = _by_instrument(strategies)
    wanted = {name: WantedHistory(of[0].series, None, 1) for name, of in users.items()}
    answers = broker.history(list(wanted.values()))
    failures: dict[str, NinjaError] = {}
    for name, request in wanted.items():
        answer = answers[request]
        if isinstance(answer, BrokerRefused) and not isinstance(answer, BrokerDenied):
            yield _unknown(subject, name, users[name])
        elif isinstance(answer, NinjaError):
            failures.setdefault(str(answer), answer)
    for failure in failures.values():
        raise failure


def _by_instrument(strategies: Sequence[Strategy]) -> dict[str, list[Strategy]]:
    users: dict[str, list[Strategy]] = {}
    for strategy in strategies:
        users.setdefault(strategy.instrument, []).append(strategy)
    return users


def _unknown(subject: str, name: str, users: Sequence[Strategy]) -> Finding:
    meant = suggestion(name)
    cure = f"did you mean {meant}?" if meant not in {None, name} else "name another one, or remove the strategies"
    cause = f"it has no {name} for this account, which {', '.join(user.name for user in users)} would need"
    return Finding(Level.ERROR, "broker.instrument", subject, cause, cure)


def _failure(subject: str, error: NinjaError, environment: Environment) -> Finding:
    if isinstance(error, BrokerDenied):
        other = "live" if environment.broker_environment == "practice" else "practice"
        cure = (
            f"is the token right, and is it one of the {environment.broker_environment} environment? Tokens of {other} "
            f"need OANDA_ENVIRONMENT={other}"
        )
        return Finding(Level.ERROR, "broker.denied", subject, str(error), cure)
    if isinstance(error, BrokerRefused):
        return Finding(Level.ERROR, "broker.refused", subject, str(error), _ACCOUNT_CURE)
    cure = "is the network up, and is OANDA_API_URL right where it is set? The daemon keeps trying"
    return Finding(Level.ERROR, "broker.unavailable", subject, str(error), cure)


def _clock(subject: str, ahead: float | None) -> Iterator[Finding]:
    if ahead is not None and abs(ahead) > _CLOCK_TOLERANCE:
        side = "behind" if ahead > 0 else "ahead of"
        level = Level.ERROR if abs(ahead) > _CLOCK_LIMIT else Level.WARNING
        cause = f"this machine's clock is {abs(ahead):.0f} s {side} the broker's: candles are asked for at wrong times"
        yield Finding(level, "broker.clock", subject, cause, "let it follow network time: timedatectl set-ntp true")
