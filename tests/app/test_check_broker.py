"""What ``check`` says of the broker's answers."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ninja_daemon.app.checks.broker import check_broker
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.environment import Environment, read_environment
from ninja_daemon.core.candle import Candle
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, NinjaError
from ninja_daemon.core.granularity import Granularity
from ninja_daemon.core.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.strategy import Strategy
from tests.app.stored import EUR_USD, M15, candles
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

OTHER = Strategy("XAU_USD_D", "XAU_USD", Granularity.D, 50, 200)
OTHER_SERIES = Series("XAU_USD", Granularity.D, PriceSide.MID)


@dataclass
class AccountBroker(FakeBroker):
    """A broker with a list of an account's instruments, or an error in its place."""

    listed: Mapping[str, Instrument] | NinjaError | None = field(default=None)

    def account_instruments(self) -> Mapping[str, Instrument] | None:
        if isinstance(self.listed, NinjaError):
            raise self.listed
        return self.listed


@pytest.fixture
def closed_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def broker(**failing: NinjaError) -> AccountBroker:
    served: dict[Series, Sequence[Candle]] = {M15.series: candles([110_000]), OTHER_SERIES: candles([1_900_000])}
    instruments = {"EUR_USD": EUR_USD, "XAU_USD": Instrument("XAU_USD", 3, -2)}
    failures = {series: failing[series.instrument] for series in served if series.instrument in failing}
    return AccountBroker(instruments, served, failing=failures)


def environment(url: str, account: str = "") -> Environment:
    return read_environment(
        {"HOME": "/", "OANDA_ACCESS_TOKEN": "t" * 20, "OANDA_API_URL": url, "OANDA_ACCOUNT_ID": account},
        Path("/nonexistent"),
    )


def look(url: str, source: AccountBroker, account: str = "") -> list[Finding]:
    return list(check_broker(environment(url, account), source, [M15, OTHER], FakeClock()))


def test_a_broker_that_has_all_is_good(closed_url: str) -> None:
    (finding,) = look(closed_url, broker())
    assert (finding.level, finding.cause) == (Level.OK, "answers, takes the token, and has all 2 instruments")


def test_an_instrument_that_is_refused_is_named_with_its_strategies(closed_url: str) -> None:
    refusal = BrokerRefused("Invalid value specified for 'instrument'")
    (finding,) = look(closed_url, broker(XAU_USD=refusal))
    assert (finding.level, finding.code) == (Level.ERROR, "broker.instrument")
    assert "no XAU_USD for this account, which XAU_USD_D would need" in finding.cause


def test_with_an_account_its_list_is_what_counts(closed_url: str) -> None:
    source = broker()
    source.listed = {"EUR_USD": EUR_USD}
    (finding,) = look(closed_url, source, "101-001-1-001")
    assert "no XAU_USD" in finding.cause
    assert source.asked == []
    source.listed = None
    assert look(closed_url, source, "101-001-1-001")[0].code == "broker.instruments"


@pytest.mark.parametrize("account", ["", "101-001-1-001"])
@pytest.mark.parametrize(
    ("error", "code", "cure"),
    [
        (BrokerDenied("the token is not accepted (401)"), "broker.denied", "OANDA_ENVIRONMENT=live"),
        (BrokerUnavailable("no answer within 5 s"), "broker.unavailable", "OANDA_API_URL"),
    ],
)
def test_a_broker_that_refuses_or_is_away_is_one_error(
    closed_url: str, account: str, error: NinjaError, code: str, cure: str
) -> None:
    source = broker(EUR_USD=error, XAU_USD=error)
    source.listed = error
    (finding,) = look(closed_url, source, account)
    assert (finding.level, finding.code, finding.cause) == (Level.ERROR, code, str(error))
    assert cure in finding.cure
