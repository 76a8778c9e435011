"""What people compute averages and crosses with: how each library is called, candle by candle aligned with ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

import numpy as np

from ninja_daemon.core.averages.kinds import MovingAverageKind as Kind
from ninja_daemon.core.market.candle import AtrType

Values = Any
"""An array of binary floats, as long as the candles; NaN where there is no value yet."""
Average = Callable[[Values, int], Values]
_BEGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
Crossed = Callable[[Values, int, int], Values]
"""Whether the averages of two periods crossed at each candle, by the library's own function."""


class Prices(NamedTuple):
    """Columns of prices as binary floats, which is what all of these libraries take."""

    high: Values
    low: Values
    close: Values


@dataclass(frozen=True, slots=True)
class Library:
    """A library and what is compared of it.

    Attributes:
        name: of the distribution.
        averages: by the function's name: ours that it should equal, and how it is called.
        ranges: the same of average true ranges.
        crossed: its own function for a cross of two simple averages; None where it has none.
    """

    name: str
    averages: Mapping[str, tuple[Kind, Average]]
    ranges: Mapping[str, tuple[AtrType, Callable[[Prices, int], Values]]] = field(default_factory=dict)
    crossed: tuple[str, Crossed] | None = None


def libraries() -> Iterator[Library | tuple[str, str]]:
    """Go through the libraries; of one that is not here, its name and the reason."""
    for name, make in _ALL.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield make(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield name, _REASONS.get(name, "not installed here")
        except ImportError as error:
            yield f"{name} {version(name)}", f"cannot be imported: {str(error)[:80]}"


def _column(values: Any, length: int) -> Values:  # noqa: ANN401 - each library has its own
    """Return a column of numbers, put in line with the newest candle where it is shorter."""
    column = np.array([np.nan if each is None else each for each in values], dtype=float)
    return np.concatenate((np.full(length - len(column), np.nan), column))


def _rows(prices: Prices) -> Iterator[tuple[float, float, float]]:
    """Go through the candles as high, low and close."""
    return zip(prices.high.tolist(), prices.low.tolist(), prices.close.tolist(), strict=True)


def _talib(name: str) -> Library:
    talib = import_module("talib")
    same = {each: (Kind[each], getattr(talib, each)) for each in ("SMA", "EMA", "WMA", "DEMA", "TEMA")}
    t3 = (Kind.T3, lambda close, period: talib.T3(close, period, 0.7))
    return Library(name, {**same, "T3": t3}, {"ATR": (AtrType.WILDER, lambda prices, n: talib.ATR(*prices, n))})


def _pandas(name: str) -> Library:
    series = import_module("pandas").Series

    def smoothed(close: Values, **weight: float) -> Values:
        return series(close).ewm(adjust=False, **weight).mean().to_numpy()

    return Library(
        name,
        {
            "rolling(n).mean()": (Kind.SMA, lambda close, n: series(close).rolling(n).mean().to_numpy()),
            "ewm(span=n, adjust=False)": (Kind.EMA, lambda close, n: smoothed(close, span=n)),
            "ewm(alpha=1/n, adjust=False)": (Kind.SMMA, lambda close, n: smoothed(close, alpha=1 / n)),
        },
    )


def _classic(name: str) -> Library:
    ta, series = import_module("pandas_ta_classic"), import_module("pandas").Series

    def of(function: str, **more: object) -> Average:
        return lambda close, n: getattr(ta, function)(series(close), length=n, **more).to_numpy()

    def crossed(close: Values, fast: int, slow: int) -> Values:
        one, other = (ta.sma(series(close), length=n) for n in (fast, slow))
        return (ta.cross(one, other) + ta.cross(one, other, above=False)).to_numpy() > 0

    kinds = {"sma": "SMA", "ema": "EMA", "wma": "WMA", "rma": "SMMA", "dema": "DEMA", "tema": "TEMA", "hma": "HMA"}
    averages = {each: (Kind[kind], of(each)) for each, kind in kinds.items()}
    averages |= {"zlma": (Kind.ZLEMA, of("zlma")), "t3": (Kind.T3, of("t3", a=0.7))}
    atr = {"atr": (AtrType.WILDER, lambda prices, n: ta.atr(*map(series, prices), length=n).to_numpy())}
    return Library(name, averages, atr, ("cross", crossed))


def _talipp(name: str) -> Library:
    indicators, ohlcv = import_module("talipp.indicators"), import_module("talipp.ohlcv").OHLCV

    def of(each: str, *more: float) -> Average:
        made = getattr(indicators, each)
        return lambda close, n: _column(made(n, *more, input_values=close.tolist()), len(close))

    def ranges(prices: Prices, period: int) -> Values:
        candles = [ohlcv(close, high, low, close) for high, low, close in _rows(prices)]
        return _column(indicators.ATR(period, input_values=candles), len(candles))

    same = {each: (Kind[each], of(each)) for each in ("SMA", "EMA", "WMA", "SMMA", "DEMA", "TEMA", "HMA")}
    more = {"ZLEMA": (Kind.ZLEMA, of("ZLEMA")), "T3": (Kind.T3, of("T3", 0.7))}
    return Library(name, {**same, **more}, {"ATR": (AtrType.WILDER, ranges)})


def _hexital(name: str) -> Library:
    hexital, indicators = import_module("hexital"), import_module("hexital.indicators")
    analysis = import_module("hexital.analysis")

    def fed(close: Values, *made: Any) -> Any:  # noqa: ANN401 - untyped library
        candles = [
            hexital.Candle(one, one, one, one, 1, timestamp=_BEGIN + place * timedelta(hours=4))
            for place, one in enumerate(close.tolist())
        ]
        whole = hexital.Hexital("a", candles, list(made))
        whole.calculate()
        return whole

    def of(each: str) -> Average:
        def values(close: Values, period: int) -> Values:
            indicator = getattr(indicators, each)(period=period, rounding=12)
            whole = fed(close, indicator)
            return _column([candle.indicators.get(indicator.name) for candle in whole.candles()], len(close))

        return values

    def crossed(close: Values, fast: int, slow: int) -> Values:
        one, other = (indicators.SMA(period=n, rounding=12) for n in (fast, slow))
        whole = fed(close, one, other)
        names = one.name, other.name
        return np.array([analysis.cross(whole, *names, index=place) if place else False for place in range(len(close))])

    kinds = {"SMA": "SMA", "EMA": "EMA", "WMA": "WMA", "RMA": "SMMA", "HMA": "HMA"}
    averages = {each: (Kind[kind], of(each)) for each, kind in kinds.items() if hasattr(indicators, each)}
    return Library(name, averages, crossed=("cross", crossed))


def _vectorbt(name: str) -> Library:
    vbt = import_module("vectorbt")

    def crossed(close: Values, fast: int, slow: int) -> Values:
        one, other = vbt.MA.run(close, fast), vbt.MA.run(close, slow)
        return (one.ma_crossed_above(other) | one.ma_crossed_below(other)).to_numpy()

    return Library(
        name,
        {
            "MA.run(close, n)": (Kind.SMA, lambda close, n: vbt.MA.run(close, n).ma.to_numpy()),
            "MA.run(close, n, ewm=True)": (Kind.EMA, lambda close, n: vbt.MA.run(close, n, ewm=True).ma.to_numpy()),
        },
        {"ATR.run(…, ewm=False)": (AtrType.SMA, lambda prices, n: vbt.ATR.run(*prices, n, ewm=False).atr.to_numpy())},
        ("ma_crossed_above", crossed),
    )


def _backtesting(name: str) -> Library:
    lib, series = import_module("backtesting.lib"), import_module("pandas").Series
    sma = import_module("backtesting.test").SMA

    def crossed(close: Values, fast: int, slow: int) -> Values:
        one, other = (np.asarray(sma(series(close), n)) for n in (fast, slow))
        pairs = ((one[end - 1 : end + 1], other[end - 1 : end + 1]) for end in range(1, len(close)))
        found = [lib.crossover(now, then) or lib.crossover(then, now) for now, then in pairs]
        return np.array([False, *found])

    averages = {"test.SMA": (Kind.SMA, lambda close, n: np.asarray(sma(series(close), n)))}
    return Library(name, averages, crossed=("crossover", crossed))


def _backtrader(name: str) -> Library:
    bt, pd = import_module("backtrader"), import_module("pandas")

    def run(prices: Prices, make: Callable[[Any], Mapping[str, Any]]) -> Mapping[str, Values]:
        index = pd.date_range("2000-01-01", periods=len(prices.close), freq="4h")
        high, low, close = prices
        frame = pd.DataFrame({"open": close, "high": high, "low": low, "close": close, "volume": 1.0}, index=index)

        class Watching(bt.Strategy):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                self.made = make(self)

        engine = bt.Cerebro(stdstats=False)
        engine.adddata(bt.feeds.PandasData(dataname=frame))
        engine.addstrategy(Watching)
        (ran,) = engine.run(runonce=True)
        return {each: np.array(line.lines[0].array, dtype=float) for each, line in ran.made.items()}

    def of(each: str) -> Average:
        make = getattr(bt.indicators, each)
        return lambda close, n: run(Prices(close, close, close), lambda _: {"x": make(period=n)})["x"]

    def crossed(close: Values, fast: int, slow: int) -> Values:
        def make(_: Any) -> Mapping[str, Any]:  # noqa: ANN401 - untyped library
            return {"x": bt.indicators.CrossOver(*(bt.indicators.SMA(period=n) for n in (fast, slow)))}

        return np.nan_to_num(run(Prices(close, close, close), make)["x"]) != 0

    kinds = {"SMA": "SMA", "EMA": "EMA", "WMA": "WMA", "SMMA": "SMMA", "DEMA": "DEMA", "TEMA": "TEMA", "HMA": "HMA"}
    averages = {each: (Kind[kind], of(each)) for each, kind in kinds.items()}
    atr = {"ATR": (AtrType.WILDER, lambda prices, n: run(prices, lambda _: {"x": bt.indicators.ATR(period=n)})["x"])}
    return Library(name, averages, atr, ("CrossOver", crossed))


def _stockstats(name: str) -> Library:
    wrap, frame = import_module("stockstats").wrap, import_module("pandas").DataFrame

    def of(each: str) -> Average:
        return lambda close, n: wrap(frame({"close": close}))[f"close_{n}_{each}"].to_numpy()

    def crossed(close: Values, fast: int, slow: int) -> Values:
        return wrap(frame({"close": close}))[f"close_{fast}_sma_x_close_{slow}_sma"].to_numpy().astype(bool)

    def ranges(prices: Prices, period: int) -> Values:
        return wrap(frame(prices._asdict()))[f"atr_{period}"].to_numpy()

    averages = {f"close_n_{each}": (Kind[each.upper()], of(each)) for each in ("sma", "ema", "smma")}
    return Library(name, averages, {"atr_n": (AtrType.WILDER, ranges)}, ("close_n_sma_x_close_m_sma", crossed))


def _newtulipy(name: str) -> Library:
    ti = import_module("tulipy")

    def of(each: str) -> Average:
        return lambda close, n: _column(getattr(ti, each)(close, n), len(close))

    def crossed(close: Values, fast: int, slow: int) -> Values:
        one, other = (_column(ti.sma(close, n), len(close)) for n in (fast, slow))
        found = ti.crossany(np.ascontiguousarray(one[slow - 1 :]), np.ascontiguousarray(other[slow - 1 :]))
        return np.concatenate((np.zeros(len(close) - len(found)), found)) > 0

    kinds = {"sma": "SMA", "ema": "EMA", "wma": "WMA", "wilders": "SMMA", "dema": "DEMA", "tema": "TEMA", "hma": "HMA"}
    averages = {each: (Kind[kind], of(each)) for each, kind in [*kinds.items(), ("zlema", "ZLEMA")]}
    atr = {"atr": (AtrType.WILDER, lambda prices, n: _column(ti.atr(*prices, n), len(prices.close)))}
    return Library(name, averages, atr, ("crossany", crossed))


def _technical(name: str) -> Library:
    qtpylib, series = import_module("technical.qtpylib"), import_module("pandas").Series
    overlap = import_module("technical.indicators.overlap_studies")
    own = import_module("technical.indicators.indicators")
    frame = import_module("pandas").DataFrame

    def crossed(close: Values, fast: int, slow: int) -> Values:
        one, other = (qtpylib.rolling_mean(series(close), n, n) for n in (fast, slow))
        return np.asarray(qtpylib.crossed(one, other))

    return Library(
        name,
        {
            "qtpylib.sma": (Kind.SMA, lambda close, n: np.asarray(qtpylib.sma(series(close), n))),
            "qtpylib.wma": (Kind.WMA, lambda close, n: np.asarray(qtpylib.wma(series(close), n))),
            "tv_wma": (Kind.WMA, lambda close, n: np.asarray(own.tv_wma(series(close), n))),
            "rma": (Kind.SMMA, lambda close, n: np.asarray(overlap.rma(frame({"close": close}), n))),
            "tv_hma": (Kind.HMA, lambda close, n: np.asarray(own.tv_hma(frame({"close": close}), n))),
        },
        crossed=("qtpylib.crossed", crossed),
    )


def _nautilus(name: str) -> Library:
    indicators = import_module("nautilus_trader.indicators")

    def fed(indicator: Any, rows: Any) -> Values:  # noqa: ANN401 - compiled library
        found = []
        for row in rows:
            indicator.update_raw(*row)
            found.append(indicator.value if indicator.initialized else None)
        return _column(found, len(found))

    def of(make: Callable[[int], Any]) -> Average:
        return lambda close, n: fed(make(n), ((float(one),) for one in close))

    kinds = {
        "SimpleMovingAverage": "SMA",
        "ExponentialMovingAverage": "EMA",
        "WilderMovingAverage": "SMMA",
        "DoubleExponentialMovingAverage": "DEMA",
        "HullMovingAverage": "HMA",
    }
    averages = {each: (Kind[kind], of(getattr(indicators, each))) for each, kind in kinds.items()}
    averages["WeightedMovingAverage"] = (
        Kind.WMA,
        of(lambda n: indicators.WeightedMovingAverage(n, np.arange(1.0, n + 1))),
    )
    ways = {"SIMPLE": AtrType.SMA, "WILDER": AtrType.WILDER}

    def ranges(way: str) -> Callable[[Prices, int], Values]:
        kind = indicators.MovingAverageType[way]
        return lambda prices, n: fed(indicators.AverageTrueRange(n, kind), _rows(prices))

    return Library(name, averages, {f"AverageTrueRange, {way}": (kind, ranges(way)) for way, kind in ways.items()})


def _polars(name: str) -> Library:
    series = import_module("polars").Series
    return Library(
        name,
        {
            "rolling_mean(n)": (Kind.SMA, lambda close, n: series(close).rolling_mean(n).to_numpy()),
            "ewm_mean(span=n, adjust=False)": (
                Kind.EMA,
                lambda close, n: series(close).ewm_mean(span=n, adjust=False).to_numpy(),
            ),
        },
    )


_ALL: Final[Mapping[str, Callable[[str], Library]]] = {
    "TA-Lib": _talib,
    "pandas": _pandas,
    "pandas-ta": _classic,
    "pandas-ta-classic": _classic,
    "talipp": _talipp,
    "hexital": _hexital,
    "vectorbt": _vectorbt,
    "backtesting": _backtesting,
    "backtrader": _backtrader,
    "stockstats": _stockstats,
    "newtulipy": _newtulipy,
    "technical": _technical,
    "nautilus_trader": _nautilus,
    "polars": _polars,
}
_REASONS: Final = {"pandas-ta": "its releases need Python 3.12 or newer, and this environment is of 3.11"}
