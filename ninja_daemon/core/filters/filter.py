"""What a filter is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument

if TYPE_CHECKING:  # most commands run without numpy
    from ninja_daemon.core.market.candle_columns import Booleans, Integers


class Moment(NamedTuple):
    """A cross as it was known at its candle's close, exact. Prices are integers of the instrument's decimals.

    Attributes:
        sign: 1 when the fast average rose above the slow one, -1 when it fell below.
        opened: open of the candle.
        close: its close.
        fast: value of the fast average as numerator and denominator.
        slow: value of the slow average.
        ranges_held: number of true ranges behind the average true range.
        range_total: their sum.
    """

    sign: int
    opened: Instant
    close: int
    fast: Ratio
    slow: Ratio
    ranges_held: int
    range_total: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Many crosses of two simple averages, one entry each, oldest first.

    Attributes:
        is_buy: whether the fast average rose above the slow one.
        times: opens of the candles.
        closes: their closes.
        fast: sums of the closes under the fast average.
        slow: sums of the closes under the slow average.
        ranges_held: number of true ranges behind the average true range.
        range_totals: their sum.
    """

    is_buy: Booleans
    times: Integers
    closes: Integers
    fast: Integers
    slow: Integers
    ranges_held: Integers
    range_totals: Integers


class Settings(Protocol):
    """What filters read of a strategy's settings."""

    @property
    def granularity(self) -> Granularity:
        """Timeframe of the candles."""

    @property
    def atr_period(self) -> int:
        """Candles in the average true range."""

    @property
    def sl_atr_multiplier(self) -> Decimal:
        """Distance of the stop in average true ranges."""

    @property
    def tp_atr_multiplier(self) -> Decimal:
        """Distance of the target in average true ranges."""

    @property
    def min_atr_value(self) -> Decimal:
        """Smallest average true range, as a price difference."""

    @property
    def min_rr_ratio(self) -> Decimal:
        """Smallest reward over risk."""

    @property
    def reward_to_risk(self) -> Fraction:
        """Reward over risk of the settings."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A filter, bound to a strategy and its instrument.

    Attributes:
        passes: tells whether a cross may be a signal.
        all_pass: the same of many crosses at once, for histories.
    """

    passes: Callable[[Moment], bool]
    all_pass: Callable[[Moments], Booleans]


Bind = Callable[[Settings, Instrument], Judge | None]
"""Makes the judge of a strategy; None where the settings let every cross pass."""
