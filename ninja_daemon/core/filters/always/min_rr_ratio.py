"""``min_rr_ratio``: the target must be far enough for the risk. The settings alone decide it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from ninja_daemon.core.filters.filter import Filter, Judge, Moment, Settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import ratio_decimal


def _bind(settings: Settings, _: Instrument, __: object) -> Judge:
    """Compare exactly: 2.25 / 1.5 passes 1.5."""

    def compared(_: Moment) -> tuple[Decimal, Decimal]:
        return ratio_decimal(settings.reward_to_risk), settings.min_rr_ratio

    if settings.reward_to_risk >= Fraction(settings.min_rr_ratio):
        return Judge(compared)
    return Judge(compared, lambda _: False, lambda many: many.times < 0)  # no candle opens before 1970


FILTER: Final = Filter("min_rr_ratio", "`tp_atr_multiplier` / `sl_atr_multiplier` is below `min_rr_ratio`", _bind)
