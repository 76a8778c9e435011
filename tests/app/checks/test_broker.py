"""What ``check`` says of the broker's answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.checks.broker import check_broker
from ninja_daemon.app.checks.everything import all_checks
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, CandleRejected, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched, WantedHistory
from tests.app.stored import CONFIGURATION, EUR_USD, M15, candles
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
    source.listed = None
    assert look(closed_url, source, "101-001-1-001")[0].code == "broker.instruments"


DENIED = BrokerDenied("the token is not accepted (401)")
AWAY = BrokerUnavailable("no answer within 5 s")
ACCOUNT = "101-001-1-001"


@pytest.mark.parametrize(
    ("account", "error", "code", "cure"),
    [
        ("", DENIED, "broker.denied", "OANDA_ENVIRONMENT=live"),
        (ACCOUNT, DENIED, "broker.denied", "OANDA_ENVIRONMENT=live"),
        ("", AWAY, "broker.unavailable", "OANDA_API_URL"),
        (ACCOUNT, AWAY, "broker.unavailable", "OANDA_API_URL"),
        (ACCOUNT, BrokerRefused("no such account"), "broker.refused", "OANDA_ACCOUNT_ID"),
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


def test_a_quoted_token_is_named_as_such(closed_url: str) -> None:
    environ = {"HOME": "/", "OANDA_ACCESS_TOKEN": '"' + "t" * 20 + '"', "OANDA_API_URL": closed_url}
    quoted = read_environment(environ, Path("/nonexistent"))
    source = broker(EUR_USD=DENIED, XAU_USD=DENIED)
    (finding,) = check_broker(quoted, source, [M15, OTHER], FakeClock())
    assert "begins or ends with a quote" in finding.cure
    assert "quotes" in look(closed_url, source)[0].cure


@dataclass
class FinerBroker(AccountBroker):
    """A broker whose prices have more digits than its list says."""

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        finer = CandleRejected("a price of EUR_USD must have at most 5 decimals, was 1.123456")
        answers = super().history(wanted)
        assert all(isinstance(answer, Fetched) for answer in answers.values())
        return {
            request: answer._replace(rejected=finer)
            if isinstance(answer, Fetched) and request.series.instrument == "EUR_USD"
            else answer
            for request, answer in answers.items()
        }


def test_a_price_finer_than_the_account_lists_is_found(closed_url: str) -> None:
    made = broker()
    source = FinerBroker(made.instruments, made.candles, listed=made.instruments)
    (finding,) = look(closed_url, source, ACCOUNT)
    assert (finding.level, finding.code) == (Level.ERROR, "broker.candles")
    assert "at most 5 decimals, was 1.123456" in finding.cause


def test_an_instrument_with_prices_at_weekends_needs_other_hours(closed_url: str) -> None:
    source = broker()
    source.prices_between = True
    findings = look(closed_url, source)
    assert {finding.code for finding in findings} == {"broker.hours"}
    assert 'market_hours = "always"' in findings[0].cure
    always = replace(OTHER, market_hours=MarketHours.ALWAYS)
    (good,) = check_broker(environment(closed_url), source, [always], FakeClock())
    assert good.level is Level.OK


class OandaServer(BaseHTTPRequestHandler):
    """One candle for EUR_USD, and nothing else; its clock is half an hour ahead."""

    def do_GET(self) -> None:
        known = "/EUR_USD/" in self.path
        candle = {
            "complete": True,
            "time": "2020-09-13T12:30:00.000000000Z",
            "volume": 1,
            "mid": dict.fromkeys("ohlc", "1.10000"),
        }
        body = {"instrument": "EUR_USD", "granularity": "M15", "candles": [candle]}
        text = json.dumps(body if known else {"errorMessage": "Invalid value specified for 'instrument'"}).encode()
        self.send_response_only(200 if known else 400)
        self.send_header("Date", formatdate(time.time() + 1_800, usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def test_the_whole_check_asks_a_real_server(tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    with ThreadingHTTPServer(("127.0.0.1", 0), OandaServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        environ = {
            "HOME": str(tmp_path),
            "NINJA_CONFIG": str(tmp_path / "ninja.toml"),
            "OANDA_ACCESS_TOKEN": "tok-123456789",
            "OANDA_API_URL": f"http://127.0.0.1:{server.server_port}",
            "REDIS_URL": redis_url,
        }
        checks = all_checks(SystemClock(), offline=False, environ=environ, working_directory=tmp_path)
        findings = [finding for check in checks for finding in check.look()]
        server.shutdown()
        thread.join()
    told = {finding.code: finding.cause for finding in findings if finding.code.startswith("broker")}
    assert set(told) == {"broker.instrument", "broker.clock"}
    assert "no GBP_JPY for this account, which GBP_JPY_D would need" in told["broker.instrument"]
    assert "behind the broker's" in told["broker.clock"]
    assert all("tok-123456789" not in repr(finding) for finding in findings)
