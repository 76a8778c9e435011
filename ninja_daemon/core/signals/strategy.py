"""A strategy's settings, its state, and the one step that takes in a candle."""

from __future__ import annotations

import hashlib
import json
from copy import copy
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache, partial
from typing import Final, NamedTuple, cast

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.smoothed import FIXED_UNIT, SmoothedMovingAverage, Stage
from ninja_daemon.core.averages.trend import NO_TREND, Trend, TrendAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters import min_candles_between, trend
from ninja_daemon.core.filters.filter import Filter, Moment
from ninja_daemon.core.filters.kinds import Chosen, judges_of, written
from ninja_daemon.core.market.candle import Candle, true_range
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.rounding import away, normal_form
from ninja_daemon.core.signals.crossover import Side, side_of

RULES_VERSION: Final = 1
"""Raised when the meaning of the same settings changes; part of the settings hash, so that ids change with it."""

MAX_LOOK_BACK: Final = 5_000
"""Candles of history at most that are read to find the side behind a tie (contract 4.3)."""


class AtrType(StrEnum):
    """How true ranges are averaged: the simple mean, or Wilder's, which begins with that mean."""

    SMA = "sma"
    WILDER = "wilder"


@dataclass(frozen=True, slots=True)
class Strategy:
    """The settings of one strategy, every default filled in (contract 5).

    Attributes:
        name: key of the strategy in the configuration and in Redis.
        fast_ma: period of the fast average in candles.
        slow_ma: period of the slow average in candles.
        fast_type: kind of the fast average; None where it is that of the slow one, ``ma_type``.
        source: prices that the averages are made of.
        atr_type: how true ranges are averaged.
        sl_atr_multiplier: distance of the stop in average true ranges.
        tp_atr_multiplier: distance of the target in average true ranges.
        min_atr_value: smallest average true range of a signal, as a price difference.
        min_rr_ratio: smallest reward over risk of a signal.
        max_signal_age: seconds after the candle's close from which a signal is late; None for one candle.
        market_hours: when the daemon asks for candles.
        enabled: whether candles are evaluated at all.
        filters: the optional filters that are set.
        exit_on_reverse: a signal ends when one to the other side is listed (contract 8.1, as the two below).
        max_candles: candles after which a signal ends.
        cost_pips: what a trade costs; comes off an outcome's ``net_r``.
    """

    name: str
    instrument: str
    granularity: Granularity
    fast_ma: int
    slow_ma: int
    ma_type: MovingAverageKind = MovingAverageKind.SMA
    price: PriceSide = PriceSide.MID
    atr_period: int = 14
    sl_atr_multiplier: Decimal = Decimal("2.0")
    tp_atr_multiplier: Decimal = Decimal("3.0")
    min_atr_value: Decimal = Decimal(0)
    min_rr_ratio: Decimal = Decimal("1.5")
    max_signal_age: int | None = None
    market_hours: MarketHours = MarketHours.FX
    enabled: bool = True
    fast_type: MovingAverageKind | None = None
    source: Source = Source.CLOSE
    atr_type: AtrType = AtrType.SMA
    filters: Chosen = ()
    exit_on_reverse: bool = False
    max_candles: int = 1_000
    cost_pips: Decimal = Decimal(0)

    def __hash__(self) -> int:
        """Hash the name only: caches ask often, and hashing fourteen fields costs more than most caches save."""
        return hash(self.name)

    @property
    def series(self) -> Series:
        """The candles that the strategy reads."""
        return Series(self.instrument, self.granularity, self.price)

    @property
    def trend(self) -> TrendAverage | None:
        """The average of a larger timeframe that decides which crosses are signals, if it has one."""
        return next((value for name, value in self.filters if name == trend.FILTER.name), None)

    @property
    def larger(self) -> Series | None:
        """The candles of a larger timeframe that decide its trend, if it has one."""
        average = self.trend
        return None if average is None else Series(self.instrument, average.granularity, self.price)

    @property
    def settings_hash(self) -> str:
        """Sixteen hex digits that change with every setting that can change a signal, and with nothing else."""
        return _settings_hash(self)

    @property
    def reward_to_risk(self) -> Fraction:
        """``tp_atr_multiplier`` / ``sl_atr_multiplier``, exactly."""
        return Fraction(self.tp_atr_multiplier) / Fraction(self.sl_atr_multiplier)

    @property
    def warm_up(self) -> int:
        """Candles after which both averages and the average true range are full and independent of the start."""
        ranges = SmoothedMovingAverage.warm_up(self.atr_period) if self.is_smoothed else self.atr_period
        warm_ups = (average.warm_up(period) for average, period in self.averages)
        return max(*warm_ups, ranges + 1, self.spacing + 1)

    @property
    def closes_held(self) -> int:
        """Closes that the state keeps."""
        return max(average.closes_held(period) for average, period in self.averages)

    @property
    def averages(self) -> tuple[tuple[type[MovingAverage], int], tuple[type[MovingAverage], int]]:
        """Class and period of the fast and of the slow average."""
        return (self.fast_kind.average, self.fast_ma), (self.ma_type.average, self.slow_ma)

    @property
    def fast_kind(self) -> MovingAverageKind:
        """Kind of the fast average; that of the slow one is ``ma_type``."""
        return self.ma_type if self.fast_type is None else self.fast_type

    @property
    def is_smoothed(self) -> bool:
        """Whether the average true range is Wilder's."""
        return self.atr_type is AtrType.WILDER

    @property
    def range_whole(self) -> int:
        """The average true range is ``range_total`` over this."""
        return FIXED_UNIT if self.is_smoothed else self.atr_period

    @property
    def spacing(self) -> int:
        """Candles that must lie between two signals; 0 where it is of no interest when the last one was."""
        return int(dict(self.filters).get(min_candles_between.NAME, 0))

    def is_late(self, opened: int, close: int, found_at: float) -> bool:
        """Tell whether a signal of the candle between two instants, found at ``found_at`` (epoch seconds), is late."""
        allowed = close - opened if self.max_signal_age is None else self.max_signal_age
        return found_at - close > allowed


_ALWAYS_HASHED: Final = frozenset(
    {
        *("instrument", "price", "ma_type", "fast_ma", "slow_ma", "atr_period"),
        *("sl_atr_multiplier", "tp_atr_multiplier", "min_atr_value", "min_rr_ratio"),
    }
)
"""Settings of the first version. Later ones enter the hash only when they are set, so that they change no known id."""
_NEVER_HASHED: Final = frozenset(
    {
        *("name", "granularity", "max_signal_age", "market_hours", "enabled", "filters"),
        *("exit_on_reverse", "max_candles", "cost_pips"),
    }
)
"""Settings that change no signal, and two that enter otherwise: ``timeframe``, and each filter under its own name."""


def settings_of(strategy: Strategy) -> dict[str, object]:
    """Return the settings that can change a signal, in normal form."""
    settings: dict[str, object] = {"rules": RULES_VERSION, "timeframe": strategy.granularity.name}
    settings |= written(strategy.filters)
    for field in fields(strategy):
        value = getattr(strategy, field.name)
        if field.name in _ALWAYS_HASHED or (field.name not in _NEVER_HASHED and value != field.default):
            settings[field.name] = normal_form(value) if isinstance(value, Decimal) else value
    return settings


@lru_cache(maxsize=4096)
def _settings_hash(strategy: Strategy) -> str:
    text = json.dumps(settings_of(strategy), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class StrategyState(NamedTuple):
    """Everything that a strategy remembers between two candles. Immutable; the next state shares what did not change.

    Attributes:
        last: the newest candle taken in.
        seen: candles taken in since the state was begun.
        closes: the newest closes, as many as the averages reach back; with another ``source`` its sums of prices.
        ranges: the newest true ranges, ``atr_period`` of them when full.
        range_total: sum of ``ranges``; of a smoothed average true range, ``smoothed.value``.
        fast: the fast average.
        slow: the slow average.
        side: sign of the last difference of the averages that was not zero; None before there was one.
        smoothed: Wilder's average of the true ranges; None where it is the simple mean.
        signal_at: ``seen`` after the candle of the last signal, kept only where signals keep a distance; None where
            there was none, or long ago.
    """

    last: Candle | None
    seen: int
    closes: Window
    ranges: Window
    range_total: int
    fast: MovingAverage
    slow: MovingAverage
    side: Side | None
    smoothed: Stage | None = None
    signal_at: int | None = None


class Cross(NamedTuple):
    """A turn of the side, with what a signal is computed from, all exact.

    Attributes:
        side: the side that the averages turned to.
        candle: the candle whose close turned it.
        moment: what the filters were given.
        rejected_by: the filter that keeps it from being a signal, or None.
    """

    side: Side
    candle: Candle
    moment: Moment
    rejected_by: Filter | None

    @property
    def fast(self) -> Ratio:
        """Value of the fast average as numerator and denominator, price units."""
        return self.moment.fast

    @property
    def slow(self) -> Ratio:
        """Value of the slow average."""
        return self.moment.slow

    @property
    def range_total(self) -> int:
        """The average true range is this over ``Strategy.range_whole``."""
        return self.moment.range_total


Known = tuple[Ratio, Ratio, int, int, Ratio, Ratio, int | None]
"""The fields of ``Moment`` from ``fast`` on, in its order."""

_made = partial(tuple.__new__, StrategyState)
"""Makes a state of its fields; a class that is called by name takes twice as long, once a candle."""


class Rules:
    """A strategy bound to its instrument, with the constants of all its candles worked out once.

    Attributes:
        strategy: the settings.
        instrument: decimals and pip of the prices.
        stop_ratio: factor from the sum of the true ranges to the stop's distance, as a fraction.
        target_ratio: the same for the target's distance.
        judges: the filters, in their order.
        trend: the larger timeframe's average, as far as it is known.
        is_plain: whether averages take in closes, true ranges are simply averaged and each cross is judged by itself;
            the fast ways over many candles ask for it.
        is_spaced: whether signals keep a distance.
    """

    __slots__ = (
        "_atr_period",
        "_rejecting",
        "_smooths",
        "_source",
        "_ways",
        "instrument",
        "is_plain",
        "is_spaced",
        "judges",
        "stop_ratio",
        "strategy",
        "target_ratio",
        "trend",
    )

    def __init__(self, strategy: Strategy, instrument: Instrument) -> None:
        """Bind the filters, and work out the distances of stop and target (contract 4.5)."""
        self.strategy = strategy
        self.instrument = instrument
        self._atr_period = strategy.atr_period
        self.judges = tuple(judges_of(strategy, instrument, strategy.filters))
        self._rejecting = tuple((one, judge.passes) for one, judge in self.judges if judge.passes is not None)
        self._source = None if strategy.source is Source.CLOSE else strategy.source
        self._smooths, self.is_spaced = strategy.is_smoothed, strategy.spacing > 0
        asks_each = any(judge.passes is not None and judge.all_pass is None for _, judge in self.judges)
        self.is_plain = self._source is None and not self._smooths and not asks_each
        self.stop_ratio = (Fraction(strategy.sl_atr_multiplier) / strategy.range_whole).as_integer_ratio()
        self.target_ratio = (Fraction(strategy.tp_atr_multiplier) / strategy.range_whole).as_integer_ratio()
        self._ways = ((-1, self.stop_ratio), (1, self.target_ratio))
        self.trend = NO_TREND

    def seeing(self, larger: Trend) -> Rules:
        """Return the same rules with what the larger timeframe's average was at each moment."""
        seeing = copy(self)
        seeing.trend = larger
        return seeing

    def empty_state(self) -> StrategyState:
        """Return the state before the first candle of all."""
        strategy = self.strategy
        (fast, fast_period), (slow, slow_period) = strategy.averages
        return StrategyState(
            last=None,
            seen=0,
            closes=Window(strategy.closes_held),
            ranges=Window(strategy.atr_period),
            range_total=0,
            fast=fast.empty(fast_period),
            slow=slow.empty(slow_period),
            side=None,
            smoothed=Stage(strategy.atr_period, take=1) if self._smooths else None,
        )

    def advance(self, state: StrategyState, candle: Candle) -> tuple[StrategyState, Cross | None]:
        """Take in the next candle: one step of contract section 4. The candle is newer than the state's last one."""
        last, seen, closes, ranges, range_total, fast, slow, side, smoothed, signal_at = state
        if last is not None:
            newest_range = true_range(candle, last.close)
            if smoothed is not None:
                smoothed = smoothed.updated(newest_range * FIXED_UNIT)
                range_total = smoothed.value
            else:
                # Candles with a true range: all but the first of all.
                period = self._atr_period
                range_total += newest_range - ranges.back(period - 1) if seen > period else newest_range
            ranges = ranges.pushed(newest_range)
        closes = closes.pushed(candle.close if self._source is None else self._source.sum_of(candle))
        fast = fast.updated(closes)
        slow = slow.updated(closes)
        new_side = side_of(fast, slow)
        if new_side is None or new_side is side:
            return _made((candle, seen + 1, closes, ranges, range_total, fast, slow, side, smoothed, signal_at)), None
        cross = None if side is None else self._turn(state, new_side, candle, (fast, slow, len(ranges), range_total))
        if self.is_spaced and cross is not None and cross.rejected_by is None:
            signal_at = seen + 1
        return _made((candle, seen + 1, closes, ranges, range_total, fast, slow, new_side, smoothed, signal_at)), cross

    def _turn(
        self, before: StrategyState, side: Side, candle: Candle, now: tuple[MovingAverage, MovingAverage, int, int]
    ) -> Cross:
        """Judge a turn of the side; where there was a side, the averages had values before and have them now."""
        fast, slow, held, total = now
        value, since = self.value, self.since(before.signal_at, before.seen + 1)
        befores = value(before.fast.ratio), value(before.slow.ratio)
        return self.cross(side, candle, (value(fast.ratio), value(slow.ratio), held, total, *befores, since))

    def value(self, ratio: Ratio | None) -> Ratio:
        """Return the value of a full average in price units."""
        number, whole = cast("Ratio", ratio)
        return number, whole * self.strategy.source.parts

    def since(self, signal_at: int | None, number: int) -> int | None:
        """Return how many candles the one of this number is behind that of the last signal."""
        return number - signal_at if self.is_spaced and signal_at is not None else None

    def cross(self, side: Side, candle: Candle, known: Known) -> Cross:
        """Return a turn of the side, judged by the filters.

        Args:
            side: the side that the averages turned to.
            candle: the candle whose close turned it.
            known: the rest of the ``Moment``, from ``fast`` on.
        """
        moment = Moment(side.value, candle.time, candle.close, *known, self._trend_at(candle))
        return Cross(side, candle, moment, self._rejection(moment))

    def _trend_at(self, candle: Candle) -> Ratio | None:
        """Return the larger timeframe's average at a candle's close, where the strategy looks at one."""
        return None if self.trend is NO_TREND else self.trend.at(self.strategy.granularity.close_of(candle.time))

    def levels(self, side: int, close: int, range_total: int) -> tuple[int, int]:
        """Return stop and target, computed from the exact average true range and rounded half-even, in price units."""
        stop, target = (away(close, way * side * range_total, ratio) for way, ratio in self._ways)
        return stop, target

    def _rejection(self, moment: Moment) -> Filter | None:
        """Return the first filter that a cross does not pass; ``turns.rejections`` is the same over columns."""
        for one, passes in self._rejecting:
            if not passes(moment):
                return one
        return None


@lru_cache(maxsize=4096)
def rules_of(strategy: Strategy, instrument: Instrument) -> Rules:
    """Return the rules of a strategy, worked out once for each instrument's decimals."""
    return Rules(strategy, instrument)
