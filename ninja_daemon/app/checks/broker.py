"""The broker: does it answer, does it take the token, does the account have our instruments, is its clock ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from ninja_daemon.adapters.network.reachability import clock_ahead
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.spreads import check_spreads
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.known_instruments import suggestion
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, NinjaError
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours, closed_weekend
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, WantedHistory
from ninja_daemon.usecases.ports import Clock

_CLOCK_TOLERANCE: Final = 5.0
_CLOCK_LIMIT: Final = 60.0
_DIGITS_CURE: Final = (
    "the account's list says with how many decimals, and the daemon reads it again by itself; if it stays so: is "
    "it the right account?"
)
_ACCOUNT_CURE: Final = "is OANDA_ACCOUNT_ID one of this token's accounts?"


class Broker(CandleSource, Protocol):
    """The candle source, with the list of an account's instruments."""

    def account_instruments(self) -> Mapping[str, Instrument] | None:
        """Return what the account may trade, None without an account."""


def check_token(environment: Environment, *, offline: bool) -> Iterator[Finding]:
    """Report a missing token: an error only when the broker will be asked."""
    if environment.access_token is None:
        cause = "OANDA_ACCESS_TOKEN is not set: the daemon cannot read candles"
        cure = "make a token on OANDA's site (practice accounts are free); without one: ninja-daemon demo"
        yield Finding(Level.WARNING if offline else Level.ERROR, "broker.no_token", "broker", cause, cure)


def check_broker(
    environment: Environment, broker: Broker, strategies: Sequence[Strategy], clock: Clock
) -> Iterator[Finding]:
    """Ask the broker for the account's instruments, for one candle of each, and for prices while markets are closed."""
    subject = f"broker {environment.api_url}"
    try:
        if environment.account_id is not None:
            findings = list(_listed(subject, broker.account_instruments(), strategies))
        else:
            findings = []
        refused = {finding.cause for finding in findings}
        findings += [one for one in _tried(subject, broker, strategies) if one.cause not in refused]
        findings += _hours(broker, strategies, clock)
        findings += check_spreads(broker, strategies)
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
        cause = "the list of the account's instruments cannot be read; precision is taken from the prices"
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
        elif answer.rejected is not None:
            cause = f"its candles of {name} cannot be taken in: {answer.rejected}"
            yield Finding(Level.ERROR, "broker.candles", subject, cause, _DIGITS_CURE)
    for failure in failures.values():
        raise failure


def _hours(broker: Broker, strategies: Sequence[Strategy], clock: Clock) -> Iterator[Finding]:
    """Find instruments that have prices while the hours of their strategies say that the market is closed."""
    start, end = closed_weekend(int(clock.now()))
    by_hours = [one for one in strategies if one.market_hours is MarketHours.FX]
    for name, users in _by_instrument(by_hours).items():
        with suppress(NinjaError):
            if broker.had_prices(users[0].series, start, end):
                names = ", ".join(user.name for user in users)
                cause = f'{name} has prices at weekends, and market_hours = "fx" of {names} is silent then'
                cure = 'set market_hours = "always" for them; until then signals of the weekend come late'
                yield Finding(Level.WARNING, "broker.hours", f"strategy {users[0].name}", cause, cure)


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
        token = "" if environment.access_token is None else environment.access_token.reveal()
        quoted = (
            "OANDA_ACCESS_TOKEN begins or ends with a quote, which counts as part of it: take the quotes out"
            if token.strip("\"'") != token
            else "is the token right (without quotes: what the environment holds counts to the letter)"
        )
        cure = (
            f"{quoted}, and is it one of the {environment.broker_environment} environment? Tokens of {other} need "
            f"OANDA_ENVIRONMENT={other}"
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
