"""Many candles as a few: what a picture of years needs of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant

MOST: Final = 4_096
"""Blocks at most; no picture is that many pixels wide."""


class CandleRun(NamedTuple):
    """Some candles in a row.

    Attributes:
        first: open of the first candle.
        last: open of the last one.
        low: lowest price.
        high: highest price.
    """

    first: Instant
    last: Instant
    low: int
    high: int


class Outline:
    """Takes candles in, part by part, and keeps at most ``MOST`` blocks of them."""

    def __init__(self) -> None:
        """Begin with no candle."""
        self._size = 1
        self._blocks: list[CandleRun] = []

    @property
    def blocks(self) -> Sequence[CandleRun]:
        """The blocks, oldest first."""
        return self._blocks

    def take(self, candles: CandleColumns) -> None:
        """Take in candles that follow those before."""
        start = 0
        while start < len(candles):
            part = candles.part(start, min(start + self._size, len(candles)))
            self._blocks.append(
                CandleRun(int(part.time[0]), int(part.time[-1]), int(part.low.min()), int(part.high.max()))
            )
            start += len(part)
            if len(self._blocks) == MOST:
                self._blocks = [_joined(*self._blocks[index : index + 2]) for index in range(0, MOST, 2)]
                self._size *= 2


def _joined(one: CandleRun, other: CandleRun) -> CandleRun:
    return CandleRun(one.first, other.last, min(one.low, other.low), max(one.high, other.high))
