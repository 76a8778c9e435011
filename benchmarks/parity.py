"""The same as the libraries that people use, or not: averages, true ranges, crosses; writes docs/platforms.md."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ninja_daemon.core.averages.columns import AverageColumn
from ninja_daemon.core.averages.kinds import MovingAverageKind as Kind
from ninja_daemon.core.market.candle import AtrType
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.history import BatchResult, evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy

ROOT: Final = Path(__file__).resolve().parents[1]
CANDLES: Final = ROOT.parent / "shared" / "data" / "EUR_USD_H4.csv"
PAGE: Final = ROOT / "docs" / "platforms.md"
FAST, SLOW, PERIOD, RANGES = 40, 140, 20, 14
SAME: Final = 1e-9
"""Difference in price below which two values are the same: a ten-thousandth of the last digit that a signal reports."""
_PRICES: Final = ("open", "high", "low", "close")
_HEAD: Final = """# The same as your platform, or not

Made by `make parity` over the {count:,} shared candles of EUR_USD H4. Values are of {period} candles, crosses of {fast}
and {slow}, true ranges of {ranges}. *Same after* says after how many candles, counted from our first value, both differ
by less than 0.000000001 for good; a dash says never. *Missing* and *invented* count the turns of our side that a
comparison `fast > slow` of theirs does not see, and those that it sees besides.

Differences come of four things:

* **Seed**: the `ewm` of pandas begins with the first close; ours and that of TA-Lib with the mean of the first n.
* **Rounding**: a sum of binary floats that is carried on is not the exact sum, so equal means differ in the last bit.
  In whole pips means are equal often.
* **Ties**: `fast > slow` takes a tie for SELL; here a tie changes nothing.
* **Warm-up**: one has a value when the other has none yet.

| library | function | ours | largest difference, last 1,000 | same after | missing | invented |
| --- | --- | --- | --: | --: | --: | --: |"""
Values = Any
Compute = Callable[[Values, int], Values]


class Prices(NamedTuple):
    """Columns of prices as binary floats, which is what all of these libraries take."""

    high: Values
    low: Values
    close: Values


class Compared(NamedTuple):
    """What came of one function of one library."""

    library: str
    function: str
    ours: str
    largest: float | None
    same_after: int | None
    missing: int | None
    invented: int | None


def main() -> None:
    """Compare everything that is installed, and write the page."""
    candles = _candles()
    rows = list(_rows(candles))
    PAGE.write_text(_page(rows, len(candles)), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def _candles(step: int = 1) -> CandleColumns:
    """Read the shared candles in integers; with a step, prices are rounded to it."""
    with CANDLES.open(encoding="ascii", newline="") as file:
        table = [
            (
                parse_instant(row["time"]),
                *(int(Decimal(row[name]).scaleb(5)) for name in ("open", "high", "low", "close")),
            )
            for row in csv.DictReader(file)
        ]
    columns = np.array(table, dtype=np.int64)
    columns[:, 1:] = (columns[:, 1:] + step // 2) // step * step
    return CandleColumns(*(np.ascontiguousarray(column) for column in columns.T))


def _ours(candles: CandleColumns, kind: Kind, fast: int, slow: int, ranges: AtrType = AtrType.SMA) -> BatchResult:
    strategy = Strategy("s", "EUR_USD", Granularity.H4, fast, slow, ma_type=kind, atr_type=ranges, atr_period=RANGES)
    return evaluate(Rules(strategy, Instrument("EUR_USD", 5, -4)), candles)


def _floats(column: AverageColumn) -> Values:
    values = np.array([float(number) for number in column.numerators]) / column.denominator / 1e5
    values[: column.full_from] = np.nan
    return values


def _rows(candles: CandleColumns) -> Iterator[Compared]:
    prices = Prices(candles.high / 1e5, candles.low / 1e5, candles.close / 1e5)
    for library, functions in _libraries().items():
        for name, (kind, compute) in functions.items():
            ours = _ours(candles, kind, FAST, SLOW)
            theirs = (compute(prices.close, FAST), compute(prices.close, SLOW))
            values = (_floats(_ours(candles, kind, PERIOD, SLOW).fast), compute(prices.close, PERIOD))
            yield _compared((library, name, kind.value), *values, _crosses(ours, theirs))
    for library, functions_of_ranges in _ranges().items():
        for name, (ranges, compute_ranges) in functions_of_ranges.items():
            result = _ours(candles, Kind.SMA, FAST, SLOW, ranges)
            whole = 10**10 if ranges is AtrType.WILDER else RANGES
            ours_range = np.array([float(total) for total in result.range_totals]) / whole / 1e5
            ours_range[result.ranges_held < RANGES] = np.nan
            names = (library, name, f"atr_type {ranges.value}")
            yield _compared(names, ours_range, compute_ranges(prices, RANGES), None)
    coarse = _candles(10)
    ties = _ours(coarse, Kind.SMA, 3, 6)
    for library, functions in _libraries().items():
        for name, (kind, compute) in functions.items():
            if kind is Kind.SMA:
                close = coarse.close / 1e5
                missing, invented = _crosses(ties, (compute(close, 3), compute(close, 6)))
                yield Compared(library, f"{name}, 3 and 6, whole pips", "sma", None, None, missing, invented)


def _compared(names: tuple[str, str, str], ours: Values, theirs: Values, crosses: tuple[int, int] | None) -> Compared:
    both = ~(np.isnan(ours) | np.isnan(theirs))
    difference = np.where(both, np.abs(ours - theirs), np.nan)
    wrong = np.flatnonzero(~(difference <= SAME) & ~np.isnan(ours))
    after = 0 if not len(wrong) else int(wrong[-1]) + 1 - int(np.flatnonzero(~np.isnan(ours))[0])
    is_same = not len(wrong) or int(wrong[-1]) + 1 < len(ours)
    largest = float(np.nanmax(difference[-1_000:])) if both[-1_000:].any() else None
    return Compared(*names, largest, after if is_same else None, *(crosses or (None, None)))


def _crosses(ours: BatchResult, theirs: tuple[Values, Values]) -> tuple[int, int]:
    """Count the turns of our side that a comparison of theirs does not see, and those that it sees besides."""
    own = {cross.candle.time for cross in ours.crosses}
    above = theirs[0] > theirs[1]
    known = ~(np.isnan(theirs[0]) | np.isnan(theirs[1]))
    turned = np.flatnonzero((above[1:] != above[:-1]) & known[1:] & known[:-1]) + 1
    times = {int(time) for time in _candles().time[turned]}
    return len(own - times), len(times - own)


def _libraries() -> Mapping[str, Mapping[str, tuple[Kind, Compute]]]:
    found: dict[str, Mapping[str, tuple[Kind, Compute]]] = {}
    for name, make in (("TA-Lib", _talib), ("pandas", _pandas), ("talipp", _talipp)):
        try:
            found[f"{name} {version(name)}"] = make()
        except (ImportError, PackageNotFoundError):
            continue
    return found


def _talib() -> Mapping[str, tuple[Kind, Compute]]:
    talib = import_module("talib")

    return {
        "SMA": (Kind.SMA, talib.SMA),
        "EMA": (Kind.EMA, talib.EMA),
        "WMA": (Kind.WMA, talib.WMA),
        "DEMA": (Kind.DEMA, talib.DEMA),
        "TEMA": (Kind.TEMA, talib.TEMA),
        "T3": (Kind.T3, lambda close, period: talib.T3(close, period, 0.7)),
    }


def _pandas() -> Mapping[str, tuple[Kind, Compute]]:
    pd = import_module("pandas")

    def smoothed(close: Values, **weight: float) -> Values:
        return pd.Series(close).ewm(adjust=False, **weight).mean().to_numpy()

    return {
        "rolling(n).mean()": (Kind.SMA, lambda close, period: pd.Series(close).rolling(period).mean().to_numpy()),
        "ewm(span=n, adjust=False)": (Kind.EMA, lambda close, period: smoothed(close, span=period)),
        "ewm(alpha=1/n, adjust=False)": (Kind.SMMA, lambda close, period: smoothed(close, alpha=1 / period)),
    }


def _talipp() -> Mapping[str, tuple[Kind, Compute]]:
    indicators = import_module("talipp.indicators")

    def of(name: str, *more: float) -> Compute:
        made = getattr(indicators, name)
        return lambda close, period: np.array(
            [np.nan if each is None else each for each in made(period, *more, input_values=close.tolist())], dtype=float
        )

    same = {name: (Kind[name], of(name)) for name in ("SMA", "EMA", "WMA", "SMMA", "DEMA", "TEMA", "HMA")}
    return same | {"T3": (Kind.T3, of("T3", 0.7))}


def _ranges() -> Mapping[str, Mapping[str, tuple[AtrType, Callable[[Prices, int], Values]]]]:
    try:
        talib = import_module("talib")
    except ImportError:
        return {}
    return {
        f"TA-Lib {version('TA-Lib')}": {
            "ATR": (AtrType.WILDER, lambda prices, period: talib.ATR(*prices, period)),
            "ATR ": (AtrType.SMA, lambda prices, period: talib.ATR(*prices, period)),
        }
    }


def _page(rows: Sequence[Compared], count: int) -> str:
    lines = [_HEAD.format(count=count, period=PERIOD, fast=FAST, slow=SLOW, ranges=RANGES)]
    for one in rows:
        largest = "–" if one.largest is None else f"{one.largest:.1e}"
        counts = ("–" if each is None else f"{each:,}" for each in (one.same_after, one.missing, one.invented))
        cells = (one.library, one.function.strip(), one.ours, largest, *counts)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
