"""What the broker refuses, in its words (facts: 1.3), and in which order it looks (facts: 7)."""

from __future__ import annotations

from typing import Any

import pytest

from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.clock import SimulatedClock
from tests.simulator.client import NOW, Client
from tests.simulator.conftest import Serve

LATER = format_instant(NOW + 1)
EARLIER = format_instant(NOW - 3_600)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"to": LATER}, "Invalid value specified for 'to'. Time is in the future"),
        ({"from_": LATER}, "Invalid value specified for 'from'. Time is in the future"),
        ({"from_": "yesterday"}, "Invalid value specified for 'from'"),
        ({"from_": ""}, "Invalid value specified for 'from'"),
        ({"from_": "2026-02-30T00:00:00Z"}, "Invalid value specified for 'from'"),
        ({"to": "2026-11-18"}, "Invalid value specified for 'to'"),
        (
            {"from_": EARLIER, "to": EARLIER, "count": 5},
            "'count' cannot be specified when 'to' and 'from' parameters are set",
        ),
        ({"count": 5_001}, "Maximum value for 'count' exceeded"),
        ({"from_": format_instant(NOW - 25_005), "to": format_instant(NOW)}, "Maximum value for 'count' exceeded"),
        ({"price": "X"}, "Invalid value specified for 'price'"),
        ({"price": ""}, "Invalid value specified for 'price'"),
        ({"price": "m"}, "Invalid value specified for 'price'"),
        ({"granularity": "M3"}, "Invalid value specified for 'granularity'"),
        ({"granularity": "h4"}, "Invalid value specified for 'granularity'"),
        ({"count": "many"}, "Invalid value specified for 'count'"),
        ({"count": 0}, "Invalid value specified for 'count'"),
        ({"count": -5}, "Invalid value specified for 'count'"),
        ({"smooth": "perhaps"}, "Invalid value specified for 'smooth'"),
        ({"includeFirst": "1"}, "Invalid value specified for 'includeFirst'"),
        ({"dailyAlignment": 24}, "Invalid value specified for 'dailyAlignment'"),
        ({"alignmentTimezone": "America/Nowhere"}, "Invalid value specified for 'alignmentTimezone'"),
        ({"alignmentTimezone": "../etc"}, "Invalid value specified for 'alignmentTimezone'"),
        ({"weeklyAlignment": "Freitag"}, "Invalid value specified for 'weeklyAlignment'"),
    ],
)
def test_a_wrong_parameter_is_refused_in_the_brokers_words(client: Client, query: dict[str, Any], message: str) -> None:
    assert client.refusal(**query) == (400, message)


def test_an_unknown_instrument_is_refused(client: Client) -> None:
    assert client.refusal("EUR_UDS") == (400, "Invalid value specified for 'instrument'")


def test_the_body_of_a_future_to_is_the_74_bytes_that_were_seen(client: Client) -> None:
    response = client.get("/v3/instruments/EUR_USD/candles", to=LATER)
    assert response.content == b'{"errorMessage":"Invalid value specified for \'to\'. Time is in the future"}'
    assert len(response.content) == 74


def test_the_future_begins_right_after_the_servers_now(client: Client, clock: SimulatedClock) -> None:
    to = format_instant(NOW + 2)
    assert client.refusal(to=to)[0] == 400
    clock.advance(1.999)
    assert client.refusal(to=to)[0] == 400
    clock.advance(0.002)
    assert client.candles(to=to, count=1)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic demo", "demo"])
def test_a_token_that_is_not_good_is_401(client: Client, authorization: str) -> None:
    client.session.headers["Authorization"] = authorization
    response = client.get("/v3/instruments/EUR_USD/candles")
    assert (response.status_code, response.json()) == (
        401,
        {"errorMessage": "Insufficient authorization to perform request."},
    )


def test_a_server_without_a_token_takes_any_but_not_none(serve: Serve) -> None:
    assert serve(token=None, sent_token="whatever").candles(count=1)
    assert serve(token=None, sent_token="").refusal()[0] == 401


@pytest.mark.parametrize("page", ["instruments", "candles/latest", "instruments/EUR_USD/candles", "pricing"])
def test_another_account_is_403(client: Client, page: str) -> None:
    response = client.get(f"/v3/accounts/101-001-7654321-001/{page}")
    assert (response.status_code, response.json()) == (403, {"errorMessage": "The provided request was forbidden."})


@pytest.mark.parametrize(
    "path", ["/", "/v3", "/v3/instruments/EUR_USD", f"/v3/accounts/{DEFAULT_ACCOUNT}/orders", "/v2/candles", "//[::"]
)
def test_an_unknown_path_is_404_in_json(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert list(response.json()) == ["errorMessage"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_verb_is_405(client: Client, method: str) -> None:
    response = client.session.request(method, client.server.url + "/v3/instruments/EUR_USD/candles", json={}, timeout=5)
    assert (response.status_code, list(response.json())) == (405, ["errorMessage"])


@pytest.mark.parametrize("page", ["candles/latest", "pricing"])
def test_a_missing_parameter_that_is_required_is_400(client: Client, page: str) -> None:
    response = client.get(f"/v3/accounts/{DEFAULT_ACCOUNT}/{page}")
    assert (response.status_code, response.json()) == (400, {"errorMessage": "The request was missing required data"})


def test_unknown_parameters_are_ignored(client: Client) -> None:
    assert len(client.candles(count=2, colour="blue")) == 2


def test_checks_come_in_the_order_of_the_facts(client: Client) -> None:
    """Everything wrong at once; then the first wrong thing mended, and so on."""
    wrong: dict[str, Any] = {
        "price": "X",
        "granularity": "M3",
        "from_": "?",
        "to": "?",
        "count": 6_000,
        "smooth": "?",
    }
    steps: list[tuple[dict[str, Any], str]] = [
        ({}, "'price'"),
        ({"price": "M"}, "'granularity'"),
        ({"granularity": "M1"}, "'from'"),
        ({"from_": LATER}, "'to'"),
        ({"to": LATER}, "'from'. Time is in the future"),
        ({"from_": EARLIER}, "'to'. Time is in the future"),
        ({"to": EARLIER}, "'count' cannot be specified when"),
        ({"to": None}, "Maximum value for 'count' exceeded"),
        ({"count": 5}, "'smooth'"),
    ]
    for mended, message in steps:
        wrong |= mended
        query = {name: value for name, value in wrong.items() if value is not None}
        status, text = client.refusal(**query)
        assert (status, message in text) == (400, True), (text, message)
    assert client.refusal("NOT_THERE", **wrong)[1] == "Invalid value specified for 'instrument'"
    client.session.headers["Authorization"] = "Bearer wrong"
    assert client.refusal("NOT_THERE", **wrong)[0] == 401


@pytest.mark.parametrize("granularity", ["S5", "M15", "H1"])
def test_alignment_changes_nothing_up_to_an_hour(client: Client, granularity: str) -> None:
    other: dict[str, Any] = {"dailyAlignment": 3, "alignmentTimezone": "Asia/Tokyo", "weeklyAlignment": "Monday"}
    plain = client.get("/v3/instruments/EUR_USD/candles", granularity=granularity, count=5)
    assert client.get("/v3/instruments/EUR_USD/candles", granularity=granularity, count=5, **other).text == plain.text


@pytest.mark.parametrize(
    ("granularity", "query"),
    [("H4", {"dailyAlignment": 0}), ("D", {"alignmentTimezone": "UTC"}), ("W", {"weeklyAlignment": "Monday"})],
)
def test_an_alignment_that_is_not_served_is_refused_and_not_ignored(
    client: Client, granularity: str, query: dict[str, Any]
) -> None:
    status, message = client.refusal(granularity=granularity, **query)
    assert status == 400
    assert "alignmentTimezone=America/New_York" in message


def test_the_default_alignment_may_be_said(client: Client) -> None:
    said: dict[str, Any] = {"dailyAlignment": 17, "alignmentTimezone": "America/New_York", "weeklyAlignment": "Friday"}
    plain = client.get("/v3/instruments/EUR_USD/candles", granularity="W", count=5)
    assert client.get("/v3/instruments/EUR_USD/candles", granularity="W", count=5, **said).content == plain.content
