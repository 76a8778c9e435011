"""Candles as ``time,open,high,low,close[,volume]``, the form that every command takes; the whole file or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from ninja_daemon.adapters.candle_files.settling.parts import CandlePart
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.instant import format_instant

HEADER: Final = "time,open,high,low,close"


def write_candles(file: IO[str], parts: Iterable[CandlePart], decimals: int, *, with_volume: bool) -> None:
    """Write candles line by line."""
    file.write(f"{HEADER},volume\n" if with_volume else f"{HEADER}\n")
    for part in parts:
        columns = [map(format_instant, part.time.tolist()), *(_texts(prices, decimals) for prices in part.prices)]
        if with_volume:
            columns.append(map(str, part.volume.tolist()))
        file.writelines(f"{','.join(fields)}\n" for fields in zip(*columns, strict=True))


def _texts(prices: Integers, decimals: int) -> Iterator[str]:
    if not decimals:
        return map(str, prices.tolist())
    unit = 10**decimals
    return (f"{price // unit}.{price % unit:0{decimals}d}" for price in prices.tolist())


@contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """Write a file that appears under its name only when it is whole.

    Raises:
        CandleFileRejected: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with unfinished.open("x", encoding="ascii", newline="") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path} must be a file that can be written, was not: {error.strerror or error}"
        raise CandleFileRejected(message) from error
