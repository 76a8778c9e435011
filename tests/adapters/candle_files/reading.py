"""Reading files in tests: the candles, the report, or what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity


def taken(path: Path | Sequence[Path], join: Granularity | None = None, **options: Any) -> tuple[list[Candle], str]:
    """The candles in units of a fifth digit, and the closing paragraph."""
    paths = [path] if isinstance(path, Path) else list(path)
    with open_candles(paths, Options(**options)) as opened:
        found = [candle for columns in opened.columns(join) for candle in columns]
        assert opened.report is not None
        return in_units(found, opened.decimals), opened.report.paragraph()


def taken_as_written(path: Path, join: Granularity, *, digits: int, **options: Any) -> tuple[list[Candle], str]:
    """The candles in units of their last digit, of which there are that many, and the closing paragraph."""
    with open_candles([path], Options(**options)) as opened:
        found = [candle for columns in opened.columns(join) for candle in columns]
        assert opened.report is not None
        assert opened.decimals == digits
        return found, opened.report.paragraph()


def in_units(candles: Iterable[Candle], decimals: int) -> list[Candle]:
    unit, scale = 10 ** max(0, 5 - decimals), 10 ** max(0, decimals - 5)
    assert all(price % scale == 0 for candle in candles for price in candle[1:])
    return [Candle(candle.time, *(price * unit // scale for price in candle[1:])) for candle in candles]


def refused(path: Path, join: Granularity | None = None, **options: Any) -> str:
    """What is said of a file that is not taken in."""
    try:
        taken(path, join, **options)
    except CandleFileRejected as error:
        return "\n".join(error.problems)
    message = f"{path} was taken in"
    raise AssertionError(message)
