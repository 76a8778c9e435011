"""``min_atr_value``: the market must move enough."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Final

from ninja_daemon.core.filters.filter import Filter, Judge, Moment, Settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import fine_price


def _bind(settings: Settings, instrument: Instrument, _: object) -> Judge:
    """Compare the sum of the true ranges with the smallest integer that suffices, which is exact."""
    whole, least_atr = settings.range_whole, settings.min_atr_value

    def compared(one: Moment) -> tuple[Decimal, Decimal]:
        return fine_price(one.range_total, whole, instrument.decimals), least_atr

    least = ceil(Fraction(least_atr) * 10**instrument.decimals * whole)
    if least <= 0:
        return Judge(compared)
    return Judge(compared, lambda one: one.range_total >= least, lambda many: many.range_totals >= least)


FILTER: Final = Filter("min_atr_value", "the average true range is below `min_atr_value`", _bind)
