"""``no_room``: stop and target must be prices that differ from the close (contract 4.5)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from ninja_daemon.core.filters.filter import Filter, Judge, Moment, Moments, Settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import away

if TYPE_CHECKING:
    from ninja_daemon.core.market.candle_columns import Booleans


def _bind(settings: Settings, instrument: Instrument, _: object) -> Judge:
    """Compare the rounded stop and target with the close and with zero."""
    stop, target = (
        (Fraction(multiplier) / settings.range_whole).as_integer_ratio()
        for multiplier in (settings.sl_atr_multiplier, settings.tp_atr_multiplier)
    )
    ways = ((-1, stop), (1, target))
    roomy = max(whole // (2 * part) + 1 for part, whole in (stop, target))
    widest = max(-(-part // whole) for part, whole in (stop, target))

    def room(sign: int, close: int, total: int) -> int:
        """Return how far stop and target are from the close and from zero, the least of it; negative below zero."""
        levels = [away(close, way * sign * total, ratio) for way, ratio in ways]
        return min(min(level, abs(level - close)) for level in levels)

    def compared(one: Moment) -> tuple[Decimal, Decimal]:
        least = Decimal(room(one.sign, one.close, one.range_total))
        return least.scaleb(-instrument.decimals), Decimal(1).scaleb(-instrument.decimals)

    def all_pass(many: Moments) -> Booleans:
        """Work out one by one only those that are near a limit."""
        totals, closes = many.range_totals, many.closes
        passed: Booleans = (totals >= roomy) & (totals <= (closes - 2) // widest)
        for place in (~passed).nonzero()[0].tolist():
            sign = 1 if many.is_buy[place] else -1
            passed[place] = room(sign, int(closes[place]), int(totals[place])) > 0
        return passed

    def passes(one: Moment) -> bool:
        """Round only what is near a limit."""
        close, total = one.close, one.range_total
        return roomy <= total <= (close - 2) // widest or room(one.sign, close, total) > 0

    return Judge(compared, passes, all_pass)


FILTER: Final = Filter("no_room", "the rounded stop or target is the close, or not above zero", _bind)
