"""A filter that somebody else has written: what it declares, what it is given, and how its answer is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from ninja_daemon.core.averages.plug_in import Number, exact
from ninja_daemon.core.filters.filter import Filter, Judge, Moment, Settings, Shown
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import ratio_decimal

MOST_CANDLES: Final = 1_000
"""Candles that a plug-in may look back on at most; each is stored with the averages."""


class PlugInCandle(NamedTuple):
    """A complete candle.

    Attributes:
        time: its open, UTC.
        open: first price.
        high: highest price.
        low: lowest price.
        close: last price.
    """

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class PlugInCross(NamedTuple):
    """A cross, as it was known at its candle's close. Everything is exact and in prices.

    Attributes:
        side: ``BUY`` or ``SELL``.
        candles: as many as the plug-in declares, oldest first; the last one made the cross.
        fast: the fast average.
        slow: the slow average.
        atr: the average true range.
        pip: size of a pip.
    """

    side: str
    candles: Sequence[PlugInCandle]
    fast: Fraction
    slow: Fraction
    atr: Fraction
    pip: Decimal


@dataclass(frozen=True, slots=True)
class FilterPlugIn:
    """A filter of an installed package, registered under the entry point group ``ninja_daemon.filters``.

    Attributes:
        version: part of the settings hash: another version gives other ids.
        candles: how many candles it looks at, the cross's included; from 1 to 1,000.
        compare: returns two exact numbers of a cross: what it has, and the least that it must have to pass.
        sentence: why it rejected a cross.
        name: that of the entry point.
    """

    version: str
    candles: int
    compare: Callable[[PlugInCross], tuple[Number, Number]]
    sentence: str = "the plug-in's value is below its limit"
    name: str = ""

    @property
    def written(self) -> list[str]:
        """Name and version, as they are hashed and recorded."""
        return [self.name, self.version]


def judged_by(plug_in: FilterPlugIn, settings: Settings, instrument: Instrument) -> tuple[Filter, Judge]:
    """Bind a plug-in to a strategy and its instrument."""
    decimals, whole = instrument.decimals, settings.range_whole * 10**instrument.decimals

    def numbers(one: Moment) -> tuple[Fraction, Fraction]:
        held = one.recent[-plug_in.candles :]
        if len(held) < plug_in.candles:
            return Fraction(len(held)), Fraction(plug_in.candles)
        cross = PlugInCross(
            "BUY" if one.sign > 0 else "SELL",
            [_shown(candle, decimals) for candle in held],
            Fraction(*one.fast) / 10**decimals,
            Fraction(*one.slow) / 10**decimals,
            Fraction(one.range_total, whole),
            Decimal(1).scaleb(instrument.pip_location),
        )
        value, limit = exact(plug_in.name, plug_in.compare(cross), 2)
        return value, limit

    def compared(one: Moment) -> tuple[Shown, Shown]:
        value, limit = numbers(one)
        return ratio_decimal(value), ratio_decimal(limit)

    def passes(one: Moment) -> bool:
        value, limit = numbers(one)
        return value >= limit

    return Filter(plug_in.name, plug_in.sentence, lambda *_: Judge(compared, passes)), Judge(compared, passes)


def _shown(candle: Candle, decimals: int) -> PlugInCandle:
    prices = (Decimal(price).scaleb(-decimals) for price in candle[1:])
    return PlugInCandle(datetime.fromtimestamp(candle.time, UTC), *prices)
