"""``max_spread_pips``: ask less bid at the candle's close. What is not known is too much."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Final

from ninja_daemon.core.filters.filter import Filter, Judge, Moment, Settings, Shown
from ninja_daemon.core.filters.pips import PIPS
from ninja_daemon.core.market.instrument import Instrument


def _bind(_: Settings, instrument: Instrument, limit: Decimal) -> Judge:
    """Compare integers: the spread, and the largest that is allowed."""
    digits = instrument.pip_digits
    most = floor(Fraction(limit) * Fraction(10) ** digits)

    def compared(one: Moment) -> tuple[Shown, Shown]:
        return "not known" if one.spread is None else Decimal(one.spread).scaleb(-digits), limit

    return Judge(compared, lambda one: one.spread is not None and one.spread <= most)


FILTER: Final = Filter("max_spread_pips", "the spread at the close is wider than `max_spread_pips`", _bind, PIPS)
