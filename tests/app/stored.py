"""A Redis in which a daemon has been at work, without a broker: the real store, fed by the real catch-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.wake_result import WakeResult
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

EUR_USD = Instrument("EUR_USD", 5, -4)
START: Instant = 1_600_000_200
"""Open of the first candle, on the grid of M15."""
M15 = Strategy(
    "EUR_USD_M15", "EUR_USD", Granularity.M15, fast_ma=3, slow_ma=8, atr_period=5, market_hours=MarketHours.ALWAYS
)
CONFIGURATION = """
[strategies.EUR_USD_M15]
instrument = "EUR_USD"
timeframe = "M15"
fast_ma = 3
slow_ma = 8
atr_period = 5
market_hours = "always"

[strategies.GBP_JPY_D]
instrument = "GBP_JPY"
timeframe = "D"
fast_ma = 50
slow_ma = 200
"""


def candles(closes: Sequence[int]) -> list[Candle]:
    """Make M15 candles that move from close to close, a little wider than their bodies."""
    opens = [closes[0], *closes[:-1]]
    return [
        Candle(START + 900 * number, open_, max(open_, close) + 10, min(open_, close) - 10, close)
        for number, (open_, close) in enumerate(zip(opens, closes, strict=True))
    ]


def closes_with_crosses(count: int) -> list[int]:
    """Return closes in saw teeth of ten candles: a cross every five or so."""
    return [110_000 + 20 * min(number % 20, 20 - number % 20) for number in range(count)]


def work(
    url: str,
    directory: Path,
    closes: Sequence[int],
    *,
    seen_at_start: int = 20,
    namespace: str = "ninja",
    keep: Callable[[WakeResult], None] = lambda _: None,
) -> WakeResult:
    """Start a daemon's store on that many candles, then show it the rest; return what the second wake did."""
    broker = FakeBroker({"EUR_USD": EUR_USD}, {M15.series: candles(closes)})
    client = connect(url, name="test")
    journal = SqliteJournal(directory / "journal.sqlite3")
    store = RedisStateStore(client, Keys(namespace))

    def catch_up_to(newest: int) -> WakeResult:
        broker.newest[M15.series] = START + 900 * newest
        clock = FakeClock(START + 900 * (newest + 1) + 1.0)
        wake = catch_up([M15], source=broker, store=store, journal=journal, clock=clock)
        assert [outcome.error for outcome in wake.results] == [None]
        keep(wake)
        return wake

    try:
        catch_up_to(seen_at_start - 1)
        return catch_up_to(len(closes) - 1)
    finally:
        journal.close()
        client.close()
