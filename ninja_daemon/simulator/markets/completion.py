"""When the broker calls a candle complete: at its end, a while later, or with the next price (facts: 3.3 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol
from zlib import crc32

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.markets.quotes import Market

_THOUSAND: Final = 1000


class Completion(Protocol):
    """A rule for ``complete``."""

    def completed_at(self, market: Market, instrument: str, granularity: Granularity, close: Instant) -> float:
        """Return when the candle that ends at ``close`` turns complete."""


@dataclass(frozen=True, slots=True)
class ByTime:
    """As documented: complete when the candle's end is not in the future."""

    def completed_at(self, market: Market, instrument: str, granularity: Granularity, close: Instant) -> float:
        """Return ``close``."""
        del market, instrument, granularity
        return float(close)


@dataclass(frozen=True, slots=True)
class ByLag:
    """Some seconds after the end, as seen: a few, and now and then many. The same for a candle whenever it is asked.

    Attributes:
        least: shortest lag, seconds.
        most: longest usual lag, seconds.
        tail: longest lag of all, seconds.
        tail_per_thousand: how many candles in a thousand lie between ``most`` and ``tail``.
    """

    least: float = 1.0
    most: float = 5.0
    tail: float = 45.0
    tail_per_thousand: int = 30

    @classmethod
    def of(cls, seconds: float) -> ByLag:
        """Return a lag that is the same for all candles."""
        return cls(seconds, seconds, seconds, 0)

    def completed_at(self, market: Market, instrument: str, granularity: Granularity, close: Instant) -> float:
        """Return ``close`` and the candle's lag."""
        del market
        luck = crc32(f"{instrument}:{granularity.name}:{close}".encode())
        place = luck // _THOUSAND % _THOUSAND / _THOUSAND
        if luck % _THOUSAND < self.tail_per_thousand:
            return close + self.most + (self.tail - self.most) * place
        return close + self.least + (self.most - self.least) * place


@dataclass(frozen=True, slots=True)
class ByNextTick:
    """With the first price after the end, or when a timer runs out, so that Friday's last candle closes, too.

    Attributes:
        timer: seconds after the end at which the candle is complete at the latest.
    """

    timer: int = 60

    def completed_at(self, market: Market, instrument: str, granularity: Granularity, close: Instant) -> float:
        """Return the time of the next price, or of the timer."""
        tick = market.first_tick(instrument, granularity, close, close + self.timer)
        return float(close + self.timer) if tick is None else tick
