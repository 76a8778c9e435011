"""A strategy's settings, its state, and the one step that takes in a candle."""

from __future__ import annotations

import hashlib
import json
from copy import copy
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from typing import Final, NamedTuple, cast

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import NO_TREND, Trend, TrendAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters import trend
from ninja_daemon.core.filters.filter import Filter, Moment
from ninja_daemon.core.filters.kinds import Chosen, judges_of, written
from ninja_daemon.core.market.candle import Candle, true_range
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.rounding import away, normal_form
from ninja_daemon.core.signals.crossover import Side, side_of

RULES_VERSION: Final = 1
"""Raised when the meaning of the same settings changes; part of the settings hash, so that ids change with it."""

MAX_LOOK_BACK: Final = 5_000
"""Candles of history at most that are read to find the side behind a tie (contract 4.3)."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """The settings of one strategy, every default filled in (contract 5).

    Attributes:
        name: key of the strategy in the configuration and in Redis.
        fast_ma: period of the fast average in candles.
        slow_ma: period of the slow average in candles.
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
        average = self.ma_type.average
        return max(average.warm_up(self.fast_ma), average.warm_up(self.slow_ma), self.atr_period + 1)

    @property
    def closes_held(self) -> int:
        """Closes that the state keeps."""
        average = self.ma_type.average
        return max(average.closes_held(self.fast_ma), average.closes_held(self.slow_ma))

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
        closes: the newest closes, as many as the averages reach back.
        ranges: the newest true ranges, ``atr_period`` of them when full.
        range_total: sum of ``ranges``.
        fast: the fast average.
        slow: the slow average.
        side: sign of the last difference of the averages that was not zero; None before there was one.
    """

    last: Candle | None
    seen: int
    closes: Window
    ranges: Window
    range_total: int
    fast: MovingAverage
    slow: MovingAverage
    side: Side | None


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
        """Sum of the true ranges; the average true range is this over ``atr_period``."""
        return self.moment.range_total


Known = tuple[Ratio, Ratio, int, int, Ratio, Ratio]
"""Fast, slow, ranges held, their sum, fast and slow after the candle before: the fields of ``Moment`` in its order."""

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
    """

    __slots__ = (
        "_atr_period",
        "_rejecting",
        "_ways",
        "instrument",
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
        self.stop_ratio = (Fraction(strategy.sl_atr_multiplier) / strategy.atr_period).as_integer_ratio()
        self.target_ratio = (Fraction(strategy.tp_atr_multiplier) / strategy.atr_period).as_integer_ratio()
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
        return StrategyState(
            last=None,
            seen=0,
            closes=Window(strategy.closes_held),
            ranges=Window(strategy.atr_period),
            range_total=0,
            fast=strategy.ma_type.average.empty(strategy.fast_ma),
            slow=strategy.ma_type.average.empty(strategy.slow_ma),
            side=None,
        )

    def advance(self, state: StrategyState, candle: Candle) -> tuple[StrategyState, Cross | None]:
        """Take in the next candle: one step of contract section 4. The candle is newer than the state's last one."""
        last, seen, closes, ranges, range_total, fast, slow, side = state
        if last is not None:
            newest_range = true_range(candle, last.close)
            # Candles with a true range: all but the first of all.
            range_total += newest_range - ranges.back(self._atr_period - 1) if seen > self._atr_period else newest_range
            ranges = ranges.pushed(newest_range)
        closes = closes.pushed(candle.close)
        fast = fast.updated(closes)
        slow = slow.updated(closes)
        new_side = side_of(fast, slow)
        if new_side is None or new_side is side:
            return _made((candle, seen + 1, closes, ranges, range_total, fast, slow, side)), None
        new_state = _made((candle, seen + 1, closes, ranges, range_total, fast, slow, new_side))
        if side is None:
            return new_state, None
        values = (fast.ratio, slow.ratio, len(ranges), range_total, state.fast.ratio, state.slow.ratio)
        return new_state, self.cross(new_side, candle, cast("Known", values))  # where a side is there are values

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
