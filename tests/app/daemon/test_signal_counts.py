"""What metrics say of a strategy's signals: how many, where they went, and whether a silence is unusual."""

from __future__ import annotations

from dataclasses import replace

from ninja_daemon.app.daemon.notes.signal_counts import Listed, SignalCounts
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.ports import Counts
from ninja_daemon.usecases.wake_result import Start, StrategyResult
from tests.app.stored import M15, START
from tests.fakes.messages import a_signal

FX = replace(M15, name="fx", market_hours=MarketHours.FX)


def test_signals_are_told_apart_by_strategy_instrument_and_side() -> None:
    counts = SignalCounts()
    buy, sell = a_signal(1, side=Side.BUY), a_signal(2, side=Side.SELL)
    counts.add(StrategyResult(M15, Start.STORED, signals=[buy, sell]))
    counts.add(StrategyResult(M15, Start.STORED, signals=[sell]))
    assert counts.listed() == {
        Listed(M15.name, "EUR_USD", "BUY"): 1,
        Listed(M15.name, "EUR_USD", "SELL"): 2,
    }


def test_the_last_signal_is_known_from_what_is_stored_not_only_since_the_start() -> None:
    counts = SignalCounts()
    assert counts.last_signals([M15]) == {}
    counts.add(StrategyResult(M15, Start.STORED, counts=Counts(evaluated=9, signals=1, last_signal_time=START)))
    counts.add(StrategyResult(M15, Start.STORED))
    assert counts.last_signals([M15, FX]) == {M15.name: START + 900}


def test_the_usual_silence_is_the_mean_distance_weekends_included() -> None:
    counts = SignalCounts()
    few, enough = Counts(evaluated=100, signals=4), Counts(evaluated=100, signals=5)
    counts.add(StrategyResult(M15, Start.STORED, counts=few))
    assert counts.usual_silence([M15]) == {}
    for strategy in (M15, FX):
        counts.add(StrategyResult(strategy, Start.STORED, counts=enough))
    assert counts.usual_silence([M15, FX]) == {M15.name: 20 * 900, "fx": 20 * 900 * 1.4}
