"""The form of the answers: headers, times, decimals, the account's pages, connections (facts: 0, 1.4–1.6, 2)."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from decimal import Decimal

import pytest
import requests

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, parse_instant
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.answers.wire import price_text
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.simulator.client import NOW, Client
from tests.simulator.conftest import Serve

ACCOUNT = f"/v3/accounts/{DEFAULT_ACCOUNT}"


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [
        (108_410, 5, "1.08410"),
        (5, 5, "0.00005"),
        (151_200, 3, "151.200"),
        (421, 1, "42.1"),
        (42, 0, "42"),
        (-5, 2, "-0.05"),
    ],
)
def test_a_price_keeps_all_its_decimals(units: int, decimals: int, text: str) -> None:
    assert price_text(units, decimals) == text


@pytest.mark.parametrize(
    ("instrument", "decimals"), [("EUR_USD", 5), ("USD_JPY", 3), ("XAU_USD", 3), ("SPX500_USD", 1)]
)
def test_prices_have_the_decimals_of_their_instrument(client: Client, instrument: str, decimals: int) -> None:
    for candle in client.candles(instrument, granularity="M1", count=50, price="BMA"):
        for side in ("bid", "mid", "ask"):
            assert {len(price.partition(".")[2]) for price in candle[side].values()} == {decimals}


def test_mid_lies_exactly_between_bid_and_ask(client: Client) -> None:
    for candle in client.candles("GBP_JPY", granularity="H1", count=100, price="MBA"):
        for letter in "ohlc":
            bid, mid, ask = (Decimal(candle[side][letter]) for side in ("bid", "mid", "ask"))
            assert bid + ask == 2 * mid
            assert bid < ask


@pytest.mark.parametrize(
    ("price", "sides"), [("M", ["mid"]), ("B", ["bid"]), ("AB", ["bid", "ask"]), ("MBA", ["bid", "mid", "ask"])]
)
def test_only_the_sides_that_were_asked_for_come_in_the_servers_order(
    client: Client, price: str, sides: list[str]
) -> None:
    (candle,) = client.candles(count=1, price=price)
    assert list(candle) == ["complete", "volume", "time", *sides]
    assert list(candle[sides[0]]) == ["o", "h", "l", "c"]


def test_times_have_nine_digits_in_either_form(client: Client) -> None:
    (plain,) = client.candles(granularity="H1", count=1)
    assert plain["time"] == "2026-11-19T15:00:00.000000000Z"
    response = client.get(
        "/v3/instruments/EUR_USD/candles", headers={"Accept-Datetime-Format": "UNIX"}, granularity="H1", count=1
    )
    assert response.json()["candles"][0]["time"] == "1795100400.000000000"


def test_an_answer_has_the_headers_of_the_real_one(client: Client, clock: SimulatedClock) -> None:
    clock.set(parse_instant("2015-01-05T12:00:00Z"))
    first, second = (client.get("/v3/instruments/EUR_USD/candles", count=1) for _ in range(2))
    assert first.headers["Date"] == "Mon, 05 Jan 2015 12:00:00 GMT"
    assert first.headers["Content-Type"] == "application/json"
    assert first.headers["RequestID"].isdigit()
    assert first.headers["RequestID"] != second.headers["RequestID"]
    assert client.get("/nowhere").headers["RequestID"]


def test_gzip_is_sent_to_those_who_take_it(client: Client) -> None:
    address = client.server.url + "/v3/instruments/EUR_USD/candles?count=50"
    packed = client.session.get(address, stream=True, timeout=5)
    raw = packed.raw.read(decode_content=False)
    plain = client.session.get(address, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert "Content-Encoding" not in plain.headers
    assert len(raw) < len(plain.content) / 3


def test_the_account_has_candles_of_its_own(client: Client) -> None:
    there = client.get(f"{ACCOUNT}/instruments/EUR_USD/candles", count=5, units=1)
    assert there.text == client.get("/v3/instruments/EUR_USD/candles", count=5).text


def test_latest_shows_the_complete_and_the_forming_candle_of_each_series(client: Client) -> None:
    first, second = client.latest("EUR_USD:M15:M,USD_JPY:S10:BA")
    assert (first["instrument"], first["granularity"]) == ("EUR_USD", "M15")
    assert [candle["complete"] for candle in first["candles"]] == [True, False]
    assert [candle["time"][:19] for candle in first["candles"]] == ["2026-11-19T14:45:00", "2026-11-19T15:00:00"]
    assert [list(candle)[3:] for candle in second["candles"]] == [["bid", "ask"], ["bid", "ask"]]
    assert first["candles"] == client.candles(granularity="M15", count=2)


def test_latest_shows_two_complete_candles_on_a_weekend(client: Client, clock: SimulatedClock) -> None:
    clock.set(parse_instant("2026-11-21T12:00:00Z"))
    (answer,) = client.latest("EUR_USD:M15:M")
    assert [(candle["complete"], candle["time"][:16]) for candle in answer["candles"]] == [
        (True, "2026-11-20T21:30"),
        (True, "2026-11-20T21:45"),
    ]


def test_latest_takes_mid_where_the_price_is_left_out_and_smooths_on_request(client: Client) -> None:
    (answer,) = client.latest("EUR_USD:H1", smooth="true")
    older, newer = answer["candles"]
    assert newer["mid"]["o"] == older["mid"]["c"]


@pytest.mark.parametrize(
    ("specifications", "name"),
    [
        ("EUR_USD", "candleSpecifications"),
        ("EUR_UDS:M15:M", "candleSpecifications"),
        ("EUR_USD:M15:M:M", "candleSpecifications"),
        ("EUR_USD:M15:M,", "candleSpecifications"),
        ("EUR_USD:M3:M", "granularity"),
        ("EUR_USD:M15:X", "price"),
    ],
)
def test_one_wrong_specification_refuses_all(client: Client, specifications: str, name: str) -> None:
    response = client.get(f"{ACCOUNT}/candles/latest", candleSpecifications=specifications)
    assert (response.status_code, response.json()) == (
        400,
        {"errorMessage": f"Invalid value specified for '{name}'"},
    )


def test_the_instruments_say_how_prices_are_written(client: Client) -> None:
    answer = client.get(f"{ACCOUNT}/instruments").json()
    assert list(answer) == ["instruments", "lastTransactionID"]
    by_name = {instrument["name"]: instrument for instrument in answer["instruments"]}
    assert len(by_name) >= 20
    assert (by_name["EUR_USD"]["displayPrecision"], by_name["EUR_USD"]["pipLocation"]) == (5, -4)
    assert (by_name["GBP_JPY"]["displayPrecision"], by_name["GBP_JPY"]["pipLocation"]) == (3, -2)
    assert by_name["XAU_USD"]["type"] == "METAL"
    chosen = client.get(f"{ACCOUNT}/instruments", instruments="USD_JPY,EUR_USD").json()["instruments"]
    assert [instrument["name"] for instrument in chosen] == ["USD_JPY", "EUR_USD"]
    assert client.get(f"{ACCOUNT}/instruments", instruments="USD_JPY,X").status_code == 400


def test_pricing_is_the_newest_price(client: Client) -> None:
    answer = client.get(f"{ACCOUNT}/pricing", instruments="EUR_USD,USD_JPY").json()
    (candle,) = client.candles(granularity="D", count=1, price="BA")
    (euro, yen) = answer["prices"]
    assert (euro["bids"][0]["price"], euro["asks"][0]["price"]) == (candle["bid"]["c"], candle["ask"]["c"])
    assert yen["instrument"] == "USD_JPY"
    assert answer["time"] == "2026-11-19T15:07:30.000000000Z"


# -------------------------------------------------------------------------------------------------------- connections


def test_requests_and_connections_are_counted_and_remembered(serve: Serve) -> None:
    told: list[str] = []
    client = serve(on_request=lambda served: told.append(served.path))
    client.candles(count=3, granularity="M15")
    client.get("/nowhere", x="1")
    with requests.Session() as other:
        other.trust_env = False
        other.get(client.server.url + "/elsewhere", timeout=5)
    first, second, third = client.server.requests
    assert (first.path, first.query, first.status) == (
        "/v3/instruments/EUR_USD/candles",
        {"count": "3", "granularity": "M15"},
        200,
    )
    assert (second.status, second.query, third.status) == (404, {"x": "1"}, 401)
    assert (first.connection, second.connection, third.connection) == (1, 1, 2)
    figures = client.server.figures
    assert (figures.requests, figures.connections) == (3, 2)
    assert figures.by_status == {200: 1, 404: 1, 401: 1}
    assert figures.bytes_sent == sum(served.size for served in client.server.requests)
    assert len(client.server.connected) == 2
    assert told == ["/v3/instruments/EUR_USD/candles", "/nowhere", "/elsewhere"]


def test_many_clients_are_served_at_once(serve: Serve) -> None:
    client = serve()
    answers: list[str] = []

    def ask() -> None:
        own = Client(client.server, "demo")
        with own.session:
            answers.append(own.get("/v3/instruments/EUR_USD/candles", granularity="M1", count=200).text)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    assert len(set(answers)) == 1


def test_a_server_that_stops_ends_connections_that_wait_and_gives_its_port_back() -> None:
    market, threads = RandomMarket(1), threading.active_count()
    with SimulatorServer(market) as server:
        idle = socket.create_connection(server.address)
        idle.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4_096).startswith(b"HTTP/1.1 401 ")
    with idle:
        assert idle.recv(1) == b""
    assert threading.active_count() == threads
    port = int(server.url.rpartition(":")[2])
    with SimulatorServer(market, port=port) as again:
        assert again.url == server.url
        with pytest.raises(OSError, match="in use"):
            SimulatorServer(market, port=port)


def test_a_server_that_was_never_started_can_be_stopped() -> None:
    SimulatorServer(RandomMarket(1)).stop()


def test_an_older_or_ending_client_gets_its_answer_and_the_end(client: Client) -> None:
    for line, header in (("GET /x HTTP/1.0", ""), ("GET /x HTTP/1.1", "Connection: close\r\n")):
        with socket.create_connection(client.server.address) as connection:
            connection.sendall(f"{line}\r\nHost: x\r\n{header}\r\n".encode())
            received = b"".join(iter(lambda: connection.recv(4_096), b""))
        assert received.startswith(b"HTTP/1.1 401 ")
        assert json.loads(received.partition(b"\r\n\r\n")[2])["errorMessage"]


def test_the_simulator_speaks_on_the_newer_internet_too() -> None:
    with SimulatorServer(RandomMarket(1), host="::1", clock=SimulatedClock.fixed(NOW)) as server:
        client = Client(server, "demo")
        with client.session:
            assert server.url.startswith("http://[::1]:")
            assert client.times(granularity="H1", count=1) == [Granularity.H1.open_at(NOW)]


def test_real_time_is_the_default() -> None:
    with SimulatorServer(RandomMarket(1, always_open=True)) as server:
        client = Client(server, "demo")
        with client.session:
            assert client.candles(granularity="D", count=2)[1]["complete"] is False
            assert client.refusal(to=format_instant(int(server.clock.now()) + 100))[0] == 400
