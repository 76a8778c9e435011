"""What may be said of many tries over one history: their spread, their neighbours, and what luck alone shows.

Luck is the same signals at the same candles with every sign of R shuffled, costs left as they are. A signal that
several pairs found gets the same sign in all of them, so that pairs stay as alike as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Final

import numpy as np

from ninja_daemon.core.market.candle_columns import Integers
from ninja_daemon.core.outcomes.outcome import R_DIGITS
from ninja_daemon.core.sweeps.cell import Cell
from ninja_daemon.core.sweeps.crossing import Pair

SHUFFLES: Final = 1_000
SEED: Final = 8_020
_AT_ONCE: Final = 8_000_000
"""Signs that are drawn at once."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Sums of net R of all cells by rank; ranks between two cells take the lower one."""

    lowest: Decimal
    lower_quarter: Decimal
    middle: Decimal
    upper_quarter: Decimal
    highest: Decimal


@dataclass(frozen=True, slots=True)
class Luck:
    """The highest sum of net R among all cells when signs are shuffled.

    Attributes:
        shuffles: how often.
        middle: half of the shuffles show more.
        one_in_twenty: one shuffle of twenty shows more.
        share: of the shuffles that show at least what the highest cell has.
    """

    shuffles: int
    middle: Decimal
    one_in_twenty: Decimal
    share: Decimal


def spread_of(cells: Sequence[Cell]) -> Spread:
    """Rank cells, one at least."""
    sums = sorted(cell.net_r for cell in cells)
    last = len(sums) - 1
    return Spread(sums[0], sums[last // 4], sums[last // 2], sums[last * 3 // 4], sums[last])


def neighbours_of(cells: Sequence[Cell]) -> Mapping[Pair, Decimal]:
    """Return the median of the sums of net R of each cell and those beside it, in both periods by one step at most."""
    fasts, slows = (sorted({cell.pair[axis] for cell in cells}) for axis in (0, 1))
    sums = {(fasts.index(cell.pair[0]), slows.index(cell.pair[1])): cell.net_r for cell in cells}
    steps = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    return {
        (fasts[row], slows[column]): median(
            sums[near] for down, across in steps if (near := (row + down, column + across)) in sums
        )
        for row, column in sums
    }


def luck_of(cells: Sequence[Cell]) -> Luck:
    """Shuffle signs; the same at each call. One cell at least."""
    keys = np.unique(np.concatenate([cell.closed for cell in cells]))
    places = [np.searchsorted(keys, cell.closed) for cell in cells]
    chance, lot = np.random.default_rng(SEED), max(1, min(SHUFFLES, _AT_ONCE // max(1, len(keys))))
    highest = np.concatenate(
        [
            _highest(cells, places, chance.integers(0, 2, (len(keys), min(lot, SHUFFLES - start)), dtype=np.int8))
            for start in range(0, SHUFFLES, lot)
        ]
    )
    highest.sort()
    most = int(max(cell.net_r for cell in cells).scaleb(R_DIGITS))
    share = Decimal(int((highest >= most).sum())) / SHUFFLES
    return Luck(SHUFFLES, _decimal(highest[SHUFFLES // 2 - 1]), _decimal(highest[SHUFFLES * 95 // 100 - 1]), share)


def _highest(cells: Sequence[Cell], places: Sequence[Integers], signs: Integers) -> Integers:
    """Return the highest sum of all cells under each of some shuffles; a sign of 1 stands, one of 0 is turned."""
    most = np.full(signs.shape[1], np.iinfo(np.int64).min)
    for cell, mine in zip(cells, places, strict=True):
        r, net_r = cell.multiples
        # Sums of integers below 2**53 are exact in floats, whose products are many times as quick.
        standing = (r.astype(np.float64) @ signs[mine].astype(np.float64)).astype(np.int64)
        np.maximum(most, 2 * standing - r.sum() + (net_r - r).sum(), out=most)
    return most


def _decimal(units: int) -> Decimal:
    return Decimal(int(units)).scaleb(-R_DIGITS)
