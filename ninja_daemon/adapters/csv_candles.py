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

from ninja_daemon.core.batch import CandleColumns
from ninja_daemon.core.candle import Candle, checked_candle
from ninja_daemon.core.errors import CandleRejected
from ninja_daemon.core.granularity import Granularity
from ninja_daemon.core.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.instrument import is_instrument_name

HEADERS: Final = ("time,open,high,low,close,volume", "time,open,high,low,close")
MOST_DECIMALS: Final = 12
_MOST_DIGITS: Final = 15
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200
_BLOCK: Final = 1 << 22
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
        most, lines = 0, 0
        for block in self._blocks():
            fields = _split(block.content, block.fields)
            most = max(most, _line_decimals(block) if fields is None else fields.decimals())
            lines += 1
        if not lines:
            message = f"{self.path} must hold at least one candle below its header, was empty"
            raise CandleRejected(message)
        return min(most, MOST_DECIMALS)

    def candles(self, decimals: int) -> Iterator[CandleColumns]:
        """Go through the candles, oldest first, many at a time.

        Args:
            decimals: prices become integers in units of ``10**-decimals``.

        Raises:
            CandleRejected: the file cannot be read, or a line is not the next candle of the series.
        """
        last: Instant | None = None
        for block in self._blocks():
            fields = _split(block.content, block.fields)
            columns = None if fields is None else fields.candles(decimals, self.granularity, last)
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
                whole, rest = content[:end].replace(b"\r\n", b"\n"), content[end:]
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
        time = self._times()
        if time is None or not _is_ascending(time, last) or not _is_on_grid(time, granularity):
            return None
        prices = []
        for column in range(1, 5):
            price = self._prices(column, decimals)
            if price is None:
                return None
            prices.append(price)
        open_, high, low, close = prices
        inside = (low > 0) & (low <= open_) & (open_ <= high) & (low <= close) & (close <= high)
        if not inside.all() or (self.starts.shape[1] > 5 and not self._is_plain_number(5)):  # noqa: PLR2004 - volume
            return None
        return CandleColumns(time, open_, high, low, close)

    def _bytes(self, column: int) -> _Bytes:
        """Return a field of every line as a row of bytes, as wide as the widest; what follows a field is garbage."""
        width = int(self.widths[:, column].max())
        return np.lib.stride_tricks.sliding_window_view(self.content, max(1, width))[self.starts[:, column]]

    @staticmethod
    def _points(texts: _Bytes, widths: _Integers) -> _Integers:
        """Return how many bytes come before the decimal point, or before the end where there is none."""
        is_point = texts == _DOT
        first = is_point.argmax(axis=1)
        return np.where(is_point.any(axis=1) & (first < widths), first, widths)

    def _times(self) -> _Integers | None:
        if (self.widths[:, 0] != len(_INSTANT_FORM)).any():
            return None
        texts = self._bytes(0)
        digits = texts[:, _DIGITS] - np.uint8(_ZERO)
        marks = np.frombuffer(_INSTANT_FORM, dtype=np.uint8)[_MARKS]
        if (texts[:, _MARKS] != marks).any() or (digits > 9).any():  # noqa: PLR2004 - the largest digit
            return None
        year = _number(digits[:, :4])
        month, day, hour, minute, second = (_number(digits[:, start : start + 2]) for start in range(4, 14, 2))
        if year.min() < _FIRST_YEAR or year.max() > _LAST_YEAR or month.min() < 1 or month.max() > 12:  # noqa: PLR2004
            return None
        months = (year - 1970) * 12 + month - 1
        first, following = (months + step for step in (0, 1))
        starts = first.astype("M8[M]").astype("M8[D]").astype(np.int64)
        lengths = following.astype("M8[M]").astype("M8[D]").astype(np.int64) - starts
        if (day < 1).any() or (day > lengths).any() or hour.max() > 23 or minute.max() > 59 or second.max() > 59:  # noqa: PLR2004
            return None
        time: _Integers = (starts + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second
        return time

    def _prices(self, column: int, decimals: int) -> _Integers | None:
        widths = self.widths[:, column]
        if widths.min() < 1 or widths.max() > _MOST_DIGITS + 1:
            return None
        texts = self._bytes(column)
        points = self._points(texts, widths)
        fractions = np.maximum(0, widths - points - 1)
        if (points < 1).any() or (points == widths - 1).any() or fractions.max() > decimals:
            return None
        if (points + decimals).max() > _MOST_DIGITS:
            return None
        # Prices of one width with the point in one place are read column by column; most files have few such shapes.
        shapes = widths * 32 + points
        if shapes.min() == shapes.max():
            return _shaped(texts, int(widths[0]), int(points[0]), decimals)
        prices = np.empty(len(texts), dtype=np.int64)
        for shape in np.unique(shapes).tolist():
            chosen = np.flatnonzero(shapes == shape)
            some = _shaped(texts[chosen], shape // 32, shape % 32, decimals)
            if some is None:
                return None
            prices[chosen] = some
        return prices

    def _is_plain_number(self, column: int) -> bool:
        widths = self.widths[:, column]
        if widths.min() < 1 or widths.max() > 18:  # noqa: PLR2004 - as _VOLUME
            return False
        texts = self._bytes(column)
        behind = np.arange(texts.shape[1]) >= widths[:, np.newaxis]
        return bool((((texts >= _ZERO) & (texts <= _NINE)) | behind).all())


def _split(content: bytes, fields: int) -> _Fields | None:
    """Find the fields of a block; None when a line has too many or too few."""
    lines = content.count(b"\n")
    padded = np.frombuffer(content + bytes(64), dtype=np.uint8)
    separators = np.flatnonzero((padded == _COMMA) | (padded == _NEWLINE))
    if len(separators) != lines * fields:
        return None
    ends = separators.reshape(lines, fields)
    if (padded[ends[:, -1]] != _NEWLINE).any():
        return None
    starts = np.empty_like(ends)
    starts[:, 1:] = ends[:, :-1] + 1
    starts[0, 0] = 0
    starts[1:, 0] = ends[:-1, -1] + 1
    widths = ends - starts
    return _Fields(padded, starts, widths) if widths.max() <= 32 else None  # noqa: PLR2004 - half of the padding


def _shaped(texts: _Bytes, width: int, point: int, decimals: int) -> _Integers | None:
    """Read numbers of ``width`` bytes whose point, if any, is byte number ``point``."""
    columns = [column for column in range(width) if column != point]
    digits = texts[:, columns] - np.uint8(_ZERO)
    if (digits > 9).any():  # noqa: PLR2004 - the largest digit
        return None
    numbers: _Integers = _number(digits) * 10 ** (decimals - max(0, width - point - 1))
    return numbers


def _number(digits: _Bytes) -> _Integers:
    """Return the numbers that rows of digits mean."""
    numbers = digits[:, 0].astype(np.int64)
    for column in range(1, digits.shape[1]):
        numbers = numbers * 10 + digits[:, column]
    return numbers


def _is_ascending(time: _Integers, last: Instant | None) -> bool:
    return bool((np.diff(time) > 0).all()) and (last is None or last < int(time[0]))


def _is_on_grid(time: _Integers, granularity: Granularity) -> bool:
    if granularity.seconds <= Granularity.H1.seconds:
        return not (time % granularity.seconds).any()
    return all(map(granularity.is_border, time.tolist()))
