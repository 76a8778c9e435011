"""The stored form of a larger timeframe's average: fields of ``ma_state`` beside those of the strategy's own averages.

| field | content |
| --- | --- |
| ``trend`` | digits after the point, candles taken in, open of the newest (or ``-``), the average's numbers |
| ``t0`` … | ring of its closes: candle number n (from 0) lies in ``t<n mod closes held>`` |
| ``trend_sum`` | only for ZLEMA: the sum of the closes |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ninja_daemon.adapters.stored.state.state_form import encode_ring, integer, read_ring, require, require_sum, sound
from ninja_daemon.core.averages.kinds import restored_average
from ninja_daemon.core.averages.trend import TrendAverage, TrendState
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.averages.zero_lag import ZeroLagMovingAverage
from ninja_daemon.core.market.instant import format_instant, parse_written_instant

TREND: Final = "trend"
_RING: Final = "t"
_SUM: Final = "trend_sum"
_NONE_YET: Final = "-"


def encode_trend(state: TrendState | None, stored: TrendState | None) -> dict[str, str]:
    """Write the fields of an average that are new since ``stored``; None for all of them."""
    if state is None:
        return {}
    last = _NONE_YET if state.last is None else format_instant(state.last)
    fields = {TREND: " ".join(map(str, (state.decimals, state.seen, last, *state.average.numbers)))}
    if isinstance(state.average, ZeroLagMovingAverage):
        fields[_SUM] = str(sum(state.closes))
    encode_ring(fields, _RING, state.closes, state.seen, state.seen - (0 if stored is None else stored.seen))
    return fields


def trend_fields(state: TrendState | None) -> int:
    """Return how many fields a stored average has."""
    if state is None:
        return 0
    return 1 + isinstance(state.average, ZeroLagMovingAverage) + len(state.closes)


@sound()
def decode_trend(settings: TrendAverage | None, fields: Mapping[str, str]) -> TrendState | None:
    """Read the average back; None for a strategy without one.

    Raises:
        StateUnreadable: it is not what this version writes for these settings, or contradicts itself.
    """
    if settings is None:
        return None
    decimals, count, last, *numbers = fields[TREND].split(" ")
    seen, empty = integer(count), settings.empty_state(integer(decimals))
    closes = Window(empty.closes.size, read_ring(fields, _RING, empty.closes.size, seen))
    average = restored_average(settings.ma_type, settings.period, [integer(number) for number in numbers])
    time = None if last == _NONE_YET else parse_written_instant(last)
    require((time is None) == (seen == 0), "trend must name a candle when it has taken one in")
    require(time is None or settings.granularity.is_border(time), "trend must name a candle of its timeframe")
    require(average.agrees_with(closes), "trend must agree with its closes")
    require_sum(fields, _SUM, closes)
    return TrendState(time, seen, empty.decimals, closes, average)
