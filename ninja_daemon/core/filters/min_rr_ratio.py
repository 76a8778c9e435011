"""``min_rr_ratio``: the target must be far enough for the risk. The settings alone decide it."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from ninja_daemon.core.filters.filter import Judge, Settings
from ninja_daemon.core.market.instrument import Instrument

NAME: Final = "min_rr_ratio"
SENTENCE: Final = "`tp_atr_multiplier` / `sl_atr_multiplier` is below `min_rr_ratio`"


def bind(settings: Settings, _: Instrument) -> Judge | None:
    """Compare exactly: 2.25 / 1.5 passes 1.5."""
    if settings.reward_to_risk >= Fraction(settings.min_rr_ratio):
        return None
    return Judge(lambda _: False, lambda many: many.times < 0)  # no candle opens before 1970
