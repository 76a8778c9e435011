"""What a filter is, what it is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.news import NewsEvent
from ninja_daemon.core.words import not_a_key

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
        range_total: the average true range times ``Settings.range_whole``; of a simple one, the sum of the ranges.
        fast_before: value of the fast average after the candle before.
        slow_before: value of the slow average after the candle before.
        since: candles since the strategy's last signal, this one included; None where there was none, or long ago.
        trend: average of the larger timeframe's complete candles; None where it is not full, or not looked at.
        spread: ask less bid at the close; None where it is not known, or not looked at.
        news: scheduled news that the close is too near to; None where it is to none, or not looked at.
        calendar_old: whether the calendar of the news was older than it should be.
        recent: the newest candles up to this one, as many as plug-ins look at.
    """

    sign: int
    opened: Instant
    close: int
    fast: Ratio
    slow: Ratio
    ranges_held: int
    range_total: int
    fast_before: Ratio
    slow_before: Ratio
    since: int | None = None
    trend: Ratio | None = None
    spread: int | None = None
    news: NewsEvent | None = None
    calendar_old: bool = False
    recent: Sequence[Candle] = ()


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
        gap_before: fast average less slow one after the candle before, over the least common multiple of the periods.
        trend: sign of the close less the larger timeframe's average; 0 where they are equal, and where
            ``Moment.trend`` is None.
        news: time of the scheduled news that a close is too near to; 0 where it is to none, or not looked at.
    """

    is_buy: Booleans
    times: Integers
    closes: Integers
    fast: Integers
    slow: Integers
    ranges_held: Integers
    range_totals: Integers
    gap_before: Integers
    trend: Integers
    news: Integers


class Settings(Protocol):
    """What filters read of a strategy's settings."""

    @property
    def granularity(self) -> Granularity:
        """Timeframe of the candles."""

    @property
    def fast_ma(self) -> int:
        """Period of the fast average."""

    @property
    def slow_ma(self) -> int:
        """Period of the slow average."""

    @property
    def atr_period(self) -> int:
        """Candles in the average true range."""

    @property
    def range_whole(self) -> int:
        """The average true range is ``range_total`` over this."""

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


Shown = Decimal | str
"""A number or a word as ``why`` shows it."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A filter, bound to a strategy and its instrument.

    Attributes:
        compared: what the cross had and what it had to have, for ``why``.
        passes: tells whether a cross may be a signal; None where the settings let every cross pass.
        all_pass: the same of many crosses at once, for histories; None where it has to be asked cross by cross.
        passes_at: the same of the instant of the close, where that alone decides.
    """

    compared: Callable[[Moment], tuple[Shown, Shown]]
    passes: Callable[[Moment], bool] | None = None
    all_pass: Callable[[Moments], Booleans] | None = None
    passes_at: Callable[[Instant], bool] | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """How the key of an optional filter is read and written.

    Attributes:
        allowed: what its value must be, for messages.
        read: returns the value as ``bind`` takes it, None where it stands for no filter; raises ValueError, with a cure
            or without. Reads what ``written`` returns as well.
        written: the value in normal form, as it is hashed and recorded.
        refusal: says why the value cannot be that of a strategy with some timeframe; None where it can.
    """

    allowed: str
    read: Callable[[object], Any]
    written: Callable[[Any], object]
    refusal: Callable[[Any, Granularity], str | None] = lambda _, __: None


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter.

    Attributes:
        name: under which it is counted; of an optional one, also its key in a strategy.
        sentence: why it rejected a cross.
        bind: makes its judge of a strategy's settings, its instrument, and the value of ``key``.
        key: of an optional filter, which judges only the strategies that set it.
    """

    name: str
    sentence: str
    bind: Callable[[Settings, Instrument, Any], Judge]
    key: Key | None = None


def refuse_unknown(table: Mapping[str, object], keys: Sequence[str]) -> None:
    """Refuse the table of a filter that has another key.

    Raises:
        ValueError: with the key, and which there are.
    """
    for name in table:
        if name not in keys:
            message = f"{name[:40]} {not_a_key(name, keys)}"
            raise ValueError(message)
