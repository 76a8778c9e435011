"""The same as the libraries that people use, or not: averages, true ranges, crosses; writes docs/platforms.md."""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from benchmarks.platforms import Library, Prices, Values, libraries
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
GAP: Final = 7_000
"""Place of the candle that is taken out."""
_PRICES: Final = ("open", "high", "low", "close")
Places = set[int]
_HEAD: Final = """# The same as your platform, or not

Contents: [Averages](#averages) · [Average true ranges](#average-true-ranges) ·
[Crosses in whole pips](#crosses-in-whole-pips)

Made by `make parity` over the {count:,} shared candles of EUR_USD H4, against versions that are pinned in
requirements/parity.txt. {absent}

Differences come of five things:

* **Seed**: where a smoothed average begins. Ours and that of TA-Lib with the mean of the first n; the `ewm` of pandas
  and others with the first close.
* **Rounding**: a sum of binary floats that is carried on is not the exact sum, so equal means differ in the last bit.
* **Ties**: in whole pips two means are equal often. Here a tie changes nothing; `fast > slow` takes it for SELL.
* **Warm-up**: one has a value when the other has none yet.
* **Definition**: the name is the same, and the formula is another one. `qtpylib.wma` of technical is exponential, its
  `tv_wma` leaves the newest close out, and `tv_hma` is made of that. The lag of talipp's ZLEMA is (n − 1) / 2 rounded
  to even, ours is cut off. hexital's `cross` looks at two candles unless told otherwise, so it repeats each cross.

## Averages

Values are of {period} candles, crosses of {fast} and {slow}, turns of the sign of their difference. *First* is
how many candles before (−) or after ours the first value comes. *Difference* is the largest of the last 1,000
candles. *Same after*: candles from the first on which both have a value until they differ by less than
0.000000001 for good; 0 is from the first, a dash is never. *Gap*: one candle in the middle has no close (NaN),
as in a frame that was laid over every hour of the calendar; after so many candles the value is again ours,
which never saw that candle. *Missing* and *invented* are crosses of ours that theirs does not have, and the
other way round, of {crosses}.

| library | function | ours | first | difference | same after | gap | missing | invented |
| --- | --- | --- | --: | --: | --: | --: | --: | --: |"""
_RANGES_HEAD: Final = """
## Average true ranges

Of {ranges} candles. `atr_type = "wilder"` is what most of them have; the default, `sma`, is the mean of the ranges.

| library | function | ours | first | difference | same after |
| --- | --- | --- | --: | --: | --: |"""
_TIES_HEAD: Final = """
## Crosses in whole pips

Simple averages of 3 and 6 over the same closes in whole pips, where means tie: {crosses:,} crosses when they
are worked out exactly, and ours finds these. *Sign* counts turns of the sign of their numbers, as above: what
is wrong there is rounding. *Greater* compares `fast > slow`. *Own* is the library's own function. Each cell
says how many are missing and invented.

| library | sign | greater | own | its function |
| --- | --: | --: | --: | --- |"""


class Compared(NamedTuple):
    """What came of one function of one library; None where it was not compared, or never.

    Attributes:
        first: how many candles after ours its first value is.
        largest: largest difference over the last 1,000 candles.
        same_after: candles until both are the same for good.
    """

    library: str
    function: str
    ours: str
    first: int
    largest: float | None
    same_after: int | None


def main() -> None:
    """Compare everything that is installed, and write the page."""
    warnings.simplefilter("ignore")
    found = list(libraries())
    installed = [one for one in found if isinstance(one, Library)]
    absent = "; ".join(f"{name} is left out: {why}" for name, why in (one for one in found if isinstance(one, tuple)))
    PAGE.write_text("\n".join(_page(installed, absent)) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def _page(installed: Sequence[Library], absent: str) -> Iterator[str]:
    candles = _candles()
    prices = Prices(candles.high / 1e5, candles.low / 1e5, candles.close / 1e5)
    count = len(_ours(candles, Kind.SMA, FAST, SLOW).crosses)
    sizes = {"count": len(candles), "period": PERIOD, "fast": FAST, "slow": SLOW, "ranges": RANGES}
    yield _HEAD.format(
        **sizes, crosses=f"{count} with `sma`", absent=f"{absent}." if absent else "All that were meant are here."
    )
    for library in installed:
        print(library.name, file=sys.stderr, flush=True)
        yield from _averages(library, candles, prices)
    yield _RANGES_HEAD.format(**sizes)
    for library in installed:
        yield from _ranges(library, candles, prices)
    coarse = _candles(10)
    yield _TIES_HEAD.format(crosses=len(_ours(coarse, Kind.SMA, 3, 6).crosses))
    for library in installed:
        yield from _ties(library, coarse)


# --- ours ------------------------------------------------------------------------------------------------------------


def _candles(step: int = 1) -> CandleColumns:
    """Read the shared candles in integers; with a step, prices are rounded to it, halves up."""
    with CANDLES.open(encoding="ascii", newline="") as file:
        table = [
            (parse_instant(row["time"]), *(int(Decimal(row[name]).scaleb(5)) for name in _PRICES))
            for row in csv.DictReader(file)
        ]
    columns = np.array(table, dtype=np.int64)
    columns[:, 1:] = (columns[:, 1:] + step // 2) // step * step
    return CandleColumns(*(np.ascontiguousarray(column) for column in columns.T))


def _without(candles: CandleColumns, place: int) -> CandleColumns:
    columns = (candles.time, candles.open, candles.high, candles.low, candles.close)
    return CandleColumns(*(np.delete(column, place) for column in columns))


def _ours(candles: CandleColumns, kind: Kind, fast: int, slow: int, ranges: AtrType = AtrType.SMA) -> BatchResult:
    strategy = Strategy("s", "EUR_USD", Granularity.H4, fast, slow, ma_type=kind, atr_type=ranges, atr_period=RANGES)
    return evaluate(Rules(strategy, Instrument("EUR_USD", 5, -4)), candles)


def _floats(column: AverageColumn) -> Values:
    values = np.array([float(number) for number in column.numerators]) / column.denominator / 1e5
    values[: column.full_from] = np.nan
    return values


def _places(result: BatchResult, candles: CandleColumns) -> Places:
    return set(np.searchsorted(candles.time, [cross.candle.time for cross in result.crosses]).tolist())


# --- theirs against ours ---------------------------------------------------------------------------------------------


def _averages(library: Library, candles: CandleColumns, prices: Prices) -> Iterator[str]:
    holed = np.array(prices.close)
    holed[GAP] = np.nan
    for name, (kind, compute) in library.averages.items():
        ours = _floats(_ours(candles, kind, PERIOD, SLOW).fast)
        one = _compared((library.name, name, kind.value), ours, compute(prices.close, PERIOD))
        after_gap = _healed(_floats(_ours(_without(candles, GAP), kind, PERIOD, SLOW).fast), compute(holed, PERIOD))
        own = _places(_ours(candles, kind, FAST, SLOW), candles)
        theirs = _signs_turn(compute(prices.close, FAST), compute(prices.close, SLOW))
        yield _row(*_cells(one), _number(after_gap), str(len(own - theirs)), str(len(theirs - own)))


def _ranges(library: Library, candles: CandleColumns, prices: Prices) -> Iterator[str]:
    for name, (kind, compute) in library.ranges.items():
        result = _ours(candles, Kind.SMA, FAST, SLOW, kind)
        whole = 10**10 if kind is AtrType.WILDER else RANGES
        ours = np.array([float(total) for total in result.range_totals]) / whole / 1e5
        ours[result.ranges_held < RANGES] = np.nan
        yield _row(*_cells(_compared((library.name, name, f"atr_type {kind.value}"), ours, compute(prices, RANGES))))


def _ties(library: Library, coarse: CandleColumns) -> Iterator[str]:
    own, close = _places(_ours(coarse, Kind.SMA, 3, 6), coarse), coarse.close / 1e5
    average = next((compute for kind, compute in library.averages.values() if kind is Kind.SMA), None)
    if average is None:
        return
    fast, slow = average(close, 3), average(close, 6)
    ways = [_signs_turn(fast, slow), _greater_turns(fast, slow)]
    name, crossed = library.crossed or ("–", None)
    if crossed is not None:
        ways.append(set(np.flatnonzero(crossed(close, 3, 6)).tolist()))
    cells = [f"−{len(own - theirs)} +{len(theirs - own)}" for theirs in ways]
    yield _row(library.name, *cells, *["–"] * (3 - len(cells)), name if crossed is None else f"`{name}`")


def _compared(names: tuple[str, str, str], ours: Values, theirs: Values) -> Compared:
    both = ~(np.isnan(ours) | np.isnan(theirs))
    difference = np.where(both, np.abs(ours - theirs), np.nan)
    first = int(np.argmax(~np.isnan(theirs))) - int(np.argmax(~np.isnan(ours)))
    largest = float(np.nanmax(difference[-1_000:])) if both[-1_000:].any() else None
    wrong = np.flatnonzero(both & ~(difference <= SAME))
    begin = int(np.argmax(both))
    after = 0 if not len(wrong) else int(wrong[-1]) + 1 - begin
    return Compared(*names, first, largest, after if both[-1] and begin + after < len(ours) else None)


def _healed(ours: Values, theirs: Values) -> int | None:
    """Return after how many candles behind the gap both are the same for good; None where they never are."""
    difference = np.abs(np.delete(theirs, GAP) - ours)[GAP:]
    wrong = np.flatnonzero(~(difference <= SAME))
    after = int(wrong[-1]) + 1 if len(wrong) else 0
    return after if after < len(difference) else None


def _signs_turn(fast: Values, slow: Values) -> Places:
    """Return where the sign of the difference turns; a tie changes nothing."""
    signs = np.nan_to_num(np.sign(fast - slow))
    places = np.flatnonzero(signs)
    values = signs[places]
    return set(places[1:][values[1:] != values[:-1]].tolist())


def _greater_turns(fast: Values, slow: Values) -> Places:
    above, known = fast > slow, ~(np.isnan(fast) | np.isnan(slow))
    return set((np.flatnonzero((above[1:] != above[:-1]) & known[1:] & known[:-1]) + 1).tolist())


# --- the page --------------------------------------------------------------------------------------------------------


def _cells(one: Compared) -> Iterator[str]:
    yield from (
        one.library,
        f"`{one.function}`",
        one.ours,
        "0" if not one.first else f"{one.first:+d}".replace("-", "−"),
    )
    yield "–" if one.largest is None else f"{one.largest:.1e}"
    yield _number(one.same_after)


def _number(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
