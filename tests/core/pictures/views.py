"""Signals to draw: found by the engine in walks at random."""

from __future__ import annotations

from decimal import Decimal

from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.pictures.signal_view import CANDLES, AverageLine, SignalView
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.strategy import Strategy
from tests.core.series import EUR_USD, walked


def view_of(
    seed: int = 7,
    instrument: Instrument = EUR_USD,
    granularity: Granularity = Granularity.M1,
    *,
    name: str = "QUICK",
    multiplier: str = "2.0",
) -> SignalView:
    """The newest signal of a random walk, with its candles and averages."""
    candles = walked(400, seed, step=granularity.seconds)
    strategy = Strategy(
        name, instrument.name, granularity, 5, 21, sl_atr_multiplier=Decimal(multiplier), min_rr_ratio=Decimal(0)
    )
    rules = Rules(strategy, instrument)
    cross = [one for one in evaluate(rules, CandleColumns.of(candles)).crosses if one.rejected_by is None][-1]
    shown = [candle for candle in candles if candle.time <= cross.candle.time]
    result = evaluate(rules, CandleColumns.of(shown))
    rows = range(max(0, len(shown) - CANDLES), len(shown))
    return SignalView(
        signal_of(rules, cross, 0),
        instrument.decimals,
        [shown[row] for row in rows],
        AverageLine("SMA 5", [result.fast.ratio(row) for row in rows]),
        AverageLine("SMA 21", [result.slow.ratio(row) for row in rows]),
    )
