"""Every fault, as a client of the real world meets it."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, parse_instant
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.faults import (
    BrokerFault,
    CloseText,
    CutBody,
    CutJson,
    Delay,
    FaultScript,
    Flaw,
    GzipBomb,
    Late,
    Missing,
    Reset,
    Revised,
    Skew,
    SlowBody,
    Spoiled,
    StrayFriday,
    body,
    redirect,
    status,
)
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.simulator.client import NOW, Client

FORMING = NOW - NOW % 900
AT = FORMING - 3 * 900
PATH = "/v3/instruments/EUR_USD/candles"


def quarters(client: Client, **query: Any) -> list[dict[str, Any]]:
    return client.candles(granularity="M15", from_=str(FORMING - 6 * 900), **query)


def opens(candles: list[dict[str, Any]]) -> list[int]:
    return [parse_instant(candle["time"]) for candle in candles]


# --------------------------------------------------------------------------------------------------------- connection


def test_a_delayed_answer_is_longer_than_a_short_patience(client: Client) -> None:
    client.server.faults.add(BrokerFault(Delay(30), times=1))
    with pytest.raises(requests.ReadTimeout):
        client.session.get(client.server.url + PATH, timeout=0.05)
    assert len(quarters(client)) == 7


def test_a_delay_lets_no_header_through_and_then_everything(client: Client) -> None:
    client.server.faults.add(BrokerFault(Delay(0.1), times=1))
    began = time.monotonic()
    response = client.get(PATH, count=1)
    assert time.monotonic() - began >= 0.1
    assert response.json()["candles"]


def test_a_slow_body_comes_in_drops(client: Client) -> None:
    client.server.faults.add(BrokerFault(SlowBody(0.01, size=30), times=1))
    plain = {"Accept-Encoding": "identity"}
    began = time.monotonic()
    slow = client.get(PATH, headers=plain, count=1)
    assert time.monotonic() - began >= 0.01 * (len(slow.content) // 30)
    assert slow.content == client.get(PATH, headers=plain, count=1).content


def test_a_slow_body_follows_prompt_headers(client: Client) -> None:
    client.server.faults.add(BrokerFault(SlowBody(30), times=1))
    response = client.session.get(client.server.url + PATH, stream=True, timeout=1)
    assert response.status_code == 200
    response.close()


def test_a_reset_connection_gives_no_answer_and_is_noted_without_a_status(client: Client) -> None:
    client.server.faults.add(BrokerFault(Reset(), times=1))
    with pytest.raises(requests.ConnectionError, match="reset"):
        quarters(client)
    (reset,) = client.server.requests
    assert (reset.status, reset.size) == (0, 0)
    assert len(quarters(client)) == 7
    assert client.server.figures.connections == 2


def test_a_stopping_server_waits_for_no_delay() -> None:
    with SimulatorServer(RandomMarket(1), faults=FaultScript(BrokerFault(Delay(3_600)))) as server:
        with requests.Session() as session, pytest.raises(requests.ReadTimeout):
            session.get(server.url, timeout=0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 5


# ------------------------------------------------------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (401, "Insufficient authorization to perform request."),
        (403, "The provided request was forbidden."),
        (404, "The requested resource was not found."),
        (429, "The request rate limit was exceeded."),
        (500, "An unexpected error occurred."),
        (503, "The service is temporarily unavailable."),
        (504, "Timeout waiting for response."),
    ],
)
def test_a_status_comes_in_json_once_and_then_all_is_well(client: Client, code: int, message: str) -> None:
    client.server.faults.add(BrokerFault(status(code), times=1))
    response = client.get(PATH)
    assert (response.status_code, response.json()) == (code, {"errorMessage": message})
    assert "Retry-After" not in response.headers
    assert client.get(PATH).status_code == 200


def test_a_bad_gateway_answers_with_a_page(client: Client) -> None:
    client.server.faults.add(BrokerFault(status(502), times=1))
    response = client.get(PATH)
    assert (response.status_code, response.headers["Content-Type"]) == (502, "text/html")
    with pytest.raises(requests.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("text", ["2", "0", "-1", "1000000000", "soon"])
def test_retry_after_says_what_it_was_told(client: Client, text: str) -> None:
    client.server.faults.add(BrokerFault(status(429, retry_after=text)))
    assert client.get(PATH).headers["Retry-After"] == text


def test_retry_after_may_be_a_date_on_the_servers_clock(client: Client) -> None:
    client.server.faults.add(BrokerFault(status(503, retry_after="date:90")))
    response = client.get(PATH)
    until, said = (parsedate_to_datetime(response.headers[name]) for name in ("Retry-After", "Date"))
    assert (until - said).total_seconds() == 90


def test_a_redirect_leads_to_another_host(client: Client) -> None:
    client.server.faults.add(BrokerFault(redirect("http://other.invalid/"), times=1))
    response = client.get(PATH)
    assert (response.status_code, response.headers["Location"]) == (307, "http://other.invalid/")


# --------------------------------------------------------------------------------------------------------------- body


def test_cut_json_is_shorter_but_whole_on_the_wire(client: Client) -> None:
    client.server.faults.add(BrokerFault(CutJson(50), times=1))
    response = client.get(PATH)
    assert (response.status_code, len(response.content)) == (200, 50)
    with pytest.raises(requests.JSONDecodeError):
        response.json()


def test_a_cut_body_ends_before_its_promised_length(client: Client) -> None:
    client.server.faults.add(BrokerFault(CutBody(40), times=1))
    with pytest.raises(requests.RequestException):
        quarters(client)
    assert client.server.requests[0].size == 40
    assert len(quarters(client)) == 7


@pytest.mark.parametrize(("text", "value"), [("null", None), ("[]", []), ("{}", {}), ('"x"', "x"), ("7", 7)])
def test_json_of_another_type_is_a_good_answer_to_http(client: Client, text: str, value: object) -> None:
    client.server.faults.add(BrokerFault(body(text)))
    response = client.get(PATH)
    assert (response.status_code, response.json()) == (200, value)


def test_an_answer_may_be_empty_or_not_text_at_all(client: Client) -> None:
    client.server.faults.add(BrokerFault(body(""), times=1), BrokerFault(body(b"\xff\xfe\x00"), skip=1, times=1))
    assert client.get(PATH).content == b""
    assert client.get(PATH).content == b"\xff\xfe\x00"


@pytest.mark.parametrize("text", ["NaN", "1e5", "", "9" * 10_000, "1.08410000001"])
def test_a_close_may_be_any_text(client: Client, text: str) -> None:
    client.server.faults.add(BrokerFault(CloseText(text or " ", AT)))
    closes = {parse_instant(candle["time"]): candle["mid"]["c"] for candle in quarters(client)}
    assert closes.pop(AT) == (text or " ")
    assert all(0 < Decimal(close) < 10 for close in closes.values())


def test_a_gzip_bomb_is_small_and_grows(client: Client) -> None:
    client.server.faults.add(BrokerFault(GzipBomb(8), times=1))
    response = client.session.get(client.server.url + PATH, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert int(response.headers["Content-Length"]) < 100_000
    assert len(response.content) == 8 << 20
    assert not response.content.strip()


# -------------------------------------------------------------------------------------------------------------- clock


@pytest.mark.parametrize("skew", [-10, 10])
def test_a_skewed_server_clock_shows_in_its_date_and_in_what_is_the_future(client: Client, skew: int) -> None:
    client.server.faults.add(BrokerFault(Skew(skew)))
    assert parsedate_to_datetime(client.get(PATH).headers["Date"]).timestamp() == NOW + skew
    response = client.get(PATH, to=format_instant(NOW), count=1)
    assert response.status_code == (400 if skew < 0 else 200)
    assert client.get(PATH, to=format_instant(NOW + skew), count=1).status_code == 200


# ------------------------------------------------------------------------------------------------------------ candles


def test_a_missing_candle_is_missing_in_every_window_and_others_take_its_place(client: Client) -> None:
    whole = quarters(client)
    client.server.faults.add(BrokerFault(Missing(AT)))
    assert quarters(client) == [candle for candle in whole if candle["time"] != whole[3]["time"]]
    times = client.times(granularity="M15", count=5)
    assert (len(times), AT in times) == (5, False)
    assert client.times(granularity="M15", from_=str(AT), to=str(AT + 1)) == []


def test_a_missing_candle_may_be_of_one_granularity_only(client: Client) -> None:
    hour = Granularity.H1.open_at(AT)
    client.server.faults.add(BrokerFault(Missing(hour), granularity=Granularity.H1))
    assert client.times(granularity="H1", from_=str(hour), to=str(hour + 1)) == []
    assert client.times(granularity="M15", from_=str(hour), to=str(hour + 1)) == [hour]


def test_a_late_candle_comes_when_it_is_published(client: Client, clock: SimulatedClock) -> None:
    whole = quarters(client)
    client.server.faults.add(BrokerFault(Late(FORMING - 900, until=NOW + 60)))
    assert quarters(client) == [*whole[:-2], whole[-1]]
    clock.set(NOW + 60)
    assert opens(quarters(client)) == opens(whole)


def test_a_revised_candle_has_another_close_from_then_on(client: Client, clock: SimulatedClock) -> None:
    before = quarters(client)
    client.server.faults.add(BrokerFault(Revised(AT, by=-500, since=NOW + 10)))
    assert quarters(client) == before
    clock.set(NOW + 10)
    after = quarters(client)
    assert [old["time"] for old, new in zip(before[:-1], after[:-1], strict=True) if old != new] == [before[3]["time"]]
    close = Decimal(after[3]["mid"]["c"])
    assert close == Decimal(before[3]["mid"]["c"]) - Decimal("0.00500")
    assert Decimal(after[3]["mid"]["l"]) <= close
    assert after[3]["complete"] is True


def test_a_revision_may_wait_for_a_number_of_requests(client: Client) -> None:
    before = quarters(client)
    client.server.faults.add(BrokerFault(Revised(AT, by=7), skip=2))
    assert quarters(client) == before
    assert quarters(client) == before
    assert quarters(client)[3] != before[3]


def test_faults_of_candles_are_seen_through_every_door(client: Client) -> None:
    client.server.faults.add(BrokerFault(Missing(FORMING - 900), instrument="EUR_USD"))
    euro, yen = client.latest("EUR_USD:M15:M,USD_JPY:M15:M")
    assert opens(euro["candles"]) == [FORMING - 1_800, FORMING]
    assert opens(yen["candles"]) == [FORMING - 900, FORMING]


def test_a_stray_friday_candle_stands_after_the_close(client: Client, clock: SimulatedClock) -> None:
    clock.set(parse_instant("2026-11-23T15:00:00Z"))
    friday = parse_instant("2026-11-20T22:00:00Z")
    (last,) = client.candles(granularity="D", count=1, to=str(friday))
    client.server.faults.add(BrokerFault(StrayFriday()))
    for granularity in ("S5", "M15", "H1", "H4", "D"):
        (stray,) = client.candles(granularity=granularity, from_=str(friday), to=str(friday + 3_600))
        assert (parse_instant(stray["time"]), stray["volume"], stray["complete"]) == (friday, 2, True)
        assert set(stray["mid"].values()) == {last["mid"]["c"]}
    days = client.times(granularity="D", count=12)
    assert days == sorted(days)
    assert friday in days
    assert parse_instant("2026-11-13T22:00:00Z") in days


@pytest.mark.parametrize(
    ("flaw", "expected"),
    [
        (Flaw.DUPLICATE, [0, 1, 2, 3, 3, 4, 5, 6]),
        (Flaw.OUT_OF_ORDER, [0, 1, 3, 2, 4, 5, 6]),
    ],
)
def test_candles_may_come_twice_or_out_of_order(client: Client, flaw: Flaw, expected: list[int]) -> None:
    whole = quarters(client)
    client.server.faults.add(BrokerFault(Spoiled(flaw, AT)))
    assert quarters(client) == [whole[place] for place in expected]


def test_a_candle_may_stand_off_the_grid(client: Client) -> None:
    client.server.faults.add(BrokerFault(Spoiled(Flaw.OFF_GRID, AT)))
    assert opens(quarters(client))[3] == AT + 1


def test_a_high_may_lie_below_the_low(client: Client) -> None:
    client.server.faults.add(BrokerFault(Spoiled(Flaw.HIGH_BELOW_LOW, AT)))
    prices = quarters(client)[3]["mid"]
    assert Decimal(prices["h"]) < Decimal(prices["l"])


def test_prices_may_be_zero_or_negative(client: Client) -> None:
    zero, negative = BrokerFault(Spoiled(Flaw.ZERO, AT), times=1), BrokerFault(Spoiled(Flaw.NEGATIVE, AT), skip=1)
    client.server.faults.add(zero, negative)
    assert set(quarters(client)[3]["mid"].values()) == {"0.00000"}
    assert all(price.startswith("-") for price in quarters(client)[3]["mid"].values())


def test_without_a_time_the_newest_complete_candle_is_spoiled(client: Client) -> None:
    client.server.faults.add(BrokerFault(Spoiled(Flaw.ZERO)))
    candles = quarters(client)
    assert [Decimal(candle["mid"]["c"]) == 0 for candle in candles] == [False] * 5 + [True, False]


def test_a_flaw_whose_candle_is_not_in_the_answer_does_nothing(client: Client) -> None:
    whole = quarters(client)
    client.server.faults.add(BrokerFault(Spoiled(Flaw.ZERO, AT + 1)), BrokerFault(CloseText("NaN", AT + 1)))
    assert quarters(client) == whole


# ------------------------------------------------------------------------------------------------------------- script


def test_a_fault_strikes_so_many_times_after_it_has_spared_so_many(client: Client) -> None:
    fault = BrokerFault(status(500), times=2, skip=1)
    client.server.faults.add(fault)
    assert [client.get(PATH).status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    assert client.server.faults.strikes(fault) == 2
    assert [served.faults for served in client.server.requests] == [[], [fault], [fault], [], []]


def test_a_fault_strikes_only_the_requests_it_is_meant_for(client: Client) -> None:
    fault = BrokerFault(status(500), path="/instruments/", instrument="USD_JPY", granularity=Granularity.H4)
    client.server.faults.add(fault)
    assert client.get("/v3/instruments/USD_JPY/candles", granularity="H4").status_code == 500
    assert client.get("/v3/instruments/USD_JPY/candles", granularity="H1").status_code == 200
    assert client.get("/v3/instruments/EUR_USD/candles", granularity="H4").status_code == 200
    assert client.latest("USD_JPY:H4:M")
    client.server.faults.clear()
    client.server.faults.add(BrokerFault(status(500), instrument="USD_JPY"))
    account = client.server.broker.account
    assert client.get(f"/v3/accounts/{account}/candles/latest", candleSpecifications="EUR_USD:H1:M").status_code == 200
    both = "EUR_USD:H1:M,USD_JPY:H1:M"
    assert client.get(f"/v3/accounts/{account}/candles/latest", candleSpecifications=both).status_code == 500


def test_a_share_strikes_about_so_many_and_the_same_ones_for_a_seed(client: Client) -> None:
    def struck(seed: int) -> list[bool]:
        script = FaultScript(BrokerFault(status(500), share=0.25), seed=seed)
        client.server.faults = script
        return [client.get("/x").status_code == 500 for _ in range(200)]

    assert struck(1) == struck(1) != struck(2)
    assert 25 < sum(struck(3)) < 75


def test_faults_add_up_and_end_when_they_are_cleared(client: Client) -> None:
    client.server.faults.add(BrokerFault(Delay(0.05)), BrokerFault(status(503)), BrokerFault(Skew(100)))
    began = time.monotonic()
    response = client.get(PATH)
    assert time.monotonic() - began >= 0.05
    assert response.status_code == 503
    assert parsedate_to_datetime(response.headers["Date"]).timestamp() == NOW + 100
    client.server.faults.clear()
    assert json.loads(client.get(PATH).text)["candles"]
