"""What becomes of every cross under the filters of contract 13, worked out the slow way from the contract alone.

Shares nothing with the package: each candle sums its windows anew in fractions of a price unit, and times are walked
by ``tests.oracle``. Candles are tuples of open time, open, high, low and close, prices in whole units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from operator import mul
from zoneinfo import ZoneInfo

from tests.oracle import close_time

Candle = tuple[int, int, int, int, int]
Judged = tuple[int, int, str | None]
"""Open of the candle, 1 or -1, and the filter that rejects the cross, None for a signal."""

NEW_YORK = ZoneInfo("America/New_York")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMED = {
    "sydney": "07:00-16:00 Australia/Sydney",
    "tokyo": "09:00-18:00 Asia/Tokyo",
    "london": "08:00-17:00 Europe/London",
    "new_york": "08:00-17:00 America/New_York",
}
NONE_KNOWN: Mapping[int, int] = {}
News = tuple[int, Sequence[tuple[int, str, str, int, int | None]]]
"""Since when a calendar is read, and its events: time, currency, impact, since when and until when it said them."""
NO_NEWS: News = (0, ())
DIGITS = 10
"""Digits of a price unit that a smoothed value keeps."""


@dataclass(frozen=True)
class Settings:
    """A strategy as its file says it. Prices have ``decimals`` digits, of which ``pip_digits`` are finer than a pip."""

    timeframe: str = "H4"
    fast_ma: int = 5
    slow_ma: int = 20
    fast_type: str = "sma"
    slow_type: str = "sma"
    source: str = "close"
    atr_type: str = "sma"
    atr_period: int = 14
    sl_atr_multiplier: str = "2"
    tp_atr_multiplier: str = "3"
    min_atr_value: str = "0"
    min_rr_ratio: str = "1.5"
    instrument: str = "EUR_USD"
    decimals: int = 5
    pip_digits: int = 1
    sessions: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    trend: tuple[str, str, int] | None = None
    max_spread_pips: str = "0"
    min_candles_between: int = 0
    min_gap_pips: str = "0"
    min_slope_pips: str = "0"
    quiet_around: tuple[tuple[str, ...], int, int, tuple[str, ...]] | None = None
    """Impacts, minutes before and after, currencies; none of these for the instrument's own."""


def judged(
    candles: Sequence[Candle],
    settings: Settings,
    larger: Sequence[Candle] = (),
    spreads: Mapping[int, int] = NONE_KNOWN,
    news: News = NO_NEWS,
) -> list[Judged]:
    """Every cross of a history, the first candle being the first of all.

    ``larger`` are the candles of the trend, ``spreads`` those at the closes by open, in whole units,
    ``news`` what a calendar said when.
    """
    values = [value_of(candle, settings.source) for candle in candles]
    fast = averages(values, settings.fast_type, settings.fast_ma)
    slow = averages(values, settings.slow_type, settings.slow_ma)
    ranges = average_ranges(candles, settings)
    found: list[Judged] = []
    last_signal: int | None = None
    trends = trend_values(larger, settings)
    for place, side in turns(fast, slow):
        known = (fast[place - 1 : place + 1], slow[place - 1 : place + 1], ranges[place])
        since = None if last_signal is None else place - last_signal
        trend = trend_at(closed_at(candles[place][0], settings.timeframe), trends)
        beside = trend, spreads.get(candles[place][0]), news
        reason = next(rejections(candles[place], side, known, since, beside, settings), None)
        if reason is None:
            last_signal = place
        found.append((candles[place][0], side, reason))
    return found


def figures(candles: Sequence[Candle], settings: Settings, at: Sequence[int]) -> list[tuple[Fraction, ...]]:
    """Fast average, slow average and average true range after the candles that open at some times, as prices."""
    values = [value_of(candle, settings.source) for candle in candles]
    columns = (
        averages(values, settings.fast_type, settings.fast_ma),
        averages(values, settings.slow_type, settings.slow_ma),
        average_ranges(candles, settings),
    )
    places = [place for place, candle in enumerate(candles) if candle[0] in set(at)]
    digits = settings.decimals + 5
    return [
        tuple(round(Fraction(column[place] or 0) / 10**settings.decimals, digits) for column in columns)
        for place in places
    ]


def value_of(candle: Candle, source: str) -> int:
    """In twelfths of a price unit, which are whole for every source."""
    _, opened, high, low, close = candle
    prices = {"close": (close,), "hl2": (high, low), "hlc3": (high, low, close), "ohlc4": (opened, high, low, close)}
    return 12 // len(prices[source]) * sum(prices[source])


def averages(values: Sequence[int], kind: str, period: int) -> list[Fraction | None]:
    """The average after each of some twelfths, in whole units; None while there are too few."""
    if kind in {"ema", "smma"}:
        return smoothed(values, period, Fraction(2, period + 1) if kind == "ema" else Fraction(1, period))
    weights = [1] * period if kind == "sma" else list(range(1, period + 1))
    assert kind in {"sma", "wma"}
    found: list[Fraction | None] = [None] * min(period - 1, len(values))
    for end in range(period, len(values) + 1):
        held = values[end - period : end]
        total = sum(held if kind == "sma" else map(mul, weights, held))
        found.append(Fraction(total, 12 * sum(weights)))
    return found


def smoothed(values: Sequence[int], period: int, share: Fraction) -> list[Fraction | None]:
    """Begins with the mean of the first values; every result is rounded half-even."""
    found: list[Fraction | None] = [None] * min(period - 1, len(values))
    if len(values) >= period:
        now = rounded(Fraction(sum(values[:period]), 12 * period))
        found.append(now)
        for value in values[period:]:
            now = rounded(now + share * (Fraction(value, 12) - now))
            found.append(now)
    return found


def rounded(value: Fraction) -> Fraction:
    return Fraction(round(value * 10**DIGITS), 10**DIGITS)


def average_ranges(candles: Sequence[Candle], settings: Settings) -> list[Fraction | None]:
    """The average true range after each candle; the first candle has no true range."""
    ranges = [
        12 * max(now[2] - now[3], abs(now[2] - before[4]), abs(now[3] - before[4])) for before, now in pairwise(candles)
    ]
    kind = {"sma": "sma", "wilder": "smma"}[settings.atr_type]
    return [None, *averages(ranges, kind, settings.atr_period)] if candles else []


def trend_values(larger: Sequence[Candle], settings: Settings) -> list[tuple[datetime, Fraction | None]]:
    """The average of the larger timeframe from each of its closes on."""
    if settings.trend is None:
        return []
    timeframe, kind, period = settings.trend
    values = averages([12 * close for *_, close in larger], kind, period)
    return [(closed_at(candle[0], timeframe), value) for candle, value in zip(larger, values, strict=True)]


def trend_at(closed: datetime, trends: Sequence[tuple[datetime, Fraction | None]]) -> Fraction | None:
    """The one after the last larger candle that is complete by then."""
    return next((value for since, value in reversed(trends) if since <= closed), None)


def turns(fast: Sequence[Fraction | None], slow: Sequence[Fraction | None]) -> Iterator[tuple[int, int]]:
    side = 0
    for place, (one, other) in enumerate(zip(fast, slow, strict=True)):
        if one is None or other is None or one == other:
            continue
        now = 1 if one > other else -1
        if side not in {0, now}:
            yield place, now
        side = now


def rejections(
    candle: Candle,
    side: int,
    known: tuple[Sequence[Fraction | None], Sequence[Fraction | None], Fraction | None],
    since: int | None,
    beside: tuple[Fraction | None, int | None, News],
    settings: Settings,
) -> Iterator[str]:
    """The filters that reject a cross, in the contract's order."""
    (fast_before, fast), (slow_before, slow), atr = known
    if atr is None:
        yield "atr"
        return
    if atr < Fraction(settings.min_atr_value) * 10**settings.decimals:
        yield "min_atr_value"
    stop, target = Fraction(settings.sl_atr_multiplier), Fraction(settings.tp_atr_multiplier)
    if target / stop < Fraction(settings.min_rr_ratio):
        yield "min_rr_ratio"
    levels = (round(candle[4] - side * atr * stop), round(candle[4] + side * atr * target))
    if any(level <= 0 or level == candle[4] for level in levels):
        yield "no_room"
    yield from rejections_by_close(closed_at(candle[0], settings.timeframe), settings)
    yield from rejections_by_market(candle, side, *beside[:2], settings)
    if since is not None and since < settings.min_candles_between:
        yield "min_candles_between"
    assert fast is not None
    assert slow is not None
    assert fast_before is not None
    assert slow_before is not None
    pip = 10**settings.pip_digits
    if abs(fast - slow) / pip < Fraction(settings.min_gap_pips):
        yield "min_gap_pips"
    if abs((fast - slow) - (fast_before - slow_before)) / pip < Fraction(settings.min_slope_pips):
        yield "min_slope_pips"
    if is_near_news(int(closed_at(candle[0], settings.timeframe).timestamp()), beside[2], settings):
        yield "quiet_around"


def is_near_news(close: int, news: News, settings: Settings) -> bool:
    """From so long before an event on, until so long after it; as the calendar said at the close."""
    if settings.quiet_around is None:
        return False
    impacts, before, after, currencies = settings.quiet_around
    begun, events = news
    for time, currency, impact, since, until in events:
        is_said = until is None if close < begun else since <= close and (until is None or until > close)
        counts = impact in impacts and currency in (*(currencies or settings.instrument.split("_")), "ALL")
        if is_said and counts and time - 60 * before <= close < time + 60 * after:
            return True
    return False


def rejections_by_market(
    candle: Candle, side: int, trend: Fraction | None, spread: int | None, settings: Settings
) -> Iterator[str]:
    """Those that go by more than the candle; what is not known rejects."""
    if settings.trend is not None and (trend is None or side * (candle[4] - trend) <= 0):
        yield "trend"
    widest = Fraction(settings.max_spread_pips) * 10**settings.pip_digits
    if widest and (spread is None or spread > widest):
        yield "max_spread_pips"


def rejections_by_close(closed: datetime, settings: Settings) -> Iterator[str]:
    """Those that go by the time of the close alone."""
    if settings.sessions and not any(is_within(closed, NAMED.get(one, one)) for one in settings.sessions):
        yield "sessions"
    if settings.days and trading_weekday(closed) not in settings.days:
        yield "days"


def closed_at(opened: int, timeframe: str) -> datetime:
    text = datetime.fromtimestamp(opened, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return datetime.strptime(close_time(text, timeframe), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def is_within(closed: datetime, session: str) -> bool:
    """The beginning belongs to a session, its end does not."""
    hours, zone = session.split(" ")
    begin, end = hours.split("-")
    now = closed.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    return begin <= now < end if begin < end else now >= begin or now < end


def trading_weekday(closed: datetime) -> str:
    """Until 17:00 in New York, that moment included, it is the weekday there; after it the next one."""
    wall = closed.astimezone(NEW_YORK)
    seventeen = wall.replace(hour=17, minute=0, second=0)
    return WEEKDAYS[(wall.weekday() + (wall > seventeen)) % 7]
