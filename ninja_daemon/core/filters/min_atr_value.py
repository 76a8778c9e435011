"""``min_atr_value``: the market must move enough."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Final

from ninja_daemon.core.filters.filter import Judge, Settings
from ninja_daemon.core.market.instrument import Instrument

NAME: Final = "min_atr_value"
SENTENCE: Final = "the average true range is below `min_atr_value`"


def bind(settings: Settings, instrument: Instrument) -> Judge | None:
    """Compare the sum of the true ranges with the smallest integer that suffices, which is exact."""
    least = ceil(Fraction(settings.min_atr_value) * 10**instrument.decimals * settings.atr_period)
    if least <= 0:
        return None
    return Judge(lambda one: one.range_total >= least, lambda many: many.range_totals >= least)
