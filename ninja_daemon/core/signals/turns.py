"""The turns of a strategy's side over a whole history: what a replay needs, and nothing else of every candle.

Two simple averages compare as two sums of closes, so their difference is made of running sums. Where its sign changes
the side has turned; only there are ranges and values computed. All are integers, in 32 bits where they fit: sums
may wrap on the way, because a difference is right modulo the size of the word when it fits itself.
``history.evaluate`` is the general way; both agree turn by turn and state by state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import gcd
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.trend import NO_TREND
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters.filter import Filter, Moments
from ninja_daemon.core.market.candle_columns import Booleans, CandleColumns, Integers
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.true_ranges import true_ranges

_ROOM: Final = 2**62
"""Integers below it can be added and compared in 64 bits."""
_SMALL: Final = 2**30
_FEW_TIES: Final = 500
"""Up to this many ties are settled one by one; more of them, as in a market that stands still, all at once."""


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
    if not is_simple or not rules.is_plain:
        return None
    if len(candles) <= max(period + 1, state.closes.size):
        return None
    held = list(state.closes)
    sums = _Sums.over(held, candles.close, fast.period, slow.period)
    if sums is None:
        return None
    places, is_buy, side = turned(sums.difference, state.side)
    rows = places + sums.first
    ranges = _ranges_at(rules, state, candles, rows)
    if ranges is None:
        return None
    times, closes = candles.time[rows], candles.close[rows]
    turns = Turns(
        is_buy,
        times,
        closes,
        sums.fast[places].astype(np.int64),
        sums.slow[places].astype(np.int64),
        *ranges,
        sums.gaps_before(places, state),
        trend_signs(rules, times, closes),
    )
    return turns, _state_after(rules, state, candles, held, side)


def trend_signs(rules: Rules, times: Integers, closes: Integers) -> Integers:
    """Return ``Moments.trend`` of turns."""
    if rules.trend is NO_TREND:
        return np.zeros(len(times), dtype=np.int8)
    ends = map(rules.strategy.granularity.close_of, times.tolist())
    return np.array(rules.trend.signs(ends, closes.tolist()), dtype=np.int8)


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


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of closes after each candle for which both averages are full.

    Attributes:
        first: which of the new candles is the first of them.
        fast: sum under the fast average.
        slow: sum under the slow average.
        difference: of the averages, over the least common multiple of their periods.
    """

    first: int
    fast: Integers
    slow: Integers
    difference: Integers

    @classmethod
    def over(cls, held: Sequence[int], new: Integers, fast: int, slow: int) -> _Sums | None:
        """Add up the closes that the state holds and the new ones; None when what comes out may not fit."""
        shared = gcd(fast, slow)
        by_fast, by_slow = slow // shared, fast // shared
        largest = max(int(new.max()), -int(new.min()), *map(abs, held))
        bound = largest * fast * by_fast  # which is that of the slow average as well
        if bound >= _ROOM:
            return None
        word: Any = np.int32 if bound < _SMALL else np.int64
        values = np.empty(len(held) + len(new), dtype=word)
        values[: len(held)], values[len(held) :] = held, new
        running = np.zeros(len(values) + 1, dtype=word)
        np.cumsum(values, out=running[1:])
        start = max(len(held), fast - 1, slow - 1) + 1
        both = [running[start:] - running[start - period : len(running) - period] for period in (fast, slow)]
        difference = both[0] * by_fast
        difference -= both[1] if by_slow == 1 else both[1] * by_slow
        return cls(start - 1 - len(held), both[0], both[1], difference)

    def gaps_before(self, places: npt.NDArray[np.intp], state: StrategyState) -> Integers:
        """Return the difference after the candle before each of some places."""
        then: Integers = self.difference[places - 1].astype(np.int64)
        if len(places) and not places[0]:  # there was a side before, so the state's averages are full
            (fast, fast_whole), (slow, slow_whole) = cast("Ratio", state.fast.ratio), cast("Ratio", state.slow.ratio)
            shared = gcd(fast_whole, slow_whole)
            then[0] = fast * (slow_whole // shared) - slow * (fast_whole // shared)
        return then


def turned(difference: Integers, before: Side | None) -> tuple[npt.NDArray[np.intp], Booleans, Side | None]:
    """Return where the sign turned, to which side each time, and the side at the end."""
    is_buy = difference > 0
    decided = None
    # Contract 4.3: a tie changes nothing.
    ties = np.flatnonzero(difference == 0)
    if len(ties) > _FEW_TIES or (len(ties) and ties[0] == 0 and before is None):
        decided = np.flatnonzero(difference)
        is_buy = is_buy[decided]
    else:
        for tie in ties.tolist():
            is_buy[tie] = is_buy[tie - 1] if tie else before is Side.BUY
    if not len(is_buy):
        return np.zeros(0, dtype=np.intp), is_buy, before
    places = np.flatnonzero(is_buy[1:] != is_buy[:-1]) + 1
    if before is not None and bool(is_buy[0]) is not (before is Side.BUY):
        places = np.concatenate((np.zeros(1, dtype=np.intp), places))
    side = Side.BUY if is_buy[-1] else Side.SELL
    return places if decided is None else decided[places], is_buy[places], side


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
    if ranges.size and int(ranges.max()) * period >= _ROOM:
        return None
    totals = np.concatenate((np.zeros(early, dtype=np.int64), ranges.sum(axis=1)))
    if early:
        early_ranges = true_ranges(rules, state, candles.part(0, period + 1))
        held[:early], totals[:early] = early_ranges.held[rows[:early]], early_ranges.totals[rows[:early]]
    return held, totals


def _state_after(
    rules: Rules, before: StrategyState, candles: CandleColumns, held: Sequence[int], side: Side | None
) -> StrategyState:
    strategy, period = rules.strategy, rules.strategy.atr_period
    seen, size = before.seen + len(candles), before.closes.size
    closes = Window(size, [*held, *candles.close[-size:].tolist()])
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
