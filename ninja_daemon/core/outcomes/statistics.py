"""What closed signals add up to, with the doubt that belongs to it (contract 8.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from statistics import median
from typing import Final

import numpy as np

from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import R_DIGITS, Outcome

TOO_FEW: Final = 30
"""Closed signals below which no verdict is given."""
DRAWS: Final = 10_000
_SEED: Final = 8_006
_Z: Final = 1.959964
_AT_ONCE: Final = 4_000_000
"""Numbers that are drawn at once, some tens of megabytes."""
_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Sums:
    """Sum and mean of a column of R.

    Attributes:
        sum: exact.
        mean: None without a number.
        interval: 95 % interval of the mean, from a seeded bootstrap; None without a number.
    """

    sum: Decimal
    mean: Decimal | None
    interval: tuple[Decimal, Decimal] | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the outcomes of some signals add up to.

    Attributes:
        signals: how many were followed.
        open: how many have not ended.
        closed: how many have.
        results: how many ended in each way.
        ambiguous: how many had both levels in one candle.
        hit_rate: share that reached the target, 0 to 1.
        wilson: 95 % Wilson interval of that share.
        break_even: the share at which the settings neither win nor lose, before costs.
        drawdown_r: largest fall of the sum of R from a peak, positive.
        losing_run: most losses in a row.
        median_candles: of the candles that they were open.
    """

    signals: int
    open: int
    closed: int
    results: dict[Result, int]
    ambiguous: int
    hit_rate: Decimal | None
    wilson: tuple[Decimal, Decimal] | None
    break_even: Decimal | None
    r: Sums
    net_r: Sums
    drawdown_r: Decimal
    losing_run: int
    median_candles: Decimal | None

    @property
    def verdict(self) -> str:
        """What may be said of it, in words."""
        if self.closed < TOO_FEW or self.wilson is None or self.break_even is None:
            return f"too few closed signals for a verdict ({self.closed}, {TOO_FEW} at least)"
        low, high = self.wilson
        if low <= self.break_even <= high:
            return "no proven edge: the interval holds the break-even rate"
        return "above break-even, before costs" if low > self.break_even else "below break-even"


def statistics_of(outcomes: Sequence[Outcome], still_open: int, ratios: Sequence[Decimal]) -> Statistics:
    """Add up outcomes.

    Args:
        outcomes: in the order of their exits.
        still_open: signals that are followed and have not ended.
        ratios: reward over risk in the settings of each of these signals.
    """
    closed = len(outcomes)
    results = {result: sum(one.result is result for one in outcomes) for result in Result}
    hits = results[Result.TARGET]
    drawdown, losing_run = _falls([one.r for one in outcomes])
    return Statistics(
        signals=closed + still_open,
        open=still_open,
        closed=closed,
        results=results,
        ambiguous=sum(one.ambiguous for one in outcomes),
        hit_rate=ratio_of(Fraction(hits, closed)) if closed else None,
        wilson=wilson(hits, closed) if closed else None,
        break_even=_break_even(ratios),
        r=_sums([one.r for one in outcomes]),
        net_r=_sums([one.net_r for one in outcomes]),
        drawdown_r=drawdown,
        losing_run=losing_run,
        median_candles=Decimal(str(median(one.candles for one in outcomes))) if closed else None,
    )


def wilson(hits: int, count: int) -> tuple[Decimal, Decimal]:
    """Return the 95 % Wilson interval of a share; E. B. Wilson, J. Am. Stat. Assoc. 22 (1927)."""
    share, square = hits / count, _Z * _Z
    middle = share + square / (2 * count)
    reach = _Z * sqrt(share * (1 - share) / count + square / (4 * count * count))
    whole = 1 + square / count
    ends = max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
    return ratio_of(Fraction(ends[0])), ratio_of(Fraction(ends[1]))


def _break_even(ratios: Sequence[Decimal]) -> Decimal | None:
    if not ratios:
        return None
    return ratio_of(sum((1 / (1 + Fraction(ratio)) for ratio in ratios), Fraction(0)) / len(ratios))


def _falls(values: Sequence[Decimal]) -> tuple[Decimal, int]:
    total = peak = deepest = Decimal(0)
    run = longest = 0
    for value in values:
        total += value
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
        run = run + 1 if value < 0 else 0
        longest = max(longest, run)
    return deepest, longest


def _sums(values: Sequence[Decimal]) -> Sums:
    total = sum(values, Decimal(0))
    if not values:
        return Sums(total, None, None)
    units = np.array([int(value.scaleb(R_DIGITS)) for value in values], dtype=np.int64)
    return Sums(total, ratio_of(Fraction(total) / len(values)), _bootstrap(units))


def _bootstrap(units: np.typing.NDArray[np.int64]) -> tuple[Decimal, Decimal]:
    """Return the middle 95 % of the means of as many values drawn with replacement; the same at each call."""
    count, chance = len(units), np.random.default_rng(_SEED)
    lot = max(1, min(DRAWS, _AT_ONCE // count))
    sums = np.concatenate(
        [
            units[chance.integers(0, count, (min(lot, DRAWS - start), count))].sum(axis=1)
            for start in range(0, DRAWS, lot)
        ]
    )
    sums.sort()
    ends = sums[DRAWS * 25 // 1000], sums[DRAWS * 975 // 1000 - 1]
    low, high = (ratio_of(Fraction(int(end), count * 10**R_DIGITS)) for end in ends)
    return low, high


def ratio_of(value: Fraction) -> Decimal:
    """Return a share or a mean with the digits that reports have."""
    return Decimal(round(value * 10**_DIGITS)).scaleb(-_DIGITS)
