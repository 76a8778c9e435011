"""Where two simple averages turn, by running sums of closes: block by block, so that all of it stays in the cache.

All are integers, in 32 bits where they fit: sums may wrap on the way, because a difference is right modulo the size of
the word when it fits itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.market.candle_columns import Booleans, Integers
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.state import StrategyState

ROOM: Final = 2**62
"""Integers below it can be added and compared in 64 bits."""
_SMALL: Final = 2**30
_FEW_TIES: Final = 500
"""Up to this many ties are settled one by one; more of them, as in a market that stands still, all at once."""
_BLOCK: Final = 131_072
"""Candles of a block: fewer cost more in calls than they save in the cache."""


class Periods(NamedTuple):
    """Those of the two averages, and what brings their sums over the least common multiple of both."""

    fast: int
    slow: int
    by_fast: int
    by_slow: int

    @classmethod
    def of(cls, fast: int, slow: int) -> Periods:
        """Work out the factors."""
        shared = gcd(fast, slow)
        return cls(fast, slow, slow // shared, fast // shared)


@dataclass(frozen=True, slots=True)
class SideTurns:
    """Turns of the side among new candles, one entry each, oldest first.

    Attributes:
        rows: which of the new candles.
        is_buy: whether the fast average rose above the slow one.
        fast: sums of the closes under the fast average.
        slow: sums under the slow average.
        gap_before: difference of the averages after the candle before, over the least common multiple of the periods.
        side: the side after the last candle.
    """

    rows: Integers
    is_buy: Booleans
    fast: Integers
    slow: Integers
    gap_before: Integers
    side: Side | None


def side_turns(state: StrategyState, new: Integers, fast: int, slow: int) -> SideTurns | None:
    """Go over the closes that the state holds and the new ones; None when what comes out may not fit."""
    sums = _Sums(Periods.of(fast, slow), np.array(list(state.closes)[-max(fast, slow) :], dtype=np.int64))
    side, gap = state.side, _gap_of(state)
    found = []
    for start, block in _blocks(new):
        if not sums.take(block):
            return None
        left, right = sums.left, sums.right
        places, is_buy, side = turned(left, right, side)
        gaps = left[places - 1].astype(np.int64) - right[places - 1]
        if len(places) and not places[0]:
            gaps[0] = gap
        rows = places + (start + len(block) - len(left))
        found.append((rows, is_buy, sums.at(places, fast), sums.at(places, slow), gaps))
        gap = int(left[-1]) - int(right[-1]) if len(left) else gap
    rows, is_buy, of_fast, of_slow, gaps = (np.concatenate(column) for column in zip(*found, strict=True))
    return SideTurns(rows, is_buy, of_fast, of_slow, gaps, side)


def _blocks(new: Integers) -> Iterator[tuple[int, Integers]]:
    return ((start, new[start : start + _BLOCK]) for start in range(0, len(new), _BLOCK))


def _gap_of(state: StrategyState) -> int:
    """Return the difference of the state's averages; any number while one of them is not full, as there is no side."""
    (fast, fast_whole), (slow, slow_whole) = state.fast.ratio or (0, 1), state.slow.ratio or (0, 1)
    shared = gcd(fast_whole, slow_whole)
    return fast * (slow_whole // shared) - slow * (fast_whole // shared)


class _Sums:
    """Running sums over one block of closes and as many before it as the slower average needs.

    Attributes:
        left: the fast average over the least common multiple of both periods, after each candle of the block for which
            both are full; valid until the next block.
        right: the same of the slow average.
    """

    def __init__(self, periods: Periods, held: Integers) -> None:
        self._periods, self._tail = periods, held
        self._most = max(periods.fast, periods.slow)
        self._largest = int(held.view(np.uint64).max()) if len(held) else 0
        self._first = 0
        self._rooms: dict[Any, list[Integers]] = {}
        self.left: Integers = held[:0]
        self.right: Integers = held[:0]

    def take(self, block: Integers) -> bool:
        """Take in the next closes; False when what comes out may not fit."""
        periods, before = self._periods, self._largest
        self._largest = int(block.view(np.uint64).max())  # one look where two would be: a negative one is too large
        bound = max(before, self._largest) * periods.fast * periods.by_fast  # which is that of the slow one as well
        if bound >= ROOM:
            return False
        self._add_up(block, np.int32 if bound < _SMALL else np.int64)
        start = max(len(self._tail), self._most - 1) + 1
        end, room = len(self._running), self._room
        self._first = min(start, end)
        self.left, self.right = room[2][: end - self._first], room[0][: end - self._first]
        for period, by, out in zip(periods[:2], periods[2:], (self.left, self.right), strict=True):
            np.subtract(self._running[self._first :], self._running[self._first - period : end - period], out=out)
            if by != 1:
                np.multiply(out, by, out=out)
        self._tail = (block if len(block) >= self._most else np.concatenate((self._tail, block)))[-self._most :]
        return True

    def _add_up(self, block: Integers, word: Any) -> None:  # noqa: ANN401 - a type of numpy's
        """Make the running sums, in room that all blocks share: new room would have to be fetched from the system."""
        if word not in self._rooms:
            self._rooms[word] = [np.zeros(self._most + _BLOCK + 1, dtype=word) for _ in range(3)]
        self._room = self._rooms[word]
        count = len(self._tail) + len(block)
        values, self._running = self._room[0][:count], self._room[1][: count + 1]
        values[: len(self._tail)], values[len(self._tail) :] = self._tail, block
        np.cumsum(values, out=self._running[1:])

    def at(self, places: npt.NDArray[np.intp], period: int) -> Integers:
        """Return the sums of the closes under an average after some of the candles of ``left``."""
        ends = places + self._first
        sums: Integers = self._running[ends] - self._running[ends - period]
        return sums.astype(np.int64)


def turned(left: Integers, right: Integers, before: Side | None) -> tuple[npt.NDArray[np.intp], Booleans, Side | None]:
    """Return where the sign of left − right turned, to which side each time, and the side at the end."""
    is_buy = left > right
    decided = None
    # Contract 4.3: a tie changes nothing.
    ties = np.flatnonzero(left == right)
    if len(ties) > _FEW_TIES or (len(ties) and ties[0] == 0 and before is None):
        decided = np.flatnonzero(left != right)
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
