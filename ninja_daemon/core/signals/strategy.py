"""A strategy's settings, its state, and the one step that takes in a candle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from ninja_daemon.core.averages.average import MovingAverage
from ninja_daemon.core.averages.kinds import AverageKind, MovingAverageKind
from ninja_daemon.core.averages.smoothed import FIXED_UNIT, SmoothedMovingAverage
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.filters import max_spread, min_candles_between, quiet_around, trend
from ninja_daemon.core.filters.kinds import Chosen, written
from ninja_daemon.core.filters.plug_in import FilterPlugIn
from ninja_daemon.core.market.candle import AtrType
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.rounding import normal_form

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
        plug_ins: filters of installed packages, in the order in which they judge.
        exit_on_reverse: a signal ends when one to the other side is listed (contract 8.1, as the two below).
        max_candles: candles after which a signal ends.
        cost_pips: what a trade costs, off an outcome's ``net_r``; in its place the spread, where ``cost_is_spread``.
    """

    name: str
    instrument: str
    granularity: Granularity
    fast_ma: int
    slow_ma: int
    ma_type: AverageKind = MovingAverageKind.SMA
    price: PriceSide = PriceSide.MID
    atr_period: int = 14
    sl_atr_multiplier: Decimal = Decimal("2.0")
    tp_atr_multiplier: Decimal = Decimal("3.0")
    min_atr_value: Decimal = Decimal(0)
    min_rr_ratio: Decimal = Decimal("1.5")
    max_signal_age: int | None = None
    market_hours: MarketHours = MarketHours.FX
    enabled: bool = True
    fast_type: AverageKind | None = None
    source: Source = Source.CLOSE
    atr_type: AtrType = AtrType.SMA
    filters: Chosen = ()
    plug_ins: tuple[FilterPlugIn, ...] = ()
    exit_on_reverse: bool = False
    max_candles: int = 1_000
    cost_pips: Decimal = Decimal(0)
    cost_is_spread: bool = False

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
        return dict(self.filters).get(trend.FILTER.name) if self.filters else None  # asked five times at each close

    @property
    def larger(self) -> Series | None:
        """The candles of a larger timeframe that decide its trend, if it has one."""
        return None if (one := self.trend) is None else Series(self.instrument, one.granularity, self.price)

    @property
    def quiet(self) -> quiet_around.Quiet | None:
        """Around which scheduled news it does not signal, if around any."""
        return dict(self.filters).get(quiet_around.NAME) if self.filters else None

    @property
    def needs_spread(self) -> bool:
        """Whether bid and ask of its candles are wanted, too."""
        return self.cost_is_spread or (bool(self.filters) and max_spread.FILTER.name in dict(self.filters))

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
        return max(*warm_ups, ranges + 1, self.spacing + 1, self.looked_back)

    @property
    def looked_back(self) -> int:
        """Candles that plug-ins look at."""
        return max((one.candles for one in self.plug_ins), default=0)

    @property
    def closes_held(self) -> int:
        """Closes that the state keeps."""
        return max(average.closes_held(period) for average, period in self.averages)

    @property
    def averages(self) -> tuple[tuple[type[MovingAverage], int], tuple[type[MovingAverage], int]]:
        """Class and period of the fast and of the slow average."""
        return (self.fast_kind.average, self.fast_ma), (self.ma_type.average, self.slow_ma)

    @property
    def fast_kind(self) -> AverageKind:
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
        return int(dict(self.filters).get(min_candles_between.NAME, 0)) if self.filters else 0

    def is_late(self, opened: int, close: int, found_at: float) -> bool:
        """Tell whether a signal of the candle between two instants, found at ``found_at`` (epoch seconds), is late."""
        allowed = close - opened if self.max_signal_age is None else self.max_signal_age
        return found_at - close > allowed


_ALWAYS_HASHED: Final = {
    *("instrument", "price", "ma_type", "fast_ma", "slow_ma", "atr_period"),
    *("sl_atr_multiplier", "tp_atr_multiplier", "min_atr_value", "min_rr_ratio"),
}
"""Settings of the first version. Later ones enter the hash only when they are set, so that they change no known id."""
_NEVER_HASHED: Final = {
    *("name", "granularity", "max_signal_age", "market_hours", "enabled", "filters", "plug_ins"),
    *("exit_on_reverse", "max_candles", "cost_pips", "cost_is_spread"),
}
"""Settings that change no signal, and two that enter otherwise: ``timeframe``, and each filter under its own name."""


def settings_of(strategy: Strategy) -> dict[str, object]:
    """Return the settings that can change a signal, in normal form."""
    settings: dict[str, object] = {"rules": RULES_VERSION, "timeframe": strategy.granularity.name}
    settings |= written(strategy.filters)
    if strategy.plug_ins:
        settings["filters"] = [one.written for one in strategy.plug_ins]
    for field in fields(strategy):
        value = getattr(strategy, field.name)
        if field.name in _ALWAYS_HASHED or (field.name not in _NEVER_HASHED and value != field.default):
            settings[field.name] = normal_form(value) if isinstance(value, Decimal) else value
    return settings


@lru_cache(maxsize=65_536)
def _settings_hash(strategy: Strategy) -> str:
    text = json.dumps(settings_of(strategy), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
