"""Candles for comparing two releases: made here, the same on every machine, with crosses, ties, gaps and wild days."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_COUNT: Final = 4_000
_STEPS: Final = {
    "S5": 5, "S10": 10, "S15": 15, "S30": 30, "M1": 60, "M2": 120, "M4": 240, "M5": 300, "M10": 600, "M15": 900,
    "M30": 1_800, "H1": 3_600, "H2": 7_200, "H3": 10_800, "H4": 14_400, "H6": 21_600, "H8": 28_800, "H12": 43_200,
    "D": 86_400, "W": 604_800,
}  # fmt: skip
_BEGIN: Final = datetime(1976, 12, 3, 22, tzinfo=UTC)
"""A Friday at 17:00 in New York, which is what long candles are aligned to."""
_WINTER: Final = frozenset({12, 1, 2})
_SHORT: Final = 3_600
_SATURDAY: Final = 5
_LAST_YEAR: Final = 2026
_YEN_DECIMALS: Final = 3
_DECIMALS: Final = 5


@dataclass(frozen=True, slots=True)
class History:
    """Candles of one series.

    Attributes:
        instrument: ``EUR_USD``.
        timeframe: ``H4``.
        path: the file.
    """

    instrument: str
    timeframe: str
    path: Path


def write_histories(configuration: Path, folder: Path) -> list[History]:
    """Write a file for each series that the configuration reads, and return them."""
    with configuration.open("rb") as file:
        table = tomllib.load(file)
    found = {}
    for strategy in table.get("strategies", {}).values():
        merged = {**table.get("defaults", {}), **strategy}
        instrument, timeframe = merged.get("instrument", merged.get("pair")), merged.get("timeframe")
        if isinstance(instrument, str) and timeframe in _STEPS:
            found[instrument, timeframe] = History(instrument, timeframe, folder / f"{instrument}_{timeframe}.csv")
    for history in found.values():
        history.path.write_text("".join(_lines(history)), encoding="utf-8")
    return list(found.values())


def _lines(history: History) -> Iterator[str]:
    yen = history.instrument.endswith("JPY")
    decimals = _YEN_DECIMALS if yen else _DECIMALS
    unit = 10**decimals
    start = close = 110 * unit if yen else unit
    draws = _draws(f"{history.instrument} {history.timeframe}")
    yield "time,open,high,low,close,volume\n"
    for time in _times(_STEPS[history.timeframe]):
        opened, kind, move = close, next(draws) % 16, next(draws) % 2_001 - 1_000
        # One candle in sixteen moves not at all and one moves sixfold: ties, and true ranges out of the ordinary.
        close = max(start // 10, close + {0: 0, 1: 6 * move}.get(kind, move) * start // 200_000)
        high = max(opened, close) + next(draws) % 400 * start // 200_000
        low = max(1, min(opened, close) - next(draws) % 400 * start // 200_000)
        prices = ",".join(f"{price // unit}.{price % unit:0{decimals}d}" for price in (opened, high, low, close))
        yield f"{time:%Y-%m-%dT%H:%M:%SZ},{prices},1\n"


def _times(step: int) -> Iterator[datetime]:
    """Yield opening times; long candles in winter only, since New York's clock moves the others."""
    time, written = _BEGIN, 0
    while written < _COUNT and time.year < _LAST_YEAR:
        if time.weekday() != _SATURDAY and (step <= _SHORT or time.month in _WINTER):
            written += 1
            yield time
        time += timedelta(seconds=step)


def _draws(seed: str) -> Iterator[int]:
    block = hashlib.sha256(seed.encode()).digest()
    while True:
        yield from (int.from_bytes(block[at : at + 4], "big") for at in range(0, 32, 4))
        block = hashlib.sha256(block).digest()
