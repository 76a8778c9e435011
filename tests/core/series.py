"""Candles and strategies for tests of the core: drawn, walked at random, or real ones."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.filters.filter import Moment
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.strategy import Strategy

EUR_USD = Instrument("EUR_USD", 5, -4)
START = 1_700_006_400  # a full hour


def rules_of(instrument: Instrument = EUR_USD, **settings: Any) -> Rules:
    """A strategy with short averages and open filters, unless told otherwise."""
    chosen: dict[str, Any] = {"fast_ma": 2, "slow_ma": 5, "atr_period": 3, "min_rr_ratio": Decimal(0), **settings}
    granularity = chosen.pop("granularity", Granularity.M1)
    name = chosen.pop("name", "a_strategy")
    return Rules(Strategy(name, instrument.name, granularity, **chosen), instrument)


def flat_candles(closes: Iterable[int], start: int = START, step: int = 60) -> list[Candle]:
    """Candles whose four prices are one."""
    return [Candle(start + index * step, close, close, close, close) for index, close in enumerate(closes)]


def walked(count: int, seed: int, start: int = START, step: int = 60, largest_move: int = 40) -> list[Candle]:
    """A random walk with honest highs and lows."""
    walk = random.Random(seed)
    close, candles = 110_000, []
    for index in range(count):
        opened, close = close, max(1_000, close + walk.randint(-largest_move, largest_move))
        high, low = max(opened, close) + walk.randint(0, 9), min(opened, close) - walk.randint(0, 9)
        candles.append(Candle(start + index * step, opened, high, low, close))
    return candles


@st.composite
def drawn_candles(draw: st.DrawFn, most: int = 60, largest: int = 12) -> list[Candle]:
    """Candles of few different prices, so that ties and turns are common."""
    price = st.integers(1, largest)
    quadruples = draw(st.lists(st.tuples(price, price, price, price), max_size=most))
    return [
        Candle(START + index * 60, opened, max(prices), min(prices), close)
        for index, prices in enumerate(quadruples)
        for opened, close in [prices[:2]]
    ]


def stepped(
    rules: Rules, candles: Iterable[Candle], state: StrategyState | None = None
) -> tuple[StrategyState, list[Cross]]:
    """The step engine over candles: the state at the end and the crosses."""
    state = rules.empty_state() if state is None else state
    crosses = []
    for candle in candles:
        state, cross = rules.advance(state, candle)
        if cross is not None:
            crosses.append(cross)
    return state, crosses


def real_candles(path: Path, decimals: int) -> Sequence[Candle]:
    """The candles of a file, read without any code of the project's own reader."""
    with path.open(newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    return [
        Candle(
            parse_instant(row["time"]),
            *(int(Decimal(row[name]).scaleb(decimals)) for name in ("open", "high", "low", "close")),
        )
        for row in rows
    ]


def moment_of(
    side: Side, candle: Candle, fast: Ratio, slow: Ratio, range_total: int, *, ranges_held: int = 14
) -> Moment:
    """What is known of a cross, the averages having stood still; other things are given with ``_replace``."""
    return Moment(side.value, candle.time, candle.close, fast, slow, ranges_held, range_total, fast, slow)
