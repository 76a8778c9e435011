"""A plain HTTP client of a simulated broker, as anybody may write one."""

from __future__ import annotations

from typing import Any

import requests

from ninja_daemon.core.market.instant import Instant, parse_instant
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.server import SimulatorServer

NOW = parse_instant("2026-11-19T15:07:30Z")
"""A Thursday, 10:07:30 in New York."""


class Client:
    """One session, one connection, and the server that it talks to."""

    def __init__(self, server: SimulatorServer, token: str) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
        """Ask; a trailing underscore lets ``from_`` be said."""
        params = {name.rstrip("_"): str(value) for name, value in query.items()}
        return self.session.get(
            self.server.url + path, params=params, headers=headers, timeout=10, allow_redirects=False
        )

    def candles(self, instrument: str = "EUR_USD", **query: Any) -> list[dict[str, Any]]:
        response = self.get(f"/v3/instruments/{instrument}/candles", **query)
        assert response.status_code == 200, response.text
        candles: list[dict[str, Any]] = response.json()["candles"]
        return candles

    def times(self, instrument: str = "EUR_USD", **query: Any) -> list[Instant]:
        return [parse_instant(candle["time"]) for candle in self.candles(instrument, **query)]

    def refusal(self, instrument: str = "EUR_USD", **query: Any) -> tuple[int, str]:
        response = self.get(f"/v3/instruments/{instrument}/candles", **query)
        body = response.json()
        assert list(body) == ["errorMessage"]
        return response.status_code, body["errorMessage"]

    def latest(self, specifications: str, **query: Any) -> list[dict[str, Any]]:
        path = f"/v3/accounts/{DEFAULT_ACCOUNT}/candles/latest"
        answers: list[dict[str, Any]] = self.get(path, candleSpecifications=specifications, **query).json()[
            "latestCandles"
        ]
        return answers
