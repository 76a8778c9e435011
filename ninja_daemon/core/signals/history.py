"""The rules of ``strategy.Rules.advance`` over a whole history at once, in numpy: replay, warm-up, self-audit.

The result agrees with the step engine candle by candle and field by field, including the state at the end, so a history
may be cut anywhere and continued by either engine. ``core.averages.columns`` says how integers stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.columns import LIMIT, AverageColumn, Closes, average_column
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns, Integers
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.true_ranges import true_ranges


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The outcome of the rules over a run of candles.

    Attributes:
        fast: the fast average.
        slow: the slow average.
        sides: side after each candle: 1, −1, or 0 while there is none.
        ranges_held: number of true ranges behind the average true range after each candle.
        range_totals: their sum.
        crosses: the turns of the side, oldest first.
        state: the state after the last candle; the next run goes on from it.
    """

    fast: AverageColumn
    slow: AverageColumn
    sides: npt.NDArray[np.int8]
    ranges_held: Integers
    range_totals: Integers
    crosses: Sequence[Cross]
    state: StrategyState


def evaluate(rules: Rules, candles: CandleColumns, state: StrategyState | None = None) -> BatchResult:
    """Take in candles, oldest first and all newer than those of ``state``: contract section 4, many steps at once.

    Args:
        rules: the strategy bound to its instrument.
        candles: prices of the instrument's decimals.
        state: the state before these candles; None before the first candle of all.
    """
    before, source = rules.empty_state() if state is None else state, rules.strategy.source
    closes = Closes.joined(before.closes, before.seen, _sums(source, candles))
    (fast, fast_after), (slow, slow_after) = average_column(before.fast, closes), average_column(before.slow, closes)
    ranges = true_ranges(rules, before, candles)
    columns = fast.over(source.parts), slow.over(source.parts)
    sides, turns = _sides(_signs(fast, slow), before.side)
    judging, after = _Judging(rules, candles, before), before
    crosses = judging.crosses(turns, columns, (sides, ranges.held, ranges.totals))
    if len(candles):
        after = ranges.after(before)._replace(
            last=candles.candle(-1),
            seen=before.seen + len(candles),
            closes=closes.window,
            fast=fast_after,
            slow=slow_after,
            side=Side(int(sides[-1])) if sides[-1] else None,
            signal_at=judging.signal_at,
            recent=judging.newest(),
        )
    return BatchResult(*columns, sides, ranges.held, ranges.totals, crosses, after)


def _sums(source: Source, candles: CandleColumns) -> Integers:
    """Return what the averages take in of each candle."""
    columns: list[Integers] = [getattr(candles, name) for name in source.prices]
    return columns[0] if len(columns) == 1 else np.sum(columns, axis=0)


# --- true ranges -----------------------------------------------------------------------------------------------------


# --- sides -----------------------------------------------------------------------------------------------------------


def _signs(fast: AverageColumn, slow: AverageColumn) -> npt.NDArray[np.int8]:
    """Return the sign of fast − slow after each candle, compared exactly; 0 while one of them is not full."""
    full_from = max(fast.full_from, slow.full_from)
    signs = np.zeros(len(fast.numerators), dtype=np.int8)
    shared = gcd(fast.denominator, slow.denominator)
    left = _product(fast.numerators[full_from:], slow.denominator // shared)
    right = _product(slow.numerators[full_from:], fast.denominator // shared)
    signs[full_from:] = (left > right).astype(np.int8) - (left < right).astype(np.int8)
    return signs


def _product(numbers: Integers, factor: int) -> Integers:
    if not len(numbers):
        return numbers
    largest = max(abs(int(numbers.max())), abs(int(numbers.min())))
    return (numbers if largest * factor < LIMIT else numbers.astype(object)) * factor


def _sides(signs: npt.NDArray[np.int8], before: Side | None) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.intp]]:
    """Return the last sign that was not zero after each candle, and the candles that turned it round."""
    decided = np.flatnonzero(signs)
    values = signs[decided]
    previous = np.concatenate((np.array([int(before or 0)], dtype=np.int8), values))
    turned = decided[values * previous[:-1] < 0]
    lengths = np.diff(np.concatenate(([0], decided, [len(signs)])))
    return np.repeat(previous, lengths), turned


_Pairs = Sequence[tuple[Ratio, Ratio]]


class _Judging:
    """Judges the turns of a run of candles in their order.

    Attributes:
        signal_at: number of the candle of the newest signal, as in the state.
    """

    def __init__(self, rules: Rules, candles: CandleColumns, before: StrategyState) -> None:
        self._rules, self._candles, self._before = rules, candles, before
        self.signal_at, self._looked_back = before.signal_at, rules.strategy.looked_back
        is_begun = rules.begin is None or (before.last is not None and before.last.time >= rules.begin.time)
        self._begin = None if is_begun else rules.begin

    def crosses(
        self,
        turns: npt.NDArray[np.intp],
        averages: tuple[AverageColumn, AverageColumn],
        numbers: tuple[Integers, Integers, Integers],
    ) -> list[Cross]:
        """Make the crosses; columns are cut to the turns first, which costs less than a number at a time."""
        values = [
            _values(self._rules, column, turns, average)
            for column, average in zip(averages, (self._before.fast, self._before.slow), strict=True)
        ]
        candles = self._candles
        columns = (candles.time, candles.open, candles.high, candles.low, candles.close, *numbers)
        rows = zip(turns.tolist(), *(column[turns].tolist() for column in columns), strict=True)
        return [
            self._judge(
                self._before.seen + turn + 1, side, Candle(*fields), (fast, slow, held, total, fast_before, slow_before)
            )
            for (turn, *fields, side, held, total), (fast, fast_before), (slow, slow_before) in zip(
                rows, *values, strict=True
            )
        ]

    def _judge(
        self, number: int, side: int, candle: Candle, known: tuple[Ratio, Ratio, int, int, Ratio, Ratio]
    ) -> Cross:
        rules, begin = self._rules, self._begin
        if begin is not None and candle.time >= begin.time:
            self._begin = None
            self.signal_at = self._before.seen + self._candles.number_until(begin.last or 0) or None
        cross = rules.cross(Side(side), candle, (*known, rules.since(self.signal_at, number)), self._recent(number))
        if rules.is_spaced and cross.rejected_by is None:
            self.signal_at = number
        return cross

    def newest(self) -> tuple[Candle, ...]:
        """Return the newest candles of all, as many as plug-ins look at."""
        return self._recent(self._before.seen + len(self._candles))

    def _recent(self, number: int) -> tuple[Candle, ...]:
        """Return the candles up to one of some number, as many as plug-ins look at."""
        most, stop = self._looked_back, number - self._before.seen
        return self._rules.recent(self._before.recent, self._candles.part(max(0, stop - most), stop)) if most else ()


def _values(rules: Rules, column: AverageColumn, turns: npt.NDArray[np.intp], before: MovingAverage) -> _Pairs:
    """Return the value of an average after each turn, and after the candle before it."""
    whole = column.denominator
    both = zip(column.numerators[turns].tolist(), column.numerators[turns - 1].tolist(), strict=True)
    pairs = [((now, whole), (then, whole)) for now, then in both]
    if len(turns) and not turns[0]:
        pairs[0] = (pairs[0][0], rules.value(before.ratio))  # there was a side, so there was a value
    return pairs
