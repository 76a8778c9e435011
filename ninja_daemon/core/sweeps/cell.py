"""One pair of periods of a sweep: what its signals add up to, and how each of them ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from ninja_daemon.core.market.candle_columns import Integers
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import R_DIGITS, Outcome
from ninja_daemon.core.outcomes.statistics import ratio_of
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.sweeps.crossing import Pair
from ninja_daemon.core.sweeps.endings import RESULTS, Ended


@dataclass(frozen=True, slots=True)
class Cell:
    """What the signals of one pair of periods add up to; all numbers are those of a replay of the pair alone.

    Attributes:
        pair: period of the fast average, and of the slow one.
        signals: how many were found.
        open: how many have not ended.
        results: how many ended in each way.
        ambiguous: how many had both levels in one candle.
        r: sum of R.
        net_r: the same after costs.
        drawdown_r: largest fall of the sum of R from a peak, positive.
        closed: the signals that ended, in the order of their ends: candle's open times two, plus one for BUY.
        multiples: R of each of them, in units of its last digit, before and after costs.
    """

    pair: Pair
    signals: int
    open: int
    results: Mapping[Result, int]
    ambiguous: int
    r: Decimal
    net_r: Decimal
    drawdown_r: Decimal
    closed: Integers
    multiples: tuple[Integers, Integers]

    @property
    def hit_rate(self) -> Decimal | None:
        """Share of the closed signals that reached the target; None without one."""
        count = self.signals - self.open
        return ratio_of(Fraction(self.results[Result.TARGET], count)) if count else None


def cell_of_columns(pair: Pair, keys: Integers, ended: Ended, count: int) -> Cell:
    """Add up signals that are columns.

    Args:
        pair: the periods.
        keys: the signals, oldest first, as in ``Cell.closed``.
        ended: how they end.
        count: candles of the history.
    """
    order = np.argsort(ended.ends, kind="stable")
    order = order[: int((ended.ends < count).sum())]  # those that stay open come last
    counts = np.bincount(ended.results[order], minlength=len(RESULTS)).tolist()
    results = dict(zip(RESULTS, counts, strict=True))
    multiples = ended.r[order], ended.net_r[order]
    return _cell(pair, len(keys), results, int(ended.ambiguous[order].sum()), keys[order], multiples)


def cell_of_outcomes(pair: Pair, signals: int, outcomes: Sequence[Outcome]) -> Cell:
    """Add up outcomes, in the order of their ends."""
    results = {result: sum(one.result is result for one in outcomes) for result in RESULTS}
    ambiguous = sum(one.ambiguous for one in outcomes)
    keys = _integers([2 * one.time + (one.side is Side.BUY) for one in outcomes])
    multiples = _units([one.r for one in outcomes]), _units([one.net_r for one in outcomes])
    return _cell(pair, signals, results, ambiguous, keys, multiples)


def _cell(
    pair: Pair,
    signals: int,
    results: Mapping[Result, int],
    ambiguous: int,
    closed: Integers,
    multiples: tuple[Integers, Integers],
) -> Cell:
    r, net_r = multiples
    sums = np.cumsum(r)
    peaks = np.maximum.accumulate(np.maximum(sums, 0))
    falls = int((peaks - sums).max()) if len(sums) else 0
    return Cell(
        pair,
        signals,
        signals - len(closed),
        results,
        ambiguous,
        _decimal(int(r.sum())),
        _decimal(int(net_r.sum())),
        _decimal(falls),
        closed,
        multiples,
    )


def _decimal(units: int) -> Decimal:
    return Decimal(units).scaleb(-R_DIGITS)


def _units(values: Sequence[Decimal]) -> Integers:
    return _integers([int(value.scaleb(R_DIGITS)) for value in values])


def _integers(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)
