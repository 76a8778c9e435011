"""(c) Ten years of one-minute candles through the rules: averages of 50 and 200, ATR, filters, signals."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.peers import peer
from benchmarks.results import Chapter, Figure, Picture, Table, at_least, at_most, short
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.replay import replay

COUNT: Final = 3_700_000
FAST, SLOW, ATR = 50, 200, 14
MIN_ATR: Final = 0.00013
"""About half of the crosses pass it, so that both outcomes cost what they cost."""
_PART: Final = 500_000
_UNIT: Final = 100_000


@dataclass(frozen=True, slots=True)
class History:
    """A random walk of one-minute candles, as integers for us and as floats for the others."""

    columns: CandleColumns
    open: Any
    high: Any
    low: Any
    close: Any

    @classmethod
    def of(cls, count: int) -> History:
        """Draw one."""
        drawn = np.random.default_rng(5)
        close = 110_000 + np.cumsum(drawn.integers(-12, 13, count))
        close += max(0, 20_000 - int(close.min()))
        opened = np.concatenate(([110_000], close[:-1]))
        high = np.maximum(opened, close) + drawn.integers(0, 8, count)
        low = np.minimum(opened, close) - drawn.integers(0, 8, count)
        times = 1_420_066_800 + 60 * np.arange(count, dtype=np.int64)
        floats = (column / _UNIT for column in (opened, high, low, close))
        return cls(CandleColumns(times, opened, high, low, close), *floats)

    def part(self, count: int) -> History:
        """Return the beginning of it."""
        columns = self.columns.part(0, count)
        return History(columns, *(column[:count] for column in (self.open, self.high, self.low, self.close)))


def ours(history: History) -> int:
    """The product's replay: exact, with filters, stops, targets and ids."""
    strategy = Strategy("a", "EUR_USD", Granularity.M1, FAST, SLOW, min_atr_value=Decimal(str(MIN_ATR)))
    columns = history.columns
    parts = (columns.part(start, start + _PART) for start in range(0, len(columns), _PART))
    (report,) = replay([Rules(strategy, Instrument("EUR_USD", 5, -4))], parts)
    return len(report.signals)


def pandas(history: History) -> int:
    """Rolling means over the whole frame, as notebooks do; crosses and filter."""
    library: Any = peer("pandas")
    close, high, low = (library.Series(column) for column in (history.close, history.high, history.low))
    fast, slow = close.rolling(FAST).mean(), close.rolling(SLOW).mean()
    before = close.shift(1)
    ranges = np.maximum(high, before) - np.minimum(low, before)
    atr = ranges.rolling(ATR).mean()
    above = fast > slow
    crossed = (above != above.shift(1, fill_value=False)) & slow.shift(1).notna() & (atr >= MIN_ATR)
    averages = (fast.to_numpy(), slow.to_numpy(), atr.to_numpy())
    return _signals(history, crossed.to_numpy(), above.to_numpy(), averages)


def talib(history: History) -> int:
    """TA-Lib's averages over the arrays, crosses and filter in numpy."""
    library: Any = peer("talib")
    fast, slow = library.SMA(history.close, FAST), library.SMA(history.close, SLOW)
    atr = library.ATR(history.high, history.low, history.close, ATR)
    above = fast > slow
    crossed = np.zeros(len(above), dtype=bool)
    crossed[1:] = (above[1:] != above[:-1]) & ~np.isnan(slow[:-1]) & (atr[1:] >= MIN_ATR)
    return _signals(history, crossed, above, (fast, slow, atr))


def vectorbt(history: History) -> int:
    """Its compiled averages and crosses, the filter in numpy."""
    library: Any = peer("vectorbt")
    frame: Any = peer("pandas")
    close = frame.Series(history.close)
    fast, slow = library.MA.run(close, FAST), library.MA.run(close, SLOW)
    atr = library.ATR.run(frame.Series(history.high), frame.Series(history.low), close, ATR).atr
    above = fast.ma_crossed_above(slow)
    crossed = (above | fast.ma_crossed_below(slow)) & (atr >= MIN_ATR)
    averages = (fast.ma.to_numpy(), slow.ma.to_numpy(), atr.to_numpy())
    return _signals(history, crossed.to_numpy(), above.to_numpy(), averages)


def _signals(history: History, crossed: Any, above: Any, averages: tuple[Any, Any, Any]) -> int:  # noqa: ANN401
    """Make of crosses what a signal of the contract holds, in floats: every field that ours has."""
    places = np.flatnonzero(crossed)
    side = np.where(above[places], 1, -1)
    close = history.close[places]
    fast, slow, ranges = (np.round(column[places], 10) for column in averages)
    stop, target = np.round(close - 2 * side * ranges, 5), np.round(close + 3 * side * ranges, 5)
    pips = (np.round(np.abs(close - level) * 10_000, 1) for level in (stop, target))
    times = history.columns.time[places].astype("datetime64[s]")
    opened, closed = (np.datetime_as_string(column, timezone="UTC") for column in (times, times + 60))
    columns = (opened, closed, side, close, fast, slow, ranges, stop, target, *pips)
    signals = [
        Made._make((_id(row), "a", "EUR_USD", "M1", *row, 1.5, False, row[1]))
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return len(signals)


def _id(row: tuple[Any, ...]) -> str:
    return sha256(f"v1|a|settings|EUR_USD|M1|{row[0]}|{row[2]}".encode()).hexdigest()[:32]


class Made(NamedTuple):
    """A signal of the others: the fields of ours."""

    id: str
    strategy: str
    instrument: str
    timeframe: str
    time: str
    close_time: str
    side: int
    close: float
    fast_ma: float
    slow_ma: float
    atr: float
    stop_loss: float
    take_profit: float
    sl_pips: float
    tp_pips: float
    risk_reward_ratio: float
    late: bool
    created_at: str


def backtesting(history: History) -> int:
    """Its bar by bar engine with a strategy of a few lines; it also keeps accounts, which cannot be left out."""
    library: Any = peer("backtesting")
    frames: Any = peer("pandas")
    frame = frames.DataFrame({"Open": history.open, "High": history.high, "Low": history.low, "Close": history.close})
    frame.index = frames.to_datetime(history.columns.time, unit="s")

    def mean(values: Any, period: int) -> Any:  # noqa: ANN401
        return frames.Series(values).rolling(period).mean()

    class Crossing(library.Strategy):  # type: ignore[misc]  # it comes at run time
        def init(self) -> None:
            self.fast, self.slow = self.I(mean, self.data.Close, FAST), self.I(mean, self.data.Close, SLOW)
            self.found = 0

        def next(self) -> None:
            if library.lib.crossover(self.fast, self.slow) or library.lib.crossover(self.slow, self.fast):
                self.found += 1

    peer("backtesting.lib")
    quiet: Any = peer("backtesting.backtesting")
    quiet._tqdm = lambda sequence, **_: sequence  # noqa: SLF001 - its progress bar would go into the report
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = library.Backtest(frame, Crossing, cash=1_000_000).run()
    return int(result["_strategy"].found)


WAYS: Final[dict[str, tuple[str, Callable[[History], int], int]]] = {
    "ninja-daemon": ("", ours, 1),
    "TA-Lib": ("talib", talib, 1),
    "vectorbt": ("vectorbt", vectorbt, 1),
    "pandas": ("pandas", pandas, 1),
    "backtesting.py": ("backtesting", backtesting, 20),
}
"""By name: the module that it needs, how it is done, and which part of the candles it is given."""


_TEXT: Final = """\
Averages of 50 and 200 candles, a 14 candle ATR and its filter over a random walk in memory; the best of four runs in
turn, in seconds of the processor, after one that warms compilers up. Every way ends with the same thing, a record a
signal with all of the contract's fields. Ours computes in integers, compares exactly and rounds half-even; to pandas,
vectorbt and TA-Lib a few lines of numpy are added that make the fields, in binary floats. TA-Lib's and vectorbt's ATR
is not the simple mean, so other crosses pass their filter; pandas loses those whose ATR equals the filter's threshold
exactly. backtesting.py goes bar by bar, is given a part of the candles and no filter, and makes no records. Of ours a
quarter goes over the candles, block by block; the rest makes exact decimals, hashes ids and fills records, which Python
alone does not do faster: so 1.5 times ahead of TA-Lib with records in floats is out of reach.
"""


def measure(*, quick: bool) -> Chapter:
    """Give every way the same candles; the first run of each warms compilers up, on a short part."""
    count = COUNT // 100 if quick else COUNT
    history = History.of(count)
    seconds, found = dict[str, float](), dict[str, int]()
    ways = {name: each for name, each in WAYS.items() if not each[0] or peer(each[0]) is not None}
    for place in range(1 if quick else 4):
        for name, (_, way, share) in ways.items():
            if place == 0:
                way(history.part(5_000))
            elif share > 1:
                continue
            took, found[name] = _timed(way, history.part(count // share))
            seconds[name] = min(seconds.get(name, float("inf")), took * share)
    mine = seconds["ninja-daemon"]
    rows = [
        [
            name + (f" (measured on 1/{share})" if (share := WAYS[name][2]) > 1 else ""),
            f"{value:,.2f} s",
            f"{count / value / 1e6:,.2f} million/s",
            short(value / mine),
            f"{found[name]:,}",
        ]
        for name, value in seconds.items()
    ]
    return Chapter(
        f"Replay of {count:,} one-minute candles",
        _TEXT,
        [Table(["", "seconds", "candles", "× ours", "signals"], rows)],
        _figures(seconds),
        [_growth(history)],
    )


def _growth(history: History) -> Picture:
    """Measure how the seconds grow with the history."""
    length = len(history.columns)
    counts = [count for count in (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_700_000) if count <= length]
    curves: dict[str, list[tuple[float, float]]] = {}
    for name in ("ninja-daemon", "TA-Lib", "pandas", "vectorbt"):
        module, way, _ = WAYS[name]
        if not module or peer(module) is not None:
            curves[name] = [(count, min(_timed(way, history.part(count))[0] for _ in range(2))) for count in counts]
    return Picture("replay-history", "A replay over the length of the history", "candles", "seconds", curves)


def _timed(way: Callable[[History], int], history: History) -> tuple[float, int]:
    """Return the processor's seconds, which nobody else on the machine stretches, and the number of signals."""
    began = time.process_time()
    found = way(history)
    return time.process_time() - began, found


def _figures(seconds: dict[str, float]) -> list[Figure]:
    mine = seconds["ninja-daemon"]
    figures = [at_most("replay", "replay of 3.7 million one-minute candles, averages 50 and 200", mine, 2.0, " s")]
    others = {name: value for name, value in seconds.items() if name != "ninja-daemon"}
    if others:
        nearest = min(others, key=lambda name: others[name])
        claim = f"the quickest peer needs so many times as long for the replay ({nearest})"
        figures.append(at_least("replay-ahead", claim, others[nearest] / mine, 1.5))
    return figures
