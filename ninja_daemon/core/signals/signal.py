"""A signal (schema 1 of the contract) and its repeatable id."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.rounding import fine_price, ratio_decimal
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.strategy import Strategy

SCHEMA: Final = 1


class Signal(NamedTuple):
    """One crossover signal, ready to be listed. Prices are decimals in price units, pips in pips.

    Attributes:
        id: 32 hex digits that depend on strategy, settings, instrument, timeframe, candle and side alone.
        time: open of the candle that crossed.
        close_time: its close.
        late: it was found more than the strategy's ``max_signal_age`` after the close.
        created_at: when it was found, epoch seconds.
        spread_pips: ask less bid at the candle's close; None where it was not looked at, or is not known.
        calendar_old: the calendar of scheduled news was older than it should be at the close, so it was not relied on.
    """

    id: str
    strategy: str
    instrument: str
    timeframe: str
    time: Instant
    close_time: Instant
    side: Side
    close: Decimal
    fast_ma: Decimal
    slow_ma: Decimal
    atr: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    sl_pips: Decimal
    tp_pips: Decimal
    risk_reward_ratio: Decimal
    late: bool
    created_at: float
    spread_pips: Decimal | None = None
    calendar_old: bool = False

    @property
    def shown_ratio(self) -> Decimal:
        """The risk/reward that people read: that of the settings, or of the rounded prices where these say otherwise.

        A stop of a few price units is moved by its rounding; the first decimal decides.
        """
        if self.sl_pips <= 0:
            return self.risk_reward_ratio
        risked = ratio_decimal(Fraction(self.tp_pips) / Fraction(self.sl_pips))
        return self.risk_reward_ratio if _tenths(risked) == _tenths(self.risk_reward_ratio) else _hundredths(risked)


def signal_id(strategy: Strategy, time: Instant, side: Side) -> str:
    """Return the id: the same for the same candle after a restart, a failover, a replay, on any machine."""
    return hashlib.sha256(f"{id_prefix(strategy)}{format_instant(time)}|{side.name}".encode()).hexdigest()[:32]


@lru_cache(maxsize=65_536)
def id_prefix(strategy: Strategy) -> str:
    """Return what all ids of a strategy's signals are made of, before the candle's time."""
    parts = ("v1", strategy.name, strategy.settings_hash, strategy.instrument, strategy.granularity.name)
    return "|".join(parts) + "|"


def signal_of(rules: Rules, cross: Cross, found_at: float) -> Signal:
    """Compute a signal from a cross that no filter rejected (contract 3 and 4.5), exactly until the stated rounding."""
    strategy, instrument = rules.strategy, rules.instrument
    candle = cross.candle
    stop, target = rules.levels(cross.side, candle.close, cross.range_total)
    decimals, pip_digits = instrument.decimals, instrument.pip_digits
    close_time = strategy.granularity.close_of(candle.time)
    return Signal(
        id=signal_id(strategy, candle.time, cross.side),
        strategy=strategy.name,
        instrument=strategy.instrument,
        timeframe=strategy.granularity.name,
        time=candle.time,
        close_time=close_time,
        side=cross.side,
        close=_decimal(candle.close, decimals),
        fast_ma=fine_price(*cross.fast, decimals),
        slow_ma=fine_price(*cross.slow, decimals),
        atr=fine_price(cross.range_total, strategy.range_whole, decimals),
        stop_loss=_decimal(stop, decimals),
        take_profit=_decimal(target, decimals),
        sl_pips=_decimal(abs(candle.close - stop), pip_digits),
        tp_pips=_decimal(abs(candle.close - target), pip_digits),
        risk_reward_ratio=reward_to_risk(strategy),
        late=strategy.is_late(candle.time, close_time, found_at),
        created_at=found_at,
        spread_pips=None if (spread := cross.moment.spread) is None else _decimal(spread, pip_digits),
        calendar_old=cross.moment.calendar_old,
    )


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Turn an exact value in price units into a price, rounded half-even to five digits more than ``decimals``."""
    return fine_price(value.numerator, value.denominator, decimals)


@lru_cache(maxsize=1024)
def reward_to_risk(strategy: Strategy) -> Decimal:
    """Return ``tp_atr_multiplier`` / ``sl_atr_multiplier``, rounded half-even to ten decimals."""
    return ratio_decimal(strategy.reward_to_risk)


def _tenths(ratio: Decimal) -> Decimal:
    return ratio.quantize(Decimal("0.1"))


def _hundredths(ratio: Decimal) -> Decimal:
    return ratio.quantize(Decimal("0.01"))


def _decimal(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals)
