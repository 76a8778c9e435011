"""Where the fields of many lines lie, found all at once; lines that are not cut alike are tidied one by one first."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.layout import Layout
from ninja_daemon.adapters.candle_files.text.source import Block

Bytes: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[Any]

PART: Final = "\x1f"
"""Stands between the fields of tidied lines; no field has it."""
_NEWLINE: Final = 10
_LONGEST_FIELD: Final = 40
_PADDING: Final = 96


@dataclass(frozen=True, slots=True)
class Tokens:
    """The fields of some lines.

    Attributes:
        content: the bytes, and enough behind them that a field may be read with too great a width.
        starts: first byte of each field, one row a line.
        widths: how many bytes each has.
        numbers: line number of each row in the file.
        places: column of each role, as in ``Layout.columns``.
        alike: bytes of the lines up to the last column of constant width, one row a byte; None when the first differs.
    """

    content: Bytes
    starts: Integers
    widths: Integers
    numbers: Integers
    places: dict[str, int]
    alike: Bytes | None

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self.starts)

    def bytes_of(self, first: int, last: int, width: int, rows: Integers | None = None) -> Bytes:
        """Return the bytes from a column on to the end of another, one row a byte: memory is read as it lies.

        Args:
            first: the column that begins.
            last: the column that ends.
            width: how many bytes; what follows a shorter field is garbage.
            rows: the lines that are wanted; None for all.
        """
        if rows is None and self.alike is not None:
            start = int(self.starts[0, first] - self.starts[0, 0])
            end = int(self.starts[0, last] + self.widths[0, last] - self.starts[0, 0])
            if end <= len(self.alike) and end - start == width:
                return self.alike[start:end]
        starts = self.starts[:, first] if rows is None else self.starts[rows, first]
        return _gathered(self.content, starts, width)

    def text(self, row: int, first: int, last: int) -> str:
        """Return the text from a column on to the end of another, of one line."""
        start, end = int(self.starts[row, first]), int(self.starts[row, last] + self.widths[row, last])
        return self.content[start:end].tobytes().decode("utf-8", "backslashreplace")


def _gathered(content: Bytes, starts: Integers, width: int) -> Bytes:
    texts = np.lib.stride_tricks.sliding_window_view(content, max(1, width))[starts]
    return np.ascontiguousarray(texts.T)


def tokens_of(block: Block, layout: Layout, where: str, faults: Faults, counts: dict[str, int]) -> Tokens | None:
    """Find the fields of a block; None when no line is left.

    Args:
        block: the lines.
        layout: how they are to be read.
        where: name of the file.
        faults: takes lines that cannot be cut.
        counts: takes what was mended.
    """
    content = block.content
    if block.number <= layout.skip:
        lines = content.split(b"\n", layout.skip - block.number + 1)
        content = lines[-1] if len(lines) > layout.skip - block.number + 1 else b""
        block = Block(layout.skip + 1, content)
    if not content:
        return None
    if b'"' not in content and not _is_parted(layout):
        found = _split(content, layout.separator.encode(), layout.fields)
        if found is not None:
            numbers = np.arange(block.number, block.number + len(found[0]), dtype=np.int64)
            return _tokens(content, *found, numbers, dict(layout.columns))
    return _tidied(block, layout, where, faults, counts)


def _is_parted(layout: Layout) -> bool:
    """Tell whether date and time of day lie apart, so that they are not one text."""
    return "clock" in layout.columns and layout.columns["clock"] != layout.columns["time"] + 1


def _tokens(content: bytes, starts: Integers, widths: Integers, numbers: Integers, places: dict[str, int]) -> Tokens:
    padded = np.frombuffer(content + bytes(_PADDING), dtype=np.uint8)
    is_constant = (widths == widths[0]).all(axis=0)
    alike = None
    if is_constant[0]:
        columns = len(is_constant) if is_constant.all() else int(is_constant.argmin())
        length = int(starts[0, columns - 1] + widths[0, columns - 1] - starts[0, 0])
        if columns == len(is_constant):
            alike = np.ascontiguousarray(padded[: len(content)].reshape(len(starts), length + 1).T)
        else:
            alike = _gathered(padded, starts[:, 0], length)
    return Tokens(padded, starts, widths, numbers, places, alike)


def _split(content: bytes, separator: bytes, fields: int) -> tuple[Integers, Integers] | None:
    raw = np.frombuffer(content, dtype=np.uint8)
    separators = np.flatnonzero((raw == separator[0]) | (raw == _NEWLINE))
    if len(separators) % fields:
        return None
    ends = separators.reshape(-1, fields)
    found = raw[ends]
    if (found[:, :-1] == _NEWLINE).any() or (found[:, -1] != _NEWLINE).any():
        return None
    starts = np.empty_like(ends)
    starts[:, 1:] = ends[:, :-1] + 1
    starts[0, 0] = 0
    starts[1:, 0] = ends[:-1, -1] + 1
    widths = ends - starts
    return None if widths.max() > _LONGEST_FIELD else (starts, widths)


def _tidied(block: Block, layout: Layout, where: str, faults: Faults, counts: dict[str, int]) -> Tokens | None:
    roles = ["time", *layout.prices, *(["volume"] if "volume" in layout.columns else [])]
    lines, numbers = [], []
    for number, fields in _rows(block, layout, where, faults, counts):
        chosen = [fields[layout.columns[role]][:_LONGEST_FIELD] for role in roles]
        if "clock" in layout.columns:
            chosen[0] += f" {fields[layout.columns['clock']]}"
        lines.append(PART.join(chosen).replace("\n", " "))
        numbers.append(number)
    if not lines:
        return None
    content = "\n".join([*lines, ""]).encode()
    found = _split(content, PART.encode(), len(roles))
    if found is None:
        message = "a line must hold text, held control characters"
        faults.add("fields", where, numbers[0], message)
        return None
    return _tokens(content, *found, np.array(numbers, dtype=np.int64), {role: at for at, role in enumerate(roles)})


def _fields(line: str, separator: str) -> list[str]:
    """Split a line. Where the quotes are not those of CSV they are characters like others."""
    if '"' in line:
        with suppress(csv.Error):
            return next(csv.reader([line], delimiter=separator))
    return line.split(separator)


def _rows(
    block: Block, layout: Layout, where: str, faults: Faults, counts: dict[str, int]
) -> Iterator[tuple[int, list[str]]]:
    for number, raw in enumerate(block.content.split(b"\n")[:-1], start=block.number):
        line = raw.decode("utf-8", "backslashreplace").strip("\r")
        if not line.strip():
            if layout.elements is None:
                counts["empty lines"] = counts.get("empty lines", 0) + 1
            continue
        fields = [each.strip() for each in _fields(line, layout.separator)]
        while len(fields) > layout.fields and not fields[-1]:
            fields.pop()
            counts["commas at the end of a line"] = counts.get("commas at the end of a line", 0) + 1
        if len(fields) != layout.fields:
            message = f"a line must have {layout.fields} fields, had {len(fields)}"
            faults.add("fields", where, number, message)
            continue
        yield number, fields
