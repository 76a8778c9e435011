"""The output of a sweep: a row a pair, a map, and what luck alone gives. No pair is called the best."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.sweeps.cell import Cell
from ninja_daemon.core.sweeps.luck import SEED, Luck, Spread, luck_of, neighbours_of, spread_of
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.sweep import Swept

_ROW: Final = "{:>4} {:>5} {:>7} {:>6} {:>6} {:>6} {:>8} {:>9} {:>8} {:>9}"
_HEAD: Final = _ROW.format(
    "fast", "slow", "signals", "closed", "target", "stop", "hit rate", "net R", "drawdown", "middle"
)
_EDGE: Final = "{:>4} "
_WIDTH: Final = 80
_STEPS: Final = 9


def json_fields(swept: Swept) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    strategy, middles = swept.rules.strategy, neighbours_of(swept.cells)
    spread, luck = spread_of(swept.cells), luck_of(swept.cells)
    return {
        "strategy": strategy.name,
        "instrument": strategy.instrument,
        "timeframe": strategy.granularity.name,
        "candles": swept.candles,
        "pairs": len(swept.cells),
        "left_out": swept.grid.left_out,
        "cells": [_fields(cell, middles[cell.pair]) for cell in swept.cells],
        "spread": {name: getattr(spread, name) for name in Spread.__slots__},
        "luck": {"seed": SEED} | {name: getattr(luck, name) for name in Luck.__slots__},
    }


def _fields(cell: Cell, middle: Decimal) -> dict[str, Any]:
    return {
        "fast": cell.pair[0],
        "slow": cell.pair[1],
        "signals": cell.signals,
        "open": cell.open,
        "closed": cell.signals - cell.open,
        "results": {result.value: count for result, count in cell.results.items()},
        "ambiguous": cell.ambiguous,
        "hit_rate": cell.hit_rate,
        "r": cell.r,
        "net_r": cell.net_r,
        "drawdown_r": cell.drawdown_r,
        "middle": middle,
    }


def words(swept: Swept) -> Iterator[str]:
    """Go through the lines, of at most 80 characters."""
    strategy, count = swept.rules.strategy, len(swept.cells)
    series = f"{strategy.instrument} {strategy.granularity.name}"
    yield f"{strategy.name}: {counted(count, 'pair')} of averages over {swept.candles:,} candles of {series}"
    if left_out := swept.grid.left_out:
        yield f"{counted(left_out, 'pair')} left out: fast must be below slow"
    middles = neighbours_of(swept.cells)
    yield from ("", _HEAD, *(_row(cell, middles[cell.pair]) for cell in swept.cells), "")
    yield from (*_map(swept), "")
    yield from _doubt(swept)


def _row(cell: Cell, middle: Decimal) -> str:
    rate = "" if cell.hit_rate is None else f"{cell.hit_rate * 100:.2f} %"
    counts = (cell.signals, cell.signals - cell.open, cell.results[Result.TARGET], cell.results[Result.STOP])
    return _ROW.format(*cell.pair, *counts, rate, f"{cell.net_r:+.2f}", f"{cell.drawdown_r:.2f}", f"{middle:+.2f}")


def _map(swept: Swept) -> Iterator[str]:
    """Show the sums as ninths of the largest, gains and losses alike."""
    slows = swept.grid.slow
    wide = max(3, len(str(slows[-1])) + 1)
    if len(_EDGE.format("")) + wide * len(slows) > _WIDTH:
        yield f"The map has {len(slows)} columns, too wide for text: --picture FILE draws it."
        return
    sums = {cell.pair: cell.net_r for cell in swept.cells}
    largest = max(abs(one) for one in sums.values())
    yield f"net R in ninths of {largest:.2f}; a row a fast period, a column a slow one"
    yield _EDGE.format("") + "".join(f"{slow:>{wide}}" for slow in slows)
    for fast in swept.grid.fast:
        marks = (_mark(sums.get((fast, slow)), largest).rjust(wide) for slow in slows)
        yield _EDGE.format(fast) + "".join(marks).rstrip()


def _mark(value: Decimal | None, largest: Decimal) -> str:
    if value is None:
        return ""
    ninths = round(value * _STEPS / largest) if largest else 0
    return f"{ninths:+d}" if ninths else "0"


def _doubt(swept: Swept) -> Iterator[str]:
    spread, luck, count = spread_of(swept.cells), luck_of(swept.cells), len(swept.cells)
    quarters = f"{spread.lower_quarter:+.2f}, middle {spread.middle:+.2f}, {spread.upper_quarter:+.2f}"
    yield f"all pairs: net R from {spread.lowest:+.2f} to {spread.highest:+.2f}, by quarters {quarters}"
    yield f"by luck alone, all signs of R shuffled {luck.shuffles:,} times, the highest of {counted(count, 'pair')} is"
    often = f"{luck.share * 100:.1f} % of the shuffles"
    yield f"  {luck.middle:+.2f} in the middle, above {luck.one_in_twenty:+.2f} once in twenty; {often}"
    yield f"  reach the {spread.highest:+.2f} that is the highest here"
    yield "middle: the median of a pair and its neighbours; a plain tells more than a peak"
