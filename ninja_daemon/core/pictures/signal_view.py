"""What a picture of a signal shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal

CANDLES: Final = 120
"""Candles that a picture shows."""


@dataclass(frozen=True, slots=True)
class AverageLine:
    """A moving average beside the candles.

    Attributes:
        name: what it is, such as "SMA 40".
        values: one a candle as numerator and denominator in price units; None where it is not full.
    """

    name: str
    values: Sequence[tuple[int, int] | None]


class CandleView(Protocol):
    """Candles with two averages, as a picture shows them."""

    @property
    def decimals(self) -> int:
        """Digits of the candles' integers behind the point."""

    @property
    def candles(self) -> Sequence[Candle]:
        """Oldest first."""

    @property
    def fast(self) -> AverageLine:
        """The fast average."""

    @property
    def slow(self) -> AverageLine:
        """The slow average."""

    @property
    def shaded(self) -> Sequence[bool]:
        """Which candles are shaded; empty for none."""


@dataclass(frozen=True, slots=True)
class SignalView:
    """What a picture of a signal shows.

    Attributes:
        signal: the signal.
        decimals: digits of the candles' integers behind the point.
        candles: oldest first; the last one must be the signal's.
        fast: the fast average, as long as ``candles``.
        slow: the slow average, as long as ``candles``.
        outcome: how it ended, None while it has not.
        shaded: which candles close within the strategy's sessions; empty where it has none.
    """

    signal: Signal
    decimals: int
    candles: Sequence[Candle]
    fast: AverageLine
    slow: AverageLine
    outcome: Outcome | None = None
    shaded: Sequence[bool] = ()


def prices_of(view: CandleView) -> Iterator[int]:
    """Go through the prices of candles and averages, in the candles' units."""
    for candle in view.candles:
        yield from (candle.low, candle.high)
    for value in (*view.fast.values, *view.slow.values):
        if value is not None:
            yield value[0] // value[1]


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """A price with its tag."""

    name: str
    price: Decimal
    units: int
    colour: str


def units_of(price: Decimal, decimals: int) -> int:
    """Return a price in the units of integers with that many decimals."""
    return int(price.scaleb(decimals))
