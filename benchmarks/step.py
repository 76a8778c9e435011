"""(b) One candle into one strategy: two averages, a 14 candle ATR, and whether the side has turned."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from benchmarks.peers import peer
from benchmarks.results import Chapter, Figure, Table, at_least, at_most, short
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.filters.kinds import chosen
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.stepper import Stepper
from ninja_daemon.core.signals.strategy import Strategy

ATR: Final = 14
PERIODS: Final = ((50, 200), (40, 140))
_ROUNDS: Final = 5
_EUR_USD: Final = Instrument("EUR_USD", 5, -4)
_Step = Callable[[Candle], bool]
"""Takes in a candle, tells whether the side has turned."""
_Way = Callable[[int, int], _Step]


STORED: Final = "ninja-daemon, a state each candle"
FILTERED: Final = "ninja-daemon, trend and sessions"
_BEGIN: Final = 1_672_531_200


def ours(fast: int, slow: int) -> _Step:
    """The core's own step, filters and exactness included: an object that is fed, as the others are."""
    rules = _rules(fast, slow)
    live = Stepper(rules, rules.empty_state()).step

    def step(candle: Candle) -> bool:
        return live(candle) is not None

    return step


def ours_stored(fast: int, slow: int) -> _Step:
    """What a wake does with its one candle: the next immutable state, ready to be written down."""
    rules = _rules(fast, slow)
    advance, state = rules.advance, rules.empty_state()

    def step(candle: Candle) -> bool:
        nonlocal state
        state, cross = advance(state, candle)
        return cross is not None

    return step


def ours_filtered(fast: int, slow: int) -> _Step:
    """The same with a trend of days and two sessions, which are looked at where the side turns."""
    average = TrendAverage(Granularity.D, MovingAverageKind.SMA, 50)
    filters = chosen({"sessions": ("london", "new_york"), "trend": average})
    rules = Rules(replace(_rules(fast, slow).strategy, filters=filters), _EUR_USD)
    opened, days = Granularity.D.open_at(_BEGIN - 100 * 86_400), list[Candle]()
    for candle in walk(2_000, seed=3):
        days.append(candle._replace(time=opened))
        opened = Granularity.D.next_close(opened)
    live = Stepper(rules.seeing(average.over(days, 5, 5)), rules.empty_state()).step

    def step(candle: Candle) -> bool:
        return live(candle) is not None

    return step


def _rules(fast: int, slow: int) -> Rules:
    return Rules(Strategy("a", "EUR_USD", Granularity.H1, fast, slow, min_atr_value=Decimal("0.0002")), _EUR_USD)


def nautilus(fast: int, slow: int) -> _Step:
    """Its compiled indicators, fed with numbers, the quickest way in."""
    indicators: Any = peer("nautilus_trader.indicators")
    quick, lazy = indicators.SimpleMovingAverage(fast), indicators.SimpleMovingAverage(slow)
    ranges = indicators.AverageTrueRange(ATR, indicators.MovingAverageType.SIMPLE)
    side = 0

    def step(candle: Candle) -> bool:
        nonlocal side
        close = candle.close / 100_000
        quick.update_raw(close)
        lazy.update_raw(close)
        ranges.update_raw(candle.high / 100_000, candle.low / 100_000, close)
        if not lazy.initialized:
            return False
        before, side = side, _turned(quick.value, lazy.value, side)
        return side * before < 0 and ranges.value > 0

    return step


def talipp(fast: int, slow: int) -> _Step:
    """Its incremental indicators, kept short as its manual says for live data."""
    indicators: Any = peer("talipp.indicators")
    ohlcv: Any = peer("talipp.ohlcv")
    quick, lazy, ranges = indicators.SMA(fast), indicators.SMA(slow), indicators.ATR(ATR)
    side = fed = 0

    def step(candle: Candle) -> bool:
        nonlocal side, fed
        close = candle.close / 100_000
        quick.add(close)
        lazy.add(close)
        ranges.add(ohlcv.OHLCV(candle.open / 100_000, candle.high / 100_000, candle.low / 100_000, close))
        fed += 1
        if fed % 1_000 == 0:
            for indicator in (quick, lazy, ranges):
                indicator.purge_oldest(900 if fed > 1_000 else 500)
        if quick[-1] is None or lazy[-1] is None:
            return False
        before, side = side, _turned(quick[-1], lazy[-1], side)
        return side * before < 0 and ranges[-1] > 0

    return step


def talib_stream(fast: int, slow: int) -> _Step:
    """Its streams: compiled, opened over the window, then one number at a time."""
    stream: Any = peer("talib.stream")
    numpy: Any = peer("numpy")
    first: list[Candle] = []
    quick: Any = None
    lazy: Any = None
    ranges: Any = None
    side = 0

    def step(candle: Candle) -> bool:
        nonlocal quick, lazy, ranges, side
        if lazy is None:
            first.append(candle)
            if len(first) > slow + ATR:
                high, low, close = (numpy.array([each[field] / 100_000 for each in first]) for field in (2, 3, 4))
                quick, lazy = stream.SMA(close, fast), stream.SMA(close, slow)
                ranges = stream.ATR(high, low, close, ATR)
            return False
        close = candle.close / 100_000
        fast_value, slow_value = quick.update(close), lazy.update(close)
        atr = ranges.update(candle.high / 100_000, candle.low / 100_000, close)
        before, side = side, _turned(fast_value, slow_value, side)
        return bool(side * before < 0 and atr > 0)

    return step


def talib_arrays(fast: int, slow: int) -> _Step:
    """Its functions over the whole kept window, as scripts do."""
    talib: Any = peer("talib")

    def values(high: Any, low: Any, close: Any) -> tuple[float, float, float]:  # noqa: ANN401
        return talib.SMA(close, fast)[-1], talib.SMA(close, slow)[-1], talib.ATR(high, low, close, ATR)[-1]

    return _windowed(slow, values)


def pandas(fast: int, slow: int) -> _Step:
    """Rolling means over the kept window, as the replaced system did."""
    library: Any = peer("pandas")

    def values(high: Any, low: Any, close: Any) -> tuple[float, float, float]:  # noqa: ANN401
        frame = library.DataFrame({"h": high, "l": low, "c": close})
        before = frame["c"].shift(1)
        ranges = library.concat(
            [frame["h"] - frame["l"], (frame["h"] - before).abs(), (frame["l"] - before).abs()], axis=1
        )
        atr = ranges.max(axis=1).rolling(ATR).mean()
        means = (frame["c"].rolling(period).mean().iloc[-1] for period in (fast, slow))
        return next(means), next(means), atr.iloc[-1]

    return _windowed(slow, values)


def hexital(fast: int, slow: int) -> _Step:
    """Its indicators over candles that are kept as long as the slow average needs."""
    library: Any = peer("hexital")
    indicators: Any = peer("hexital.indicators")
    quick, lazy = (indicators.SMA(period=period, rounding=12) for period in (fast, slow))
    ranges = indicators.ATR(period=ATR, rounding=12)
    lifespan = timedelta(hours=2 * slow)
    whole = library.Hexital("a", [], [quick, lazy, ranges], candle_life=lifespan)
    side = 0

    def step(candle: Candle) -> bool:
        nonlocal side
        opened, high, low, close = (price / 100_000 for price in candle[1:])
        at = datetime.fromtimestamp(candle.time, UTC)
        whole.append(library.Candle(opened, high, low, close, 1, timestamp=at))
        first, second = quick.reading(), lazy.reading()
        if first is None or second is None:
            return False
        before, side = side, _turned(first, second, side)
        return bool(side * before < 0 and ranges.reading() > 0)

    return step


def _windowed(slow: int, values: Callable[[Any, Any, Any], tuple[float, float, float]]) -> _Step:
    """Keep the newest candles in arrays of which the newest part is handed on."""
    numpy: Any = peer("numpy")
    size = slow + ATR
    kept = [numpy.full(20 * size, 1.0) for _ in range(3)]
    end = side = 0

    def step(candle: Candle) -> bool:
        nonlocal end, side
        if end == 20 * size:
            for column in kept:
                column[: size - 1] = column[1 - size :]
            end = size - 1
        for column, price in zip(kept, candle[2:], strict=True):
            column[end] = price / 100_000
        end += 1
        if end < size:
            return False
        fast_value, slow_value, atr = values(*(column[end - size : end] for column in kept))
        before, side = side, _turned(fast_value, slow_value, side)
        return bool(side * before < 0 and atr > 0)

    return step


def _turned(fast: float, slow: float, side: int) -> int:
    if fast > slow:
        return 1
    return -1 if fast < slow else side


WAYS: Final[dict[str, tuple[str, _Way, int]]] = {
    "ninja-daemon": ("", ours, 20_000),
    STORED: ("", ours_stored, 20_000),
    FILTERED: ("", ours_filtered, 20_000),
    "nautilus_trader": ("nautilus_trader.indicators", nautilus, 20_000),
    "talipp": ("talipp.indicators", talipp, 10_000),
    "TA-Lib, streams": ("talib.stream", talib_stream, 10_000),
    "TA-Lib, whole window": ("talib", talib_arrays, 5_000),
    "hexital": ("hexital.indicators", hexital, 1_000),
    "pandas": ("pandas", pandas, 300),
}
"""By name: the module that it needs, how to make one, and how many candles it is given a round."""


def walk(count: int, seed: int = 7) -> list[Candle]:
    """Return a random walk of hourly candles."""
    drawn = random.Random(seed)
    close, candles = 110_000, []
    for index in range(count):
        opened, close = close, max(50_000, close + drawn.randint(-80, 80))
        high, low = max(opened, close) + drawn.randint(0, 30), min(opened, close) - drawn.randint(0, 30)
        candles.append(Candle(_BEGIN + 3_600 * index, opened, high, low, close))
    return candles


_TEXT: Final = """\
Two simple averages, a 14 candle ATR, has the side turned: the same random walk, candle by candle, every way in turn,
the best of five rounds. Ours is pure Python, exact in integers, and applies its filters; the others work in binary
floats. The first row is an object that is fed candle after candle, as the others are: what takes in histories, outages
and replays by step. The second makes an immutable state of each candle besides, as a wake does that writes it down, the
third is the first with two filters.
Where a way fills first, the candles that fill it are not timed.

{agreement} TA-Lib's streams are compiled C, each called with one number.
"""


def measure(*, quick: bool) -> Chapter:
    """Feed every way the same candles, in turn, and take each one's best round."""
    ways = {name: way for name, way in WAYS.items() if not way[0] or peer(way[0]) is not None}
    rows, best = [], dict[tuple[int, int], dict[str, float]]()
    for periods in PERIODS:
        seconds = _rounds(ways, periods, 1 if quick else _ROUNDS, 20 if quick else 1)
        best[periods] = seconds
    for name in ways:
        cells = [f"{best[periods][name] * 1e6:,.2f} µs" for periods in PERIODS]
        ratios = [short(best[periods][name] / best[periods]["ninja-daemon"]) for periods in PERIODS]
        rows.append([name, cells[0], ratios[0], cells[1], ratios[1]])
    head = ["", "50/200", "× ours", "40/140", "× ours"]
    return Chapter(
        "One candle into one strategy",
        _TEXT.format(agreement=_agreement(ways, 700 if quick else 1_500)),
        [Table(head, rows)],
        _figures(best),
    )


def _agreement(ways: dict[str, tuple[str, _Way, int]], count: int) -> str:
    """Say whether all ways find the same turns."""
    candles = walk(count)
    found = {}
    for name, (_, make, _) in ways.items():
        step = make(*PERIODS[0])
        found[name] = [index for index, candle in enumerate(candles) if step(candle)]
    others = [name for name, turns in found.items() if turns != found["ninja-daemon"]]
    if others:
        return f"Other turns of the side than ours are found by {', '.join(others)}."
    return f"All find the same {len(found['ninja-daemon'])} turns of the side in the first {count:,} candles."


def _rounds(
    ways: dict[str, tuple[str, _Way, int]], periods: tuple[int, int], rounds: int, divisor: int
) -> dict[str, float]:
    """Return the seconds a step of each way, in its best round."""
    fast, slow = periods
    warm = slow + 2 * ATR
    candles = walk(warm + (rounds + 1) * max(count for _, _, count in ways.values()) // divisor)
    steps = {name: make(fast, slow) for name, (_, make, _) in ways.items()}
    places = dict.fromkeys(ways, warm)
    for step in steps.values():
        for candle in candles[:warm]:
            step(candle)
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, (_, _, count) in ways.items():
            start = places[name]
            places[name] = stop = start + max(10, count // divisor)
            seconds = _timed(steps[name], candles[start:stop])
            best[name] = min(best.get(name, seconds), seconds)
    return best


def _timed(step: _Step, candles: Sequence[Candle]) -> float:
    began = time.process_time()
    for candle in candles:
        step(candle)
    return (time.process_time() - began) / len(candles)


def _figures(best: dict[tuple[int, int], dict[str, float]]) -> list[Figure]:
    seconds = best[PERIODS[0]]
    mine = seconds["ninja-daemon"]
    claim = "one candle into one strategy and the state of it, averages 50 and 200"
    figures = [at_most("step", claim, seconds[STORED] * 1e6, 3.0, " µs")]
    claim = "the same object with a trend and sessions, over without"
    figures.append(at_most("step-filters", claim, seconds[FILTERED] / mine, 1.5, "×"))
    others = {name: value for name, value in seconds.items() if name not in {"ninja-daemon", STORED, FILTERED}}
    if others:
        nearest = min(others, key=lambda name: others[name])
        claim = f"the quickest peer needs so many times as long for it ({nearest})"
        figures.append(at_least("step-ahead", claim, others[nearest] / mine, 1.0))
    return figures
