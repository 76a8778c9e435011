"""(j) A grid of 200 pairs of averages over ten years of H4, with what became of every signal."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np

from benchmarks.peers import peer
from benchmarks.replay import MIN_ATR, History
from benchmarks.results import Chapter, Figure, Table, at_least, short
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.replay import Span
from ninja_daemon.usecases.sweep import Grid, sweep

COUNT: Final = 14_400
GRID: Final = Grid(range(10, 101, 10), range(110, 301, 10))
SMALL: Final = Grid(range(10, 31, 10), range(40, 51, 10))
ATR, STOP, TARGET = 14, 2, 3
_FOUR_HOURS: Final = 14_400
_ROUNDS: Final = 5


def ours(history: History, grid: Grid) -> int:
    """The product's sweep: exact, with filters, stops, targets and the end of every signal."""
    strategy = Strategy("a", "EUR_USD", Granularity.H4, 10, 300, min_atr_value=Decimal(str(MIN_ATR)))
    swept = sweep(Rules(strategy, Instrument("EUR_USD", 5, -4)), grid, [_columns(history)], Span())
    return sum(cell.signals - cell.open for cell in swept.cells)


def one_by_one(history: History, grid: Grid) -> int:
    """A sweep of each pair by itself."""
    return sum(ours(history, Grid([fast], [slow])) for fast, slow in grid.pairs)


def vectorbt(history: History, grid: Grid) -> int:
    """Its compiled averages, crosses and orders, all pairs at once; a stop and a target a signal."""
    library: Any = peer("vectorbt")
    frame: Any = peer("pandas")
    close, high, low = (frame.Series(column) for column in (history.close, history.high, history.low))
    fast, slow = (library.MA.run(close, [pair[axis] for pair in grid.pairs]) for axis in (0, 1))
    ranges = library.ATR.run(high, low, close, ATR).atr.to_numpy()
    passes = (ranges >= MIN_ATR)[:, None]
    above, below = fast.ma_crossed_above(slow).to_numpy(), fast.ma_crossed_below(slow).to_numpy()
    share = (ranges / history.close)[:, None]
    portfolio = library.Portfolio.from_signals(
        close,
        entries=above & passes,
        short_entries=below & passes,
        sl_stop=STOP * share,
        tp_stop=TARGET * share,
        open=history.open[:, None],
        high=history.high[:, None],
        low=history.low[:, None],
        upon_opposite_entry="ignore",
    )
    return len(portfolio.trades.records)


def _columns(history: History) -> CandleColumns:
    columns = history.columns
    times = columns.time[0] + _FOUR_HOURS * np.arange(len(columns), dtype=np.int64)
    return CandleColumns(times, columns.open, columns.high, columns.low, columns.close)


WAYS: Final[dict[str, tuple[str, Callable[[History, Grid], int]]]] = {
    "ninja-daemon": ("", ours),
    "ninja-daemon, a pair at a time": ("", one_by_one),
    "vectorbt": ("vectorbt", vectorbt),
}
"""By name: the module that it needs, and how it is done."""

_TEXT: Final = """\
Fast averages of 10 to 100, slow ones of 110 to 300 candles, a 14 candle ATR, its filter, stop and target a signal, over
a random walk in memory; the best of five runs in turn, in seconds of the processor, after one that warms compilers up.
Ours follows every signal to its end, exactly, and adds R up for each pair. vectorbt holds one position a pair, so it
takes fewer signals, in binary floats, and stops at the result of each trade. The shuffles of luck are not among it.
"""


def measure(*, quick: bool) -> Chapter:
    """Give every way the same candles and pairs."""
    history, grid = History.of(COUNT // 20 if quick else COUNT), SMALL if quick else GRID
    ways = {name: way for name, (module, way) in WAYS.items() if not module or peer(module) is not None}
    seconds, found = dict[str, float](), dict[str, int]()
    for place in range(2 if quick else _ROUNDS + 1):
        for name, way in ways.items():
            began = time.process_time()
            found[name] = way(history, grid)
            took = time.process_time() - began
            seconds[name] = min(seconds.get(name, took), took) if place > 1 else took
    mine = seconds["ninja-daemon"]
    rows = [
        [name, f"{1_000 * took:,.1f} ms", f"{len(grid.pairs) / took:,.0f}", short(took / mine), f"{found[name]:,}"]
        for name, took in seconds.items()
    ]
    table = Table(["", "processor", "pairs/s", "× ours", "ended signals"], rows)
    return Chapter(
        f"Sweep of {len(grid.pairs)} pairs over {len(history.columns):,} H4 candles", _TEXT, [table], _figures(seconds)
    )


def _figures(seconds: dict[str, float]) -> list[Figure]:
    if "vectorbt" not in seconds:
        return []
    claim = "vectorbt needs so many times as long for a sweep of 200 pairs over ten years of H4, outcomes included"
    return [at_least("sweep-ahead", claim, seconds["vectorbt"] / seconds["ninja-daemon"], 5.0)]
