"""Which of a candle's prices the averages are made of (contract 13). Entry, stop and target stand on the close."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from ninja_daemon.core.market.candle import Candle


class Source(StrEnum):
    """A mean of some prices of a candle. Averages take in the sum, which is an integer, so that nothing is rounded.

    Attributes:
        prices: fields of ``Candle``.
        parts: how many prices are in the sum; an average of sums is ``parts`` times one of prices.
    """

    prices: tuple[str, ...]
    parts: int

    CLOSE = "close", ("close",)
    HL2 = "hl2", ("high", "low")
    HLC3 = "hlc3", ("high", "low", "close")
    OHLC4 = "ohlc4", ("open", "high", "low", "close")

    def __new__(cls, name: str, prices: tuple[str, ...]) -> Self:
        """Make the member a plain string, with its prices beside it."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.prices, member.parts = prices, len(prices)
        return member

    @property
    def field(self) -> str:
        """What ``sum_of`` returns, in words."""
        return self.value if self.parts == 1 else f"sum of {self.value}"

    def sum_of(self, candle: Candle) -> int:
        """Return what the averages take in of a candle."""
        return sum(getattr(candle, name) for name in self.prices)
