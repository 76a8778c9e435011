"""Candles as columns of integers: what histories are computed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant

Integers: TypeAlias = npt.NDArray[Any]
"""An array of int64, or of Python integers where int64 would not hold the results."""
Booleans: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CandleColumns:
    """Candles as one int64 array a field, oldest first; the fields are those of ``Candle``."""

    time: Integers
    open: Integers
    high: Integers
    low: Integers
    close: Integers

    @classmethod
    def of(cls, candles: Iterable[Candle]) -> CandleColumns:
        """Turn candles into columns."""
        table = np.array(list(candles), dtype=np.int64).reshape(-1, 5)
        return cls(*(np.ascontiguousarray(column) for column in table.T))

    @classmethod
    def joined(cls, parts: Sequence[CandleColumns]) -> CandleColumns:
        """Put runs of candles, one at least, behind each other."""
        names = ("time", "open", "high", "low", "close")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def times(self, factor: int) -> CandleColumns:
        """Return the candles with every price multiplied by ``factor``: more decimals, the same prices."""
        prices = (self.open * factor, self.high * factor, self.low * factor, self.close * factor)
        return CandleColumns(self.time, *prices)

    def __len__(self) -> int:
        """Return how many candles there are."""
        return len(self.time)

    def __iter__(self) -> Iterator[Candle]:
        """Go through the candles, oldest first."""
        columns = (column.tolist() for column in (self.time, self.open, self.high, self.low, self.close))
        return (Candle(*fields) for fields in zip(*columns, strict=True))

    def candle(self, index: int) -> Candle:
        """Return one candle."""
        return Candle(
            int(self.time[index]),
            int(self.open[index]),
            int(self.high[index]),
            int(self.low[index]),
            int(self.close[index]),
        )

    def number_until(self, time: Instant) -> int:
        """Return how many candles opened at an instant or before it."""
        return int(self.time.searchsorted(time, side="right"))

    def part(self, start: int, stop: int) -> CandleColumns:
        """Return the candles from ``start`` up to, not including, ``stop``; the arrays are shared."""
        cut = slice(start, stop)
        return CandleColumns(self.time[cut], self.open[cut], self.high[cut], self.low[cut], self.close[cut])

    def overlaid(self, others: CandleColumns) -> tuple[CandleColumns, list[Candle]]:
        """Put other candles in the place of those that opened when they did, or between them.

        Returns:
            The candles, and those of the others that are not among ours just so.
        """
        if not len(others):
            return self, []
        places = np.minimum(self.time.searchsorted(others.time), len(self) - 1)
        is_there = self.time[places] == others.time
        is_other, columns = ~is_there, []
        for name in Candle._fields:
            column, own = getattr(self, name).copy(), getattr(others, name)
            is_other |= column[places] != own
            column[places[is_there]] = own[is_there]
            columns.append(np.insert(column, self.time.searchsorted(others.time[~is_there]), own[~is_there]))
        return CandleColumns(*columns), [others.candle(int(place)) for place in np.flatnonzero(is_other)]

    def without(self, time: Instant) -> CandleColumns:
        """Leave the candle out that opened then."""
        is_kept = self.time != time
        return CandleColumns(*(getattr(self, name)[is_kept] for name in Candle._fields))

    def numbers_in(self, others: CandleColumns) -> Integers:
        """Return for each candle how many up to it opened when one of the others did."""
        return np.cumsum(np.isin(self.time, others.time))
