"""``atr``: the average true range must be full."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ninja_daemon.core.filters.filter import Filter, Judge, Settings
from ninja_daemon.core.market.instrument import Instrument


def _bind(settings: Settings, _: Instrument, __: object) -> Judge:
    """Compare the number of true ranges with ``atr_period``."""
    period = settings.atr_period
    return Judge(
        lambda one: (Decimal(one.ranges_held), Decimal(period)),
        lambda one: one.ranges_held >= period,
        lambda many: many.ranges_held >= period,
    )


FILTER: Final = Filter("atr", "the average true range is not full yet", _bind)
