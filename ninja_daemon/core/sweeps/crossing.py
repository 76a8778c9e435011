"""The turns of the side of many pairs of simple averages over one history, with sums that the pairs share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd, lcm
from typing import Final, Protocol, TypeVar

import numpy as np

from ninja_daemon.core.market.candle_columns import Integers
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.running_sums import ROOM, turned

Pair = tuple[int, int]
"""Period of the fast average, and of the slow one."""
_BLOCK: Final = 65_536
"""Candles that all pairs go over together: their sums fit into the processor's cache."""
_Part = TypeVar("_Part")
_Made = TypeVar("_Made")


class Mapped(Protocol):
    """Calls a function for each part, as ``map`` does, in the same order; parts may be worked on side by side."""

    def __call__(self, function: Callable[[_Part], _Made], parts: Iterable[_Part], /) -> Iterable[_Made]:
        """Return what the function makes of each part."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What one block of candles shows of one pair.

    Attributes:
        first: candle of the first difference that is not a tie; -1 when there is none.
        began: the side that it shows.
        turns: candles that turned the side, times two, plus one where it turned to BUY.
        side: the side at the end.
    """

    first: int
    began: Side | None
    turns: Integers
    side: Side | None


def fits(closes: Integers, pairs: Sequence[Pair]) -> bool:
    """Tell whether no difference of a pair's averages over their least common multiple needs more than 64 bits."""
    largest = max(int(closes.max()), -int(closes.min()))
    return max(largest * lcm(*pair) for pair in pairs) < ROOM


def turns_of(closes: Integers, pairs: Sequence[Pair], mapped: Mapped) -> list[Integers]:
    """Return the turns of each pair's side from the first candle of all on.

    Args:
        closes: int64, for which ``fits`` holds; one at least.
        pairs: the periods.
        mapped: goes over the blocks of candles.

    Returns:
        One array a pair: the candle that turned the side times two, plus one where it turned to BUY; oldest first.
    """
    running = np.zeros(len(closes) + 1, dtype=np.int64)
    np.cumsum(closes, out=running[1:])
    blocks = mapped(lambda start: _block(running, pairs, start), range(0, len(closes), _BLOCK))
    return [_stitched(runs) for runs in zip(*blocks, strict=True)]


def _block(running: Integers, pairs: Sequence[Pair], start: int) -> list[_Run]:
    """Go over one block of candles with every pair; each period's sums are made once."""
    stop = min(start + _BLOCK, len(running) - 1)
    sums: dict[int, Integers] = {}
    for period in {period for pair in pairs for period in pair}:
        begin = min(max(start, period - 1), stop)
        sums[period] = running[begin + 1 : stop + 1] - running[begin + 1 - period : stop + 1 - period]
    return [_run(sums, pair, stop) for pair in pairs]


def _run(sums: dict[int, Integers], pair: Pair, stop: int) -> _Run:
    fast, slow = pair
    shared = gcd(fast, slow)
    count = min(len(sums[fast]), len(sums[slow]))
    if not count:
        return _Run(-1, None, np.zeros(0, dtype=np.int64), None)
    left, right = (sums[period][len(sums[period]) - count :] for period in pair)
    left, right = left * (slow // shared), right * (fast // shared)
    places, is_buy, side = turned(left, right, None)
    if side is None:
        return _Run(-1, None, np.zeros(0, dtype=np.int64), None)
    offset = stop - count
    first = int((left != right).argmax())
    began = Side.BUY if left[first] > right[first] else Side.SELL
    return _Run(offset + first, began, 2 * (places + offset) + is_buy, side)


def _stitched(runs: Sequence[_Run]) -> Integers:
    """Put the turns of one pair's blocks behind each other; the side may turn from one block to the next."""
    found: list[Integers] = []
    before: Side | None = None
    for run in runs:
        if before is not None and run.began not in {None, before}:
            found.append(np.array([2 * run.first + (run.began is Side.BUY)], dtype=np.int64))
        found.append(run.turns)
        before = run.side or before
    return np.concatenate(found)
