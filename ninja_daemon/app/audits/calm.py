"""When the daemon may audit by itself: never near a close, and only where the market is closed or never closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy

_DISTANCE: Final = 600
"""Seconds before the next close, or before the market opens, in which nothing is audited."""


def is_calm(strategies: Sequence[Strategy], now: Instant) -> bool:
    """Tell whether no close is near: ten minutes, where all candles are longer than twenty; else half a candle."""
    kinds = {(one.granularity, one.market_hours) for one in strategies}
    shortest = min((one.seconds for one, hours in kinds if hours.is_open(now)), default=2 * _DISTANCE)
    distance = min(_DISTANCE, shortest // 2)
    return all(hours.next_close(one, now) - now > distance for one, hours in kinds)


def may_be_audited(strategy: Strategy, now: Instant) -> bool:
    """Tell whether the strategy's market is closed and stays so for a while; or never closes."""
    hours = strategy.market_hours
    return hours is MarketHours.ALWAYS or not (hours.is_open(now) or hours.is_open(now + _DISTANCE))
