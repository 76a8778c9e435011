"""Prices of one shape, that is of as many digits before and after the point, read many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.text.tokens import Bytes, Integers, Tokens
from ninja_daemon.core.rounding import MOST_DIGITS

LARGEST: Final = 10**MOST_DIGITS
_ZERO: Final = 48
_DIGITS: Final = 9
_MOST_SHAPES: Final = 64


@dataclass(slots=True)
class PriceColumn:
    """The numbers of a column.

    Attributes:
        values: in units of ``10**-decimals``.
        decimals: digits after the point.
        written: the same with the zeros at the end.
        bad: what is wrong with a row, by its index.
        mended: rows from which noise was rounded away.
        rounded: rows that lost digits because fewer were asked for.
    """

    values: Integers
    decimals: int
    bad: dict[int, str] = field(default_factory=dict)
    mended: int = 0
    rounded: int = 0
    written: int = 0


def read_shapes(tokens: Tokens, place: int, point: int, limit: int) -> tuple[PriceColumn, Integers]:
    """Read the plain numbers of a column, those of one width and with the point in one place together.

    Returns:
        the column, and the rows that were not read.
    """
    widths = tokens.widths[:, place]
    widest = int(widths.max())
    if 0 < widest <= MOST_DIGITS + 1 and (widths == widest).all():
        texts = tokens.bytes_of(place, place, widest)
        at = texts[:, 0].tobytes().find(bytes([point]))
        at = widest if at < 0 else at
        if 0 < at != widest - 1 and (at == widest or (texts[at] == point).all()):
            column = _shaped(texts, at, limit)
            if column is not None:
                return column, np.empty(0, dtype=np.int64)
    return _read_mixed(tokens, place, point, limit)


def _read_mixed(tokens: Tokens, place: int, point: int, limit: int) -> tuple[PriceColumn, Integers]:
    widths = tokens.widths[:, place]
    read = min(max(1, int(widths.max())), MOST_DIGITS + 1)
    texts = (
        tokens.bytes_of(place, place, read)
        if read == widths.max()
        else tokens.bytes_of(place, place, read, _all(tokens))
    )
    is_point = texts == point
    first = is_point.argmax(axis=0)
    points = np.where(is_point.any(axis=0) & (first < widths), first, widths)
    good = (widths >= 1) & (widths <= MOST_DIGITS + 1) & (points >= 1) & (points != widths - 1)
    shapes = np.where(good, widths * 32 + np.minimum(points, 31), 0)
    found = np.flatnonzero(np.bincount(shapes))
    parts: list[tuple[Integers, PriceColumn]] = []
    is_left = shapes == 0
    for shape in found[found > 0].tolist()[:_MOST_SHAPES]:
        chosen = np.flatnonzero(shapes == shape)
        part = _shaped(texts[: shape // 32, chosen], shape % 32, limit)
        if part is None:
            is_left[chosen] = True
        else:
            parts.append((chosen, part))
    return _together(parts, is_left), np.flatnonzero(is_left)


def _together(parts: Sequence[tuple[Integers, PriceColumn]], is_left: Integers) -> PriceColumn:
    """Join columns in the digits of the finest; values too large for that are left."""
    decimals = max((part.decimals for _, part in parts), default=0)
    values = np.zeros(len(is_left), dtype=np.int64)
    for chosen, part in parts:
        factor = 10 ** (decimals - part.decimals)
        if int(part.values.max()) * factor >= LARGEST:
            is_left[chosen] = True
        else:
            values[chosen] = part.values * factor
    written = max((part.written for _, part in parts), default=0)
    return PriceColumn(values, decimals, written=written)


def _all(tokens: Tokens) -> Integers:
    return np.arange(len(tokens))


def _shaped(texts: Bytes, point: int, limit: int) -> PriceColumn | None:
    """Read numbers whose point, if any, is byte number ``point``; None when a byte is no digit."""
    width = len(texts)
    rows = [row for row in range(width) if row != point]
    written = fraction = max(0, width - point - 1)
    while fraction and not (texts[rows[-1]] != _ZERO).any():
        rows.pop()
        fraction -= 1
    digits = texts[rows] - np.uint8(_ZERO)
    if digits.max() > _DIGITS or fraction > limit or len(rows) > MOST_DIGITS:
        return None
    return PriceColumn(number_of(digits).astype(np.int64), fraction, written=written)


def number_of(digits: Bytes) -> Integers:
    """Return the numbers that columns of digits mean."""
    # Numbers of nine digits fit into half of the memory, and take half of the time.
    numbers: Integers = digits[0].astype(np.int32 if len(digits) <= _DIGITS else np.int64)
    for row in digits[1:]:
        numbers *= 10
        numbers += row
    return numbers
