"""A grid of one strategy's periods over one history: every pair of them, as a replay of that pair would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.outcomes.history import joined
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.sweeps.cell import Cell, cell_of_outcomes
from ninja_daemon.core.sweeps.crossing import Mapped, Pair
from ninja_daemon.core.sweeps.shared import cells_at_once
from ninja_daemon.usecases.replay import Span, follow_to_the_end, replay

MOST_VALUES: Final = 64
"""Periods that each of the two averages is given at most."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The pairs of a sweep.

    Attributes:
        fast: periods of the fast average, ascending.
        slow: periods of the slow average, ascending.
    """

    fast: Sequence[int]
    slow: Sequence[int]

    @property
    def pairs(self) -> Sequence[Pair]:
        """Every pair whose fast average is the faster one."""
        return [(fast, slow) for fast in self.fast for slow in self.slow if fast < slow]

    @property
    def left_out(self) -> int:
        """How many pairs are none."""
        return len(self.fast) * len(self.slow) - len(self.pairs)


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of a sweep.

    Attributes:
        rules: the strategy, with the widest of the periods, and its instrument.
        grid: what was tried.
        candles: how many there were in the span.
        cells: one a pair, in the order of the grid.
    """

    rules: Rules
    grid: Grid
    candles: int
    cells: Sequence[Cell]


def sweep(rules: Rules, grid: Grid, parts: Sequence[CandleColumns], span: Span, mapped: Mapped = map) -> Swept:
    """Try every pair of a grid over one history.

    Args:
        rules: the strategy with any periods, bound to the instrument in whose decimals the candles are.
        grid: the periods.
        parts: the history, oldest first; its first candle is the first of all.
        span: what is reported.
        mapped: goes over parts of the work, on several cores where that pays.
    """
    candles = joined(parts)
    if span.until is not None:
        candles = candles.part(0, int(candles.time.searchsorted(span.until, side="right")))
    first = 0 if span.since is None else int(candles.time.searchsorted(span.since))
    found = cells_at_once(rules, candles, grid.pairs, first, mapped) or [None] * len(grid.pairs)
    cells = [
        _alone(rules, pair, candles, span) if cell is None else cell
        for pair, cell in zip(grid.pairs, found, strict=True)
    ]
    return Swept(rules, grid, len(candles) - first, cells)


def _alone(rules: Rules, pair: Pair, candles: CandleColumns, span: Span) -> Cell:
    """Replay one pair by itself."""
    fast, slow = pair
    strategy = replace(rules.strategy, fast_ma=fast, slow_ma=slow)
    own = Rules(strategy, rules.instrument).seeing(rules.trend, rules.spreads)
    reports = replay([own], [candles], span)
    follow_to_the_end(reports, [candles], span)
    followed = reports[0].followed
    return cell_of_outcomes(pair, len(reports[0].signals), () if followed is None else followed.outcomes)
