"""``no_room``: stop and target must be prices that differ from the close (contract 4.5)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from ninja_daemon.core.filters.filter import Judge, Moment, Moments, Settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import away

if TYPE_CHECKING:
    from ninja_daemon.core.market.candle_columns import Booleans

NAME: Final = "no_room"
SENTENCE: Final = "the rounded stop or target is the close, or not above zero"


def bind(settings: Settings, _: Instrument) -> Judge:
    """Compare the rounded stop and target with the close and with zero."""
    stop, target = (
        (Fraction(multiplier) / settings.atr_period).as_integer_ratio()
        for multiplier in (settings.sl_atr_multiplier, settings.tp_atr_multiplier)
    )
    ways = ((-1, stop), (1, target))
    roomy = max(whole // (2 * part) + 1 for part, whole in (stop, target))
    widest = max(-(-part // whole) for part, whole in (stop, target))

    def has_room(sign: int, close: int, total: int) -> bool:
        levels = (away(close, way * sign * total, ratio) for way, ratio in ways)
        return all(level > 0 and level != close for level in levels)

    def passes(one: Moment) -> bool:
        return has_room(one.sign, one.close, one.range_total)

    def all_pass(many: Moments) -> Booleans:
        """Work out one by one only those that are near a limit."""
        totals, closes = many.range_totals, many.closes
        room: Booleans = (totals >= roomy) & (totals <= (closes - 2) // widest)
        for place in (~room).nonzero()[0].tolist():
            sign = 1 if many.is_buy[place] else -1
            room[place] = has_room(sign, int(closes[place]), int(totals[place]))
        return room

    return Judge(passes, all_pass)
