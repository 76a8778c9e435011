"""Bid and ask in the same answers as the candles, only where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ninja_daemon.adapters.oanda.candles import RawCandle, spread_of
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.secret import Secret
from ninja_daemon.simulator import faults
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.faults import BrokerFault
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from ninja_daemon.usecases.candle_ports import Fetched, Wanted, WantedHistory
from tests.fakes.clock import FakeClock

TOKEN = "0123456789abcdef-very-secret"
NOW = parse_instant("2024-03-06T12:00:01Z")
EUR = Series("EUR_USD", Granularity.H1, PriceSide.MID)
CURSOR = parse_instant("2024-03-06T10:00:00Z")
ROW = (
    '{"complete":%s,"volume":1,"time":"2024-03-06T%02d:00:00Z",'
    '"mid":{"o":"1.10000","h":"1.10000","l":"1.10000","c":"1.10000"},'
    '"bid":{"o":"1","h":"1","l":"1","c":"1.09993"},"ask":{"o":"1","h":"1","l":"1","c":"%s"}}'
)
BODY = '{"instrument":"EUR_USD","granularity":"H1","candles":[%s]}'


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(RandomMarket(seed=3), token=TOKEN, clock=FakeClock(float(NOW))) as server:
        yield server


@pytest.fixture(params=[None, DEFAULT_ACCOUNT], ids=["no account", "an account"])
def source(server: SimulatorServer, request: pytest.FixtureRequest) -> Iterator[OandaSource]:
    source = OandaSource(Secret(TOKEN), server.url, account_id=request.param, clock=FakeClock(float(NOW)))
    yield source
    source.close()


def prices_asked(server: SimulatorServer) -> list[str]:
    asked = [one.query for one in server.requests if "candles" in one.path]
    whole = [
        one["candleSpecifications"].split(",") if "candleSpecifications" in one else [one["price"]] for one in asked
    ]
    return sorted(name.rsplit(":", 1)[-1] for names in whole for name in names)


def test_bid_and_ask_come_in_the_same_requests_for_the_series_that_need_them(
    source: OandaSource, server: SimulatorServer
) -> None:
    pairs = [EUR._replace(instrument=name) for name in ("EUR_USD", "GBP_USD", "AUD_USD", "NZD_USD")]
    wanted = [Wanted(series, CURSOR, with_spreads=place < 2) for place, series in enumerate(pairs)]
    answers = source.newer(wanted)
    assert prices_asked(server) == ["M", "M", "MBA", "MBA"]
    for request in wanted:
        answer = answers[request]
        assert isinstance(answer, Fetched)
        times = [candle.time for candle in answer.candles]
        assert times == [CURSOR + 3_600]
        assert list(answer.spreads) == (times if request.with_spreads else [])
        assert all(spread > 0 for spread in answer.spreads.values())


@pytest.mark.parametrize("side", list(PriceSide))
def test_a_history_of_any_side_has_the_spread_of_its_closes(
    source: OandaSource, server: SimulatorServer, side: PriceSide
) -> None:
    closes = {}
    for price in (PriceSide.BID, PriceSide.ASK):
        plain = WantedHistory(EUR._replace(price=price), None, 6)
        answer = source.history([plain])[plain]
        assert isinstance(answer, Fetched)
        assert answer.spreads == {}
        closes[price] = {candle.time: candle.close for candle in answer.candles}
    wanted = WantedHistory(EUR._replace(price=side), None, 6, with_spreads=True)
    found = source.history([wanted])[wanted]
    assert isinstance(found, Fetched)
    bids, asks = closes[PriceSide.BID], closes[PriceSide.ASK]
    assert {one.time: found.spreads[one.time] for one in found.candles} == {
        time: asks[time] - bids[time] for time in bids
    }
    assert {"MBA", "BA"} & set(prices_asked(server))


@pytest.mark.parametrize("ask", ["1.09992", "1.1000712", "zero", "-1"])
def test_a_spread_that_cannot_be_told_leaves_its_candle(source: OandaSource, server: SimulatorServer, ask: str) -> None:
    rows = ",".join([ROW % ("true", 10, "1.10007"), ROW % ("true", 11, ask)])
    server.faults.add(BrokerFault(faults.body(BODY % rows), path="EUR_USD/candles"))
    wanted = Wanted(EUR, CURSOR - 3_600, with_spreads=True)
    answer = source.newer([wanted])[wanted]
    assert isinstance(answer, Fetched)
    assert [candle.time for candle in answer.candles] == [CURSOR, CURSOR + 3_600]
    assert answer.spreads == {CURSOR: 14}


def test_a_spread_is_exact_in_units_of_the_instrument() -> None:
    raw = RawCandle(0, complete=True, prices=(), quotes=("151.030", "151.0452"))
    assert spread_of(raw, Instrument("USD_JPY", 4, -2)) == 152
    assert spread_of(raw, Instrument("USD_JPY", 3, -2)) is None
    assert spread_of(raw._replace(quotes=()), Instrument("USD_JPY", 4, -2)) is None
