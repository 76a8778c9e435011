"""The turns of a strategy's side over a whole history: what a replay needs, and nothing else of every candle.

Two simple averages compare as two sums of closes, so their difference is made of running sums (``running_sums``).
Where its sign changes the side has turned; only there are ranges and values computed.
``history.evaluate`` is the general way; both agree turn by turn and state by state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.trend import NO_TREND
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters.filter import Filter, Moments
from ninja_daemon.core.filters.quiet_around import NO_QUIET
from ninja_daemon.core.market.candle_columns import Booleans, CandleColumns, Integers
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.running_sums import ROOM, side_turns
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.true_ranges import true_ranges


@dataclass(frozen=True, slots=True)
class Turns(Moments):
    """Turns of the side, one entry each, oldest first. Prices and sums are integers as in ``Cross``."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.times)

    @classmethod
    def joined(cls, parts: Sequence[Turns]) -> Turns:
        """Return the turns of several runs, one behind the other."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def where(self, wanted: Booleans) -> Turns:
        """Return some of them."""
        return Turns(*(getattr(self, one.name)[wanted] for one in fields(self)))


def find_turns(rules: Rules, candles: CandleColumns, state: StrategyState) -> tuple[Turns, StrategyState] | None:
    """Take in candles, oldest first and all newer than those of ``state``.

    Returns:
        The turns, and the state after the last candle. None where only the general way works: other averages, a
        filter that is asked cross by cross, few candles, too large numbers.
    """
    fast, slow, period = state.fast, state.slow, rules.strategy.atr_period
    is_simple = isinstance(fast, SimpleMovingAverage) and isinstance(slow, SimpleMovingAverage)
    if not is_simple or not rules.is_plain or len(candles) <= max(period + 1, state.closes.size):
        return None
    found = side_turns(state, candles.close, fast.period, slow.period)
    ranges = None if found is None else _ranges_at(rules, state, candles, found.rows)
    if found is None or ranges is None:
        return None
    times, closes = candles.time[found.rows], candles.close[found.rows]
    beside = trend_signs(rules, times, closes), news_times(rules, times)
    turns = Turns(found.is_buy, times, closes, found.fast, found.slow, *ranges, found.gap_before, *beside)
    return turns, _state_after(rules, state, candles, found.side)


def trend_signs(rules: Rules, times: Integers, closes: Integers) -> Integers:
    """Return ``Moments.trend`` of turns."""
    if rules.trend is NO_TREND:
        return np.zeros(len(times), dtype=np.int8)
    ends = map(rules.strategy.granularity.close_of, times.tolist())
    return np.array(rules.trend.signs(ends, closes.tolist()), dtype=np.int8)


def news_times(rules: Rules, times: Integers) -> Integers:
    """Return the news that candles close too near to, as ``Moments.news`` has them."""
    if rules.quiet is NO_QUIET:
        return np.zeros(len(times), dtype=np.int64)
    ends = map(rules.strategy.granularity.close_of, times.tolist())
    return np.array(rules.quiet.times_at(ends), dtype=np.int64)


def rejections(rules: Rules, turns: Turns) -> tuple[dict[Filter, int], Booleans]:
    """Return how many turns each filter rejects, and which of them are signals (contract 4.5)."""
    counts, is_signal = {}, np.ones(len(turns), dtype=np.bool_)
    for name, judge in rules.judges:
        if judge.all_pass is None:
            continue
        passes = judge.all_pass(turns)
        if count := int((is_signal & ~passes).sum()):
            counts[name] = count
        is_signal &= passes
    return counts, is_signal


def _ranges_at(
    rules: Rules, state: StrategyState, candles: CandleColumns, rows: npt.NDArray[np.intp]
) -> tuple[Integers, Integers] | None:
    """Return how many true ranges are held after some candles, and their sums; None when these may not fit."""
    period = rules.strategy.atr_period
    held = np.full(len(rows), period, dtype=np.int64)
    # The first ones reach back to what the state holds.
    early = int(np.searchsorted(rows, period, side="right"))
    # A window each of the ranges' candles, and one of the closes before them.
    starts = rows[early:] - (period - 1)
    high, low, previous = (
        sliding_window_view(column, period)[places]
        for column, places in ((candles.high, starts), (candles.low, starts), (candles.close, starts - 1))
    )
    ranges = np.maximum(high, previous) - np.minimum(low, previous)
    if ranges.size and int(ranges.max()) * period >= ROOM:
        return None
    totals = np.concatenate((np.zeros(early, dtype=np.int64), ranges.sum(axis=1)))
    if early:
        early_ranges = true_ranges(rules, state, candles.part(0, period + 1))
        held[:early], totals[:early] = early_ranges.held[rows[:early]], early_ranges.totals[rows[:early]]
    return held, totals


def _state_after(rules: Rules, before: StrategyState, candles: CandleColumns, side: Side | None) -> StrategyState:
    strategy, period = rules.strategy, rules.strategy.atr_period
    seen, size = before.seen + len(candles), before.closes.size
    closes = Window(size, candles.close[-size:].tolist())
    previous = candles.close[-period - 1 : -1]
    ranges = np.maximum(candles.high[-period:], previous) - np.minimum(candles.low[-period:], previous)
    newest: list[int] = ranges.tolist()
    return StrategyState(
        last=candles.candle(-1),
        seen=seen,
        closes=closes,
        ranges=Window(period, newest),
        range_total=sum(newest),
        fast=SimpleMovingAverage.over(strategy.fast_ma, seen, closes),
        slow=SimpleMovingAverage.over(strategy.slow_ma, seen, closes),
        side=side,
    )
