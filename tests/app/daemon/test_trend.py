"""A daemon whose strategy waits for a larger timeframe's candle: patience, what is said, and what comes after."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched, Wanted
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

START = 1_600_000_200 - 1_600_000_200 % 3_600
HOURLY = TrendAverage(Granularity.H1, MovingAverageKind.SMA, 2)
OWN = Strategy(
    "OWN", "EUR_USD", Granularity.M15, 1, 2, atr_period=2, market_hours=MarketHours.ALWAYS,
    filters=(("trend", HOURLY),),
)  # fmt: skip
HOURS = Series("EUR_USD", Granularity.H1, OWN.price)


@dataclass
class LateBroker(FakeBroker):
    """Calls an hour complete only after that many requests for it."""

    asks_before_hour: int = 0

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        answers = dict(super().newer(wanted))
        for request, answer in answers.items():
            if request.series == HOURS and isinstance(answer, Fetched):
                self.asks_before_hour -= 1
                if self.asks_before_hour >= 0:
                    answers[request] = answer._replace(candles=(), forming=answer.candles[0].time)
        return answers


def candles(count: int, step: int) -> list[Candle]:
    closes = [110_000 + 40 * (number % 3) for number in range(count)]
    return [Candle(START + step * number, close, close + 5, close - 5, close) for number, close in enumerate(closes)]


@dataclass
class Stage:
    daemon: Daemon
    broker: LateBroker
    clock: FakeClock

    def close_of(self, number: int) -> None:
        """Stand at the close of a quarter of an hour."""
        end = START + 900 * (number + 1)
        self.broker.newest = {OWN.series: end - 900, HOURS: (end // 3_600 - 1) * 3_600}
        self.clock.time = float(end)
        self.daemon.on_close(OWN.granularity, OWN.market_hours)

    @property
    def waiting(self) -> object:
        return json.loads(self.daemon._heartbeat(True))["waiting"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    journal, clock = SqliteJournal(tmp_path / "journal.sqlite3"), FakeClock(START + 900.0)
    store = LocalStateStore(journal)
    broker = LateBroker(
        {"EUR_USD": Instrument("EUR_USD", 5, -4)}, {OWN.series: candles(200, 900), HOURS: candles(50, 3_600)}
    )
    daemon = Daemon(
        [OWN], source=broker, store=store, journal=journal, clock=clock, on_crash=lambda error: pytest.fail(str(error))
    )
    daemon.renew_lease()
    stage = Stage(daemon, broker, clock)
    for number in (20, 21, 22):
        stage.close_of(number)
    yield stage
    store.close()
    journal.close()


def test_within_the_patience_the_wait_is_said_once_and_ends_with_the_larger_candle(stage: Stage) -> None:
    stage.broker.asks_before_hour = 3
    seen: list[object] = []
    stage.daemon._wakes.recorded = lambda _: seen.append(stage.waiting)
    with capture_logs() as logs:
        stage.close_of(23)
    closed = format_instant(START + 900 * 24)
    sentence = f"the EUR_USD H1 candle that closed at {closed} decides the trend and is not complete yet"
    assert seen == [{"OWN": sentence}] * 3 + [{}]
    said = [line for line in logs if line.get("event_id") == "candle.awaited"]
    assert [(line["event"], line["strategies"]) for line in said] == [(f"1 strategy waiting: {sentence}", "OWN")]
    assert stage.daemon.figures.cursors["OWN"] == START + 900 * 23
    assert stage.daemon.troubles() == {}


def test_after_the_patience_it_waits_says_so_and_is_tried_again(stage: Stage) -> None:
    stage.broker.asks_before_hour = 1_000
    stage.close_of(23)
    assert stage.daemon.figures.cursors["OWN"] == START + 900 * 22
    assert "decides the trend and is not complete yet" in stage.daemon.troubles()["OWN"]
    assert stage.waiting == stage.daemon.troubles()
    stage.broker.asks_before_hour = 0
    stage.clock.time += 60
    with capture_logs() as logs:
        stage.daemon.retry()
    assert stage.daemon.figures.cursors["OWN"] == START + 900 * 23
    assert (stage.daemon.troubles(), stage.waiting) == ({}, {})
    assert "OWN goes on" in [line["event"] for line in logs]


def test_the_experience_of_own_candles_does_not_grow_with_the_wait(stage: Stage) -> None:
    """The own candle was complete at the first look, whatever it waited for."""
    stage.broker.asks_before_hour = 6
    stage.close_of(23)
    delay = stage.daemon.figures.completion_delay["M15"]
    assert delay.last < 1.0
