"""The rows of a file: line number, time, prices and volume, as integers, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.layout import Layout
from ninja_daemon.adapters.candle_files.text.elements import element_blocks
from ninja_daemon.adapters.candle_files.text.price_shapes import LARGEST, PriceColumn
from ninja_daemon.adapters.candle_files.text.prices import read_prices, read_volumes
from ninja_daemon.adapters.candle_files.text.source import FileSource
from ninja_daemon.adapters.candle_files.text.times import read_times
from ninja_daemon.adapters.candle_files.text.tokens import Integers, Tokens, tokens_of
from ninja_daemon.core.rounding import MOST_DIGITS


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows, in the order of the file.

    Attributes:
        number: line number of each.
        time: see ``text.times``.
        prices: one row a price column, in units of ``10**-decimals``.
        decimals: digits after the point.
        written: the same with the zeros at the end, as far as columns are plain.
        volume: a whole number, -1 where there is none.
        is_utc: the texts say their offset.
        is_undecided: day and month are in an unknown order.
        has_clock: a time of day is written.
    """

    number: Integers
    time: Integers
    prices: Integers
    decimals: int
    volume: Integers
    is_utc: bool
    is_undecided: bool
    has_clock: bool
    written: int = 0

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.time)

    def since(self, start: int) -> Rows:
        """Return the rows from one on."""
        if not start:
            return self
        columns = (self.number[start:], self.time[start:], self.prices[:, start:])
        return replace(
            self, number=columns[0], time=columns[1], prices=columns[2], volume=self.volume[start:]
        )  # fmt: skip


def read_rows(
    source: FileSource,
    layout: Layout,
    decimals: int | None,
    faults: Faults,
    counts: dict[str, int],
    progress: Callable[[int], None],
) -> Iterator[Rows]:
    """Go through the rows of a file.

    Args:
        source: the file.
        layout: how it is written.
        decimals: digits after the point that are wanted; None for as many as there are.
        faults: takes what cannot be read.
        counts: takes what was mended.
        progress: told how many bytes have been read.
    """
    if layout.elements is None:
        blocks = source.blocks(progress)
    else:
        blocks = element_blocks(source, layout.elements, faults, counts)
    for block in blocks:
        tokens = tokens_of(block, layout, source.name, faults, counts)
        if tokens is not None:
            rows = _rows(tokens, layout, decimals, source.name, faults, counts)
            if len(rows):
                yield rows


def _rows(
    tokens: Tokens, layout: Layout, decimals: int | None, where: str, faults: Faults, counts: dict[str, int]
) -> Rows:
    times = read_times(tokens, layout.forms, is_ticks=layout.is_ticks)
    columns = [read_prices(tokens, role, layout, decimals) for role in layout.prices]
    bad: set[int] = set(times.bad)
    _tell(times.bad, "time", where, tokens, faults)
    for role, column in zip(layout.prices, columns, strict=True):
        bad |= set(column.bad)
        _tell(column.bad, f"price of {role}", where, tokens, faults)
        _count(counts, "prices with the noise of a binary float, rounded back", column.mended)
        _count(counts, f"prices rounded to {decimals} digits", column.rounded)
    volume = read_volumes(tokens) if "volume" in tokens.places else np.full(len(tokens), -1, dtype=np.int64)
    prices, places = _of_one_unit(columns, where, tokens, faults, bad)
    is_utc = np.zeros_like(times.is_utc) if layout.epoch_is_wall else times.is_utc
    kept: Integers | slice = np.array(sorted(set(range(len(tokens))) - bad), dtype=np.int64) if bad else slice(None)
    offsets = is_utc[kept]
    if len(offsets) and offsets.any() != offsets.all():
        row = int(np.flatnonzero(is_utc != is_utc[0])[0])
        message = "every time must have its offset from UTC, or none, were mixed"
        faults.add("mixed", where, int(tokens.numbers[row]), message)
    return Rows(
        tokens.numbers[kept], times.values[kept], prices[:, kept], places, volume[kept],
        is_utc=bool(offsets.any()), is_undecided=times.is_undecided, has_clock=times.has_clock,
        written=max(column.written for column in columns),
    )  # fmt: skip


def _tell(bad: dict[int, str], kind: str, where: str, tokens: Tokens, faults: Faults) -> None:
    for row, message in sorted(bad.items()):
        faults.add("digits" if "digits" in message else kind, where, int(tokens.numbers[row]), message)


def _count(counts: dict[str, int], what: str, amount: int) -> None:
    if amount:
        counts[what] = counts.get(what, 0) + amount


def _of_one_unit(
    columns: list[PriceColumn], where: str, tokens: Tokens, faults: Faults, bad: set[int]
) -> tuple[Integers, int]:
    places = max(column.decimals for column in columns)
    table = np.empty((len(columns), len(tokens)), dtype=np.int64)
    for line, column in zip(table, columns, strict=True):
        factor = 10 ** (places - column.decimals)
        if factor > 1:
            for row in np.flatnonzero(np.abs(column.values) >= LARGEST // factor).tolist():
                bad.add(row)
                message = f"a price must have at most {MOST_DIGITS} digits with {places} of them after the point"
                faults.add("digits", where, int(tokens.numbers[row]), message)
                column.values[row] = 0
        np.multiply(column.values, factor, out=line)
    return table, places
