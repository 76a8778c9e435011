"""``atr``: the average true range must be full."""

from __future__ import annotations

from typing import Final

from ninja_daemon.core.filters.filter import Judge, Settings
from ninja_daemon.core.market.instrument import Instrument

NAME: Final = "atr"
SENTENCE: Final = "the average true range is not full yet"


def bind(settings: Settings, _: Instrument) -> Judge:
    """Compare the number of true ranges with ``atr_period``."""
    period = settings.atr_period
    return Judge(lambda one: one.ranges_held >= period, lambda many: many.ranges_held >= period)
