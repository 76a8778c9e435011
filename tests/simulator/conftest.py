from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.markets.market import Market, RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.simulator.client import NOW, Client

TOKEN = "demo"
Serve = Callable[..., Client]


@pytest.fixture(scope="session")
def market() -> RandomMarket:
    """One market for all tests: it holds nothing but what may be drawn again."""
    return RandomMarket(1)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock.fixed(NOW)


@pytest.fixture
def serve(market: RandomMarket, clock: SimulatedClock) -> Iterator[Serve]:
    """Start servers that end with the test; each call gives a client of a new one."""
    with ExitStack() as stack:

        def start(over: Market | None = None, *, sent_token: str = TOKEN, **options: Any) -> Client:
            options.setdefault("clock", clock)
            server = stack.enter_context(SimulatorServer(over or market, **options))
            client = Client(server, sent_token)
            stack.callback(client.session.close)
            return client

        yield start


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve()
