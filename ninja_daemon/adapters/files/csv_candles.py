"""Candles from CSV files, for replay: ``time,open,high,low,close,volume``, or the same without ``volume``.

A header is required; ``time`` is the candle's open in UTC, prices are plain decimals. Every line must be a candle of
the grid, later than the one before it; a bad one is an error that names file, line and what is allowed. Prices become
integers digit by digit, never through a binary float.

Files may be larger than memory. A block of lines is first tried all at once in numpy, which accepts only what is
plainly good; a block with anything else in it is read again line by line, which accepts more ways to write an instant
and knows what to say about the rest. Both give the same candles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.errors import CandleRejected
from ninja_daemon.core.market.candle import Candle, checked_candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.market.instrument import is_instrument_name

HEADERS: Final = ("time,open,high,low,close,volume", "time,open,high,low,close")
MOST_DECIMALS: Final = 12
_MOST_DIGITS: Final = 15
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200
_BLOCK: Final = 1 << 21
_LONGEST_LINE: Final = 1 << 12
_FILE_NAME: Final = re.compile(r"(?P<instrument>[A-Z0-9]+_[A-Z0-9]+)_(?P<granularity>[SMHDW]\d*)\.csv", re.ASCII)
_PRICE: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,15}))?", re.ASCII)
_VOLUME: Final = re.compile(r"\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_PRICE_NAMES: Final = ("open", "high", "low", "close")

_ZERO, _NINE, _DOT, _COMMA, _NEWLINE = b"09.,\n"
_INSTANT_FORM: Final = b"0000-00-00T00:00:00Z"
_MARKS: Final = [index for index, byte in enumerate(_INSTANT_FORM) if byte != _ZERO]
_DIGITS: Final = [index for index, byte in enumerate(_INSTANT_FORM) if byte == _ZERO]

_Bytes: TypeAlias = npt.NDArray[np.uint8]
_Integers: TypeAlias = npt.NDArray[Any]


def named_series(path: Path) -> tuple[str, Granularity] | None:
    """Return instrument and granularity that a file's name gives, as ``EUR_USD_H4.csv`` does; None for other names."""
    match = _FILE_NAME.fullmatch(path.name)
    if match is None or not is_instrument_name(match["instrument"]):
        return None
    granularity = Granularity.__members__.get(match["granularity"])
    return None if granularity is None else (match["instrument"], granularity)


class MoreDecimals(CandleRejected):
    """A file's later prices are written with more digits than its first ones; it is to be read again with these."""


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A CSV file of candles of one series.

    Attributes:
        path: shown in errors as it was given.
        granularity: its grid.
        progress: told after each block how many bytes of the file have been read since the last call.
    """

    path: Path
    granularity: Granularity
    progress: Callable[[int], None] = lambda _: None

    def decimals(self) -> int:
        """Return the most digits after the point that a price of the file is written with.

        Raises:
            CandleRejected: the file cannot be read, has no header or no candle.
        """
        return max(self._decimals_of_blocks())

    def likely_decimals(self) -> int:
        """Return the same as far as the first lines tell, at once.

        Raises:
            CandleRejected: as above.
        """
        return next(self._decimals_of_blocks())

    def _decimals_of_blocks(self) -> Iterator[int]:
        is_empty = True
        for block in self._blocks():
            yield _block_decimals(block)
            is_empty = False
        if is_empty:
            message = f"{self.path} must hold at least one candle below its header, was empty"
            raise CandleRejected(message)

    def candles(self, decimals: int, *, likely: bool = False) -> Iterator[CandleColumns]:
        """Go through the candles, oldest first, many at a time.

        Args:
            decimals: prices become integers in units of ``10**-decimals``.
            likely: they are what the first lines tell, and a price written with more shall end the reading.

        Raises:
            MoreDecimals: such a price was met.
            CandleRejected: the file cannot be read, or a line is not the next candle of the series.
        """
        last: Instant | None = None
        for block in self._blocks():
            fields = _split(block.content, block.fields)
            columns = None if fields is None else fields.candles(decimals, self.granularity, last)
            # What was read all at once has no more of them.
            if columns is None and likely and _block_decimals(block) > decimals:
                message = f"the prices of {self.path} must have at most {decimals} digits after the point, had more"
                raise MoreDecimals(message)
            if columns is None:
                columns = CandleColumns.of(self._line_by_line(block, decimals, last))
            last = int(columns.time[-1])
            yield columns

    def _blocks(self) -> Iterator[_Block]:
        """Cut the file into runs of whole lines."""
        try:
            yield from self._read()
        except OSError as error:
            message = f"{self.path} must be a file that can be read, was not: {error.strerror or error}"
            raise CandleRejected(message) from error

    def _read(self) -> Iterator[_Block]:
        with self.path.open("rb") as file:
            header = file.readline(_LONGEST_LINE)
            self.progress(len(header))
            fields = self._fields(header)
            number, rest = 2, b""
            while True:
                read = file.read(_BLOCK)
                content = rest + read
                end = content.rfind(b"\n") + 1 if read else len(content)
                if len(content) - end > _LONGEST_LINE:
                    line = number + content.count(b"\n")
                    message = f"{self.path}, line {line}: a line must be at most {_LONGEST_LINE} bytes long, was longer"
                    raise CandleRejected(message)
                whole, rest = content[:end], content[end:]
                if b"\r" in whole:
                    whole = whole.replace(b"\r\n", b"\n")
                if whole:
                    yield _Block(number, fields, whole if whole.endswith(b"\n") else whole + b"\n")
                    number += whole.count(b"\n")
                self.progress(len(read))
                if not read:
                    return

    def _fields(self, header: bytes) -> int:
        text = header.removeprefix(b"\xef\xbb\xbf").strip().decode("ascii", "backslashreplace")
        if text not in HEADERS:
            message = (
                f"{self.path}, line 1: the header must be {HEADERS[0]} (volume may be left out), was {text[:80]!r}"
            )
            raise CandleRejected(message)
        return text.count(",") + 1

    def _line_by_line(self, block: _Block, decimals: int, last: Instant | None) -> Iterator[Candle]:
        for number, line in enumerate(block.lines(), start=block.number):
            try:
                candle = self._candle(line, block.fields, decimals)
                if last is not None and candle.time <= last:
                    message = f"time must be later than that of the candle before, {format_instant(last)}, was "
                    raise CandleRejected(message + format_instant(candle.time))  # noqa: TRY301 - numbered below
            except (ValueError, OverflowError, CandleRejected) as error:
                message = f"{self.path}, line {number}: {error}"
                raise CandleRejected(message) from error
            last = candle.time
            yield candle

    def _candle(self, line: bytes, expected: int, decimals: int) -> Candle:
        fields = line.decode("ascii", "backslashreplace").split(",")
        if len(fields) != expected:
            message = f"a line must have {expected} fields, {HEADERS[6 - expected]}, had {len(fields)}"
            raise ValueError(message)
        time = parse_instant(fields[0])
        pairs = zip(_PRICE_NAMES, fields[1:5], strict=True)
        open_, high, low, close = (_price(name, text, decimals) for name, text in pairs)
        if expected > len(_PRICE_NAMES) + 1 and _VOLUME.fullmatch(fields[5]) is None:
            message = f"volume must be a number that is not negative, was {fields[5][:40]!r}"
            raise ValueError(message)
        return checked_candle(self.granularity, time, open_, high, low, close)


class _Block(NamedTuple):
    """Whole lines, each with its line feed.

    Attributes:
        number: line number of the first.
        fields: how many a line must have.
        content: the lines.
    """

    number: int
    fields: int
    content: bytes

    def lines(self) -> list[bytes]:
        """Return the lines without their line feeds."""
        return self.content.split(b"\n")[:-1]


# --- line by line ----------------------------------------------------------------------------------------------------


def _price(name: str, text: str, decimals: int) -> int:
    match = _PRICE.fullmatch(text)
    if match is None:
        message = f"{name} must be a plain decimal number like 1.09259, was {text[:40]!r}"
        raise ValueError(message)
    whole, fraction = match[1], match[2] or ""
    if fraction[decimals:].strip("0"):
        message = f"{name} must have at most {decimals} digits after the point, was {text}"
        raise ValueError(message)
    digits = whole.lstrip("0") + fraction[:decimals].ljust(decimals, "0")
    if len(digits) > _MOST_DIGITS:
        message = f"{name} must have at most {_MOST_DIGITS} digits with {decimals} of them after the point, was {text}"
        raise ValueError(message)
    return int(digits or "0")


def _block_decimals(block: _Block) -> int:
    fields = _split(block.content, block.fields)
    return min(MOST_DECIMALS, _line_decimals(block) if fields is None else fields.decimals())


def _line_decimals(block: _Block) -> int:
    """Return the most decimals of the prices that are prices; what is not is reported when it is read."""
    texts = (text for line in block.lines() for text in line.decode("ascii", "replace").split(",")[1:5])
    return max((len(match[2] or "") for match in map(_PRICE.fullmatch, texts) if match), default=0)


# --- all at once -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fields:
    """Where the fields of a block lie.

    Attributes:
        content: the block's bytes, and enough behind them that a field may be read with too great a width.
        starts: first byte of each field, one row a line.
        widths: how many bytes each has.
    """

    content: _Bytes
    starts: _Integers
    widths: _Integers

    def decimals(self) -> int:
        """Return the most digits after the point of a price."""
        most = 0
        for column in range(1, 5):
            widths = self.widths[:, column]
            points = self._points(self._bytes(column), widths)
            most = max(most, int((widths - points - 1).max()))
        return most

    def candles(self, decimals: int, granularity: Granularity, last: Instant | None) -> CandleColumns | None:
        """Return the candles when every line is plainly good, else None."""
        alike = self._alike()
        time = self._times(self._bytes(0) if alike is None else alike[: len(_INSTANT_FORM)])
        if time is None or not _is_ascending(time, last) or not _is_on_grid(time, granularity):
            return None
        prices = []
        for column in range(1, 5):
            price = self._prices(column, decimals, alike)
            if price is None:
                return None
            prices.append(price)
        open_, high, low, close = prices
        inside = (low > 0) & (low <= open_) & (open_ <= high) & (low <= close) & (close <= high)
        if not inside.all() or (self.starts.shape[1] > 5 and not self._is_plain_number(5)):  # noqa: PLR2004 - volume
            return None
        return CandleColumns(time, open_, high, low, close)

    def _bytes(self, column: int) -> _Bytes:
        """Return a field of every line, one row for each of its bytes; what follows a field is garbage."""
        return self._rows(column, max(1, int(self.widths[:, column].max())))

    def _rows(self, column: int, length: int) -> _Bytes:
        # One row a byte and not one a line: everything below goes along the rows, and memory is read as it lies.
        texts = np.lib.stride_tricks.sliding_window_view(self.content, length)[self.starts[:, column]]
        return np.ascontiguousarray(texts.T)

    def _alike(self) -> _Bytes | None:
        """Return the lines up to the close at once, when each is cut like the first; None when they differ."""
        widths = self.widths[:, :5]
        return None if (widths != widths[0]).any() else self._rows(0, int(widths[0].sum()) + 4)

    @staticmethod
    def _points(texts: _Bytes, widths: _Integers) -> _Integers:
        """Return how many bytes come before the decimal point, or before the end where there is none."""
        is_point = texts == _DOT
        first = is_point.argmax(axis=0)
        return np.where(is_point.any(axis=0) & (first < widths), first, widths)

    def _times(self, texts: _Bytes) -> _Integers | None:
        if (self.widths[:, 0] != len(_INSTANT_FORM)).any():
            return None
        if any((texts[mark] != _INSTANT_FORM[mark]).any() for mark in _MARKS):
            return None
        digits = texts[_DIGITS] - np.uint8(_ZERO)
        if digits.max() > 9:  # noqa: PLR2004 - the largest digit
            return None
        days = _days(_number(digits[:8]))
        hour, minute, second = (_number(digits[start : start + 2]) for start in (8, 10, 12))
        if days is None or hour.max() > 23 or minute.max() > 59 or second.max() > 59:  # noqa: PLR2004
            return None
        time: _Integers = days * 86_400 + (hour * 3_600 + minute * 60 + second)
        return time

    def _prices(self, column: int, decimals: int, alike: _Bytes | None) -> _Integers | None:
        widths = self.widths[:, column]
        if widths.min() < 1 or widths.max() > _MOST_DIGITS + 1:
            return None
        if alike is not None:
            start, width = int(self.starts[0, column] - self.starts[0, 0]), int(widths[0])
            texts = alike[start : start + width]
            point = texts[:, 0].tobytes().find(b".")
            if 0 < point < width - 1 and (texts[point] == _DOT).all():
                fits = width - point - 1 <= decimals and point + decimals <= _MOST_DIGITS
                return _shaped(texts, width, point, decimals) if fits else None
        return self._prices_of_any_shape(self._bytes(column), widths, decimals)

    def _prices_of_any_shape(self, texts: _Bytes, widths: _Integers, decimals: int) -> _Integers | None:
        points = self._points(texts, widths)
        fractions = np.maximum(0, widths - points - 1)
        if (points < 1).any() or (points == widths - 1).any() or fractions.max() > decimals:
            return None
        if (points + decimals).max() > _MOST_DIGITS:
            return None
        # Prices of one width with the point in one place are read together; most files have few such shapes.
        shapes = widths * 32 + points
        prices = np.empty(len(widths), dtype=np.int64)
        for shape in np.unique(shapes).tolist():
            chosen = np.flatnonzero(shapes == shape)
            some = _shaped(texts[:, chosen], shape // 32, shape % 32, decimals)
            if some is None:
                return None
            prices[chosen] = some
        return prices

    def _is_plain_number(self, column: int) -> bool:
        widths = self.widths[:, column]
        if widths.min() < 1 or widths.max() > 18:  # noqa: PLR2004 - as _VOLUME
            return False
        texts = self._bytes(column)
        behind = np.arange(len(texts))[:, np.newaxis] >= widths
        return bool(((texts - np.uint8(_ZERO) <= _NINE - _ZERO) | behind).all())


def _split(content: bytes, fields: int) -> _Fields | None:
    """Find the fields of a block; None when a line has too many or too few."""
    raw = np.frombuffer(content, dtype=np.uint8)
    # Whatever is not above the comma parts fields or has no place in a number; which of them it is, is looked at below.
    separators = np.flatnonzero(raw <= _COMMA)
    if len(separators) % fields:
        return None
    ends = separators.reshape(-1, fields)
    found = raw[ends]
    if (found[:, :-1] != _COMMA).any() or (found[:, -1] != _NEWLINE).any():
        return None
    starts = np.empty_like(ends)
    starts[:, 1:] = ends[:, :-1] + 1
    starts[0, 0] = 0
    starts[1:, 0] = ends[:-1, -1] + 1
    widths = ends - starts
    if widths.max() > 32:  # noqa: PLR2004 - half of the padding
        return None
    return _Fields(np.frombuffer(content + bytes(64), dtype=np.uint8), starts, widths)


def _shaped(texts: _Bytes, width: int, point: int, decimals: int) -> _Integers | None:
    """Read numbers of ``width`` bytes whose point, if any, is byte number ``point``."""
    digits = texts[[row for row in range(width) if row != point]] - np.uint8(_ZERO)
    if digits.max() > 9:  # noqa: PLR2004 - the largest digit
        return None
    numbers: _Integers = _number(digits) * np.int64(10 ** (decimals - max(0, width - point - 1)))
    return numbers


def _number(digits: _Bytes) -> _Integers:
    """Return the numbers that columns of digits mean."""
    # Numbers of nine digits fit into half of the memory, and take half of the time.
    numbers: _Integers = digits[0].astype(np.int32 if len(digits) <= 9 else np.int64)  # noqa: PLR2004 - 999,999,999 < 2**31
    for row in digits[1:]:
        numbers *= 10
        numbers += row
    return numbers


def _days(dates: _Integers) -> _Integers | None:
    """Return the days since 1970 of dates written as 20220304; None when one of them is in no calendar."""
    # Candles of one day follow one another: what is looked up in the calendar is the first of each day.
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(dates)) + 1))
    years, months, days = dates[firsts] // 10_000, dates[firsts] // 100 % 100, dates[firsts] % 100
    if years.min() < _FIRST_YEAR or years.max() > _LAST_YEAR or months.min() < 1 or months.max() > 12:  # noqa: PLR2004
        return None
    counted = (years.astype(np.int64) - 1970) * 12 + months - 1
    starts, ends = (each.astype("M8[M]").astype("M8[D]").astype(np.int64) for each in (counted, counted + 1))
    if (days < 1).any() or (days > ends - starts).any():
        return None
    of_each: _Integers = np.repeat(starts + days - 1, np.diff(np.concatenate((firsts, [len(dates)]))))
    return of_each


def _is_ascending(time: _Integers, last: Instant | None) -> bool:
    return bool((np.diff(time) > 0).all()) and (last is None or last < int(time[0]))


def _is_on_grid(time: _Integers, granularity: Granularity) -> bool:
    if granularity.seconds <= Granularity.H1.seconds:
        return not (time % granularity.seconds).any()
    return all(map(granularity.is_border, time.tolist()))
