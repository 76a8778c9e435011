"""A clean stop is said at once, by whoever was stopped; a reload is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.processes import Workplace, workplace

__all__ = ["workplace"]

TOKEN = "a-token-of-the-tests"
STRATEGY = """
[strategies.EUR_USD_S5]
instrument = "EUR_USD"
timeframe = "S5"
fast_ma = 2
slow_ma = 4
market_hours = "always"
"""


@pytest.fixture
def place(workplace: Workplace, redis_url: str) -> Iterator[Workplace]:
    with SimulatorServer(RandomMarket(seed=5, always_open=True), token=TOKEN) as broker:
        workplace.configure(STRATEGY).uses(broker=broker.url, redis=redis_url, token=TOKEN)
        yield workplace
        workplace.end_all()


def status(place: Workplace) -> Any:
    return json.loads(place.run("status", "--json").exited(0).out)


def test_a_clean_stop_is_said_at_once_by_status(place: Workplace) -> None:
    daemon, notifier = place.start("run"), place.start("notify")
    daemon.says("first start")
    notifier.until(lambda: status(place)["notifier"], "a heartbeat of the notifier")
    assert status(place)["stopped"] == {}
    daemon.terminate().exited(0)
    notifier.terminate().exited(0)

    shown = status(place)
    assert (shown["daemon"], shown["notifier"]) == (None, None)
    assert sorted(shown["stopped"]) == ["daemon", "notifier"]
    picture = place.run("status").out
    assert picture.count("stopped at 20") == 2
    assert "no sign of life" not in picture


def test_the_notifiers_start_stays_over_a_reload(place: Workplace) -> None:
    notifier = place.start("notify")
    notifier.until(lambda: status(place)["notifier"], "a heartbeat of the notifier")
    before = status(place)["notifier"]
    place.configure(STRATEGY + '[destinations.desk]\nchannel = "console"\n')
    place.run("reload").exited(0)
    notifier.until(lambda: status(place)["notifier"]["destinations"] != before["destinations"], "the new settings")
    assert status(place)["notifier"]["started"] == before["started"]
    notifier.terminate().exited(0)
