"""When an ended candle turns complete (facts: 3.3 and 7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.markets.completion import ByLag, ByNextTick, ByTime, Completion
from ninja_daemon.simulator.markets.market import RandomMarket
from tests.simulator.client import Client
from tests.simulator.conftest import Serve

CLOSE = parse_instant("2026-11-19T15:15:00Z")
FRIDAY_CLOSE = parse_instant("2026-11-20T22:00:00Z")
M15 = Granularity.M15


def completes(client: Client, clock: SimulatedClock, at: float, close: int = CLOSE) -> bool:
    """Whether the candle that ends at ``close`` is called complete at a time."""
    clock.set(at)
    (candle,) = client.candles(granularity="M15", from_=str(close - 900), to=str(close))
    complete: bool = candle["complete"]
    return complete


def test_by_time_a_candle_is_complete_at_its_end(serve: Serve, clock: SimulatedClock) -> None:
    client = serve(completion=ByTime())
    assert completes(client, clock, CLOSE)
    clock.set(CLOSE - 0.001)
    assert client.candles(granularity="M15", count=1)[0]["complete"] is False


def test_by_lag_a_candle_is_complete_later_and_the_next_may_form_meanwhile(serve: Serve, clock: SimulatedClock) -> None:
    client = serve(completion=ByLag.of(20))
    assert not completes(client, clock, CLOSE)
    assert not completes(client, clock, CLOSE + 19.999)
    candles = client.candles(granularity="M15", count=2)
    assert [candle["complete"] for candle in candles] == [False, False]
    assert completes(client, clock, CLOSE + 20)


def test_lags_lie_in_their_range_with_a_tail_and_never_change() -> None:
    rule, market = ByLag(1, 5, 45, 30), RandomMarket(1)
    lags = [
        rule.completed_at(market, "EUR_USD", M15, close) - close for close in range(CLOSE, CLOSE + 4_000 * 900, 900)
    ]
    assert lags[:3] == [
        rule.completed_at(market, "EUR_USD", M15, CLOSE + 900 * step) - CLOSE - 900 * step for step in range(3)
    ]
    assert 1 <= min(lags) < 1.2
    assert 40 < max(lags) <= 45
    assert 60 < sum(lag > 5 for lag in lags) < 180


def test_by_tick_the_next_price_completes_the_candle(serve: Serve, clock: SimulatedClock, market: RandomMarket) -> None:
    client = serve(completion=ByNextTick(timer=60))
    tick = market.first_tick("EUR_USD", M15, CLOSE, CLOSE + 60)
    assert tick is not None
    assert tick > CLOSE
    assert not completes(client, clock, tick - 0.001)
    assert client.times(granularity="M15", count=1) == [CLOSE - 900]
    assert completes(client, clock, tick)
    assert client.times(granularity="M15", count=1) == [CLOSE]


def test_by_tick_a_timer_completes_the_last_candle_of_the_week(serve: Serve, clock: SimulatedClock) -> None:
    client = serve(completion=ByNextTick(timer=45))
    assert not completes(client, clock, FRIDAY_CLOSE + 44.9, FRIDAY_CLOSE)
    assert completes(client, clock, FRIDAY_CLOSE + 45, FRIDAY_CLOSE)


def test_by_tick_a_market_of_files_knows_the_opens_of_its_candles(tmp_path: Path, serve: Serve) -> None:
    path = tmp_path / "EUR_USD_M15.csv"
    opens = ("2026-11-19T15:00:00Z", "2026-11-19T15:15:00Z", "2026-11-19T15:45:00Z")
    lines = "".join(f"{at},1.1,1.1,1.1,1.1,1\n" for at in opens)
    path.write_text("time,open,high,low,close,volume\n" + lines, encoding="ascii")
    clock = SimulatedClock.fixed(CLOSE)
    client = serve(market_of(path), clock=clock, completion=ByNextTick(timer=60))
    assert completes(client, clock, CLOSE)
    assert not completes(client, clock, CLOSE + 959, CLOSE + 900)
    assert completes(client, clock, CLOSE + 960, CLOSE + 900)


@pytest.mark.parametrize("completion", [ByTime(), ByLag.of(30), ByNextTick()])
def test_a_forming_candle_is_never_complete(serve: Serve, clock: SimulatedClock, completion: Completion) -> None:
    client = serve(completion=completion)
    clock.set(CLOSE + 450)
    assert [candle["complete"] for candle in client.candles(granularity="M15", count=3)] == [True, True, False]
