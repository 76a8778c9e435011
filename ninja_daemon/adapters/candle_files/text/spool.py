"""Rows kept in a temporary file between two passes over them, so that memory does not grow with the history."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final, NamedTuple

import numpy as np

from ninja_daemon.adapters.candle_files.text.rows import Rows
from ninja_daemon.adapters.candle_files.text.tokens import Integers

_WORD: Final = 8


class _Part(NamedTuple):
    offset: int
    rows: int
    first: int
    is_counted: bool
    prices: int
    decimals: int
    is_utc: bool


@dataclass(slots=True)
class Spool:
    """The rows of one file.

    Attributes:
        name: of the file that they come from.
        decimals: the most digits after the point.
        count: how many rows.
        is_undecided: day and month are in an unknown order.
        has_clock: a time of day is written.
        written: the most digits with the zeros at the end.
        has_volume: every row has one, and all are whole numbers.
    """

    name: str
    decimals: int = 0
    count: int = 0
    is_undecided: bool = False
    has_clock: bool = False
    has_volume: bool = True
    written: int = 0
    _file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    _parts: list[_Part] = field(default_factory=list)
    _end: int = 0

    def append(self, rows: Rows) -> None:
        """Keep some rows."""
        count = len(rows)
        first = int(rows.number[0])
        is_counted = int(rows.number[-1]) - first == count - 1
        self._parts.append(_Part(self._end, count, first, is_counted, len(rows.prices), rows.decimals, rows.is_utc))
        columns = [rows.time, rows.volume, *rows.prices] if is_counted else [
            rows.time, rows.volume, *rows.prices, rows.number
        ]  # fmt: skip
        for column in columns:
            self._file.write(np.ascontiguousarray(column, dtype=np.int64).data)
        self._end += _WORD * count * len(columns)
        self.count += count
        self.decimals = max(self.decimals, rows.decimals)
        self.written = max(self.written, rows.written)
        self.is_undecided |= rows.is_undecided
        self.has_clock |= rows.has_clock
        self.has_volume &= bool((rows.volume >= 0).all())

    @property
    def is_utc(self) -> bool:
        """Tell whether the file's times say their offset from UTC."""
        return bool(self._parts) and all(part.is_utc for part in self._parts)

    def times(self, *, turned: bool = False) -> Iterator[Integers]:
        """Go through the times alone; ``turned``: from the end of the file to its beginning."""
        for part in reversed(self._parts) if turned else self._parts:
            times = self._read(part.offset, part.rows)
            yield times[::-1] if turned else times

    def rows(self, *, turned: bool = False) -> Iterator[Rows]:
        """Go through the rows; ``turned``: from the end of the file to its beginning."""
        for part in reversed(self._parts) if turned else self._parts:
            yield self._rows(part, turned=turned)

    def _rows(self, part: _Part, *, turned: bool) -> Rows:
        columns = part.prices + 2 + (not part.is_counted)
        table = self._read(part.offset, part.rows * columns).reshape(columns, part.rows)
        number = table[-1]
        if part.is_counted:
            number = np.arange(part.first, part.first + part.rows, dtype=np.int64)
        if turned:
            table, number = table[:, ::-1], number[::-1]
        prices = table[2 : 2 + part.prices]
        return Rows(
            number, table[0], prices, part.decimals, table[1],
            is_utc=part.is_utc, is_undecided=self.is_undecided, has_clock=self.has_clock,
        )  # fmt: skip

    def _read(self, offset: int, words: int) -> Integers:
        self._file.seek(offset)
        return np.frombuffer(self._file.read(words * _WORD), dtype=np.int64)

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()
