"""Files of JSON: arrays, an object with an array of candles, or one object a line; one element at a time.

Numbers stay the texts that they are. The fields of an element become a line of their own, so that everything behind
reads them as it reads other lines; a line number counts elements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.layout import ElementReader
from ninja_daemon.adapters.candle_files.text.source import Block, FileSource

_READ: Final = 1 << 16
_LONGEST: Final = 1 << 14
_MANY: Final = 20_000
_BETWEEN: Final = " \t\r\n,]"
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def elements(source: FileSource) -> Iterator[tuple[str, Any]]:
    """Go through the elements of a file: the text of each, and what it means.

    Raises:
        ValueError: what follows is no element.
    """
    with source.open() as file:
        text, place = "", 0
        while True:
            place = _begin(text, place)
            found = None if place >= len(text) else _decoded(text, place)
            if found is not None:
                value, end = found
                yield text[place:end], value
                place = end
                continue
            read = file.read(_READ)
            if not read or len(text) - place > _LONGEST + _READ:
                if text[place:].strip(_BETWEEN + "}"):
                    message = f"an element of JSON must follow, there was {text[place : place + 40]!r}"
                    raise ValueError(message)
                return
            text, place = text[place:] + read.decode("utf-8", "backslashreplace").lstrip("\ufeff"), 0


def _begin(text: str, place: int) -> int:
    """Go on to where the next element may begin: past what stands between two, and into arrays of arrays or objects."""
    while place < len(text):
        if (
            text[place] in _BETWEEN
            or text[place] == "}"
            or (text[place] == "[" and text[place + 1 :].lstrip()[:1] in {"[", "{"})
        ):
            place += 1
        elif text[place] == "{" and (inside := _array_inside(text, place)):
            place = inside
        else:
            break
    return place


def _array_inside(text: str, place: int) -> int:
    """Return where the array of an answer begins, ``{"instrument": …, "candles": [``; 0 when this is a candle."""
    head = text[place : place + 400]
    at = head.find('"candles"')
    start = head.find("[", at)
    return place + start + 1 if 0 <= at < start and '"time"' not in head[:at] and "]" not in head[at:start] else 0


def _decoded(text: str, place: int) -> tuple[Any, int] | None:
    tail = text[place:].lstrip()
    if text[place] == "[" and not tail[1:].lstrip():
        return None
    if text[place] == "{" and '"candles"' in text[place : place + 400] and "[" not in text[place : place + 400]:
        return None
    try:
        value, end = _DECODER.raw_decode(text, place)
    except json.JSONDecodeError:
        return None
    # A number or a word at the end of what was read may go on.
    return (value, end) if isinstance(value, list | dict) else None


def element_blocks(source: FileSource, read: ElementReader, faults: Faults, counts: dict[str, int]) -> Iterator[Block]:
    """Turn the elements into blocks of lines.

    Args:
        source: the file.
        read: what an element's fields are.
        faults: collects elements that are not candles.
        counts: takes those that are left out.
    """
    lines: list[str] = []
    first, number = 1, 0
    try:
        for number, (_, value) in enumerate(elements(source), start=1):
            try:
                fields = read(value)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                message = f"an element must be a candle, was none ({error!r})"
                faults.add("element", source.name, number, message)
                fields = None
            else:
                if fields is None:
                    counts["candles that are not complete"] = counts.get("candles that are not complete", 0) + 1
            lines.append(_line(fields))
            if len(lines) >= _MANY:
                yield Block(first, "\n".join([*lines, ""]).encode())
                first, lines = number + 1, []
    except ValueError as error:
        faults.add("json", source.name, number + 1, str(error))
    if lines:
        yield Block(first, "\n".join([*lines, ""]).encode())


def _line(fields: Sequence[str] | None) -> str:
    """Return the fields as a line; an element that is left out is an empty one, so that numbers count elements."""
    return "" if fields is None else ",".join(each.replace(",", " ").strip() for each in fields)


def element_text(source: FileSource, number: int) -> str | None:
    """Return one element as it stands in the file."""
    try:
        return next((text for at, (text, _) in enumerate(elements(source), start=1) if at == number), None)
    except ValueError:
        return None
