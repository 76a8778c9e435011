"""``trend``: the close must lie on the signal's side of a larger timeframe's average, of its complete candles only."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ninja_daemon.core.averages.average import LONGEST_PERIOD
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.filters.filter import Filter, Judge, Key, Moment, Moments, Settings, Shown, refuse_unknown
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import fine_price

if TYPE_CHECKING:
    from ninja_daemon.core.market.candle_columns import Booleans

_KINDS: Final = {kind.value: kind for kind in MovingAverageKind}
_KEYS: Final = ("timeframe", "ma_type", "period")


def _read(value: object) -> TrendAverage:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    refuse_unknown(value, _KEYS)
    period, kind, timeframe = value.get("period"), value.get("ma_type", "sma"), value.get("timeframe")
    # A record's numbers are decimals.
    if isinstance(period, bool) or not isinstance(period, int | Decimal) or period not in range(1, LONGEST_PERIOD + 1):
        message = f"period must be a whole number of candles from 1 to {LONGEST_PERIOD}"
        raise ValueError(message)
    if not isinstance(kind, str) or kind not in _KINDS:
        message = f"ma_type must be one of {', '.join(_KINDS)}"
        raise ValueError(message)
    if not isinstance(timeframe, str):
        message = "timeframe must be the name of one larger than the strategy's, such as D"
        raise ValueError(message)  # noqa: TRY004 - as above
    return TrendAverage(Granularity.named(timeframe), _KINDS[kind], int(period))


def _refusal(average: TrendAverage, own: Granularity) -> str | None:
    if average.granularity.seconds > own.seconds:
        return None
    return f"must have a timeframe larger than the strategy's {own.name}, was {average.granularity.name}"


def _bind(_: Settings, instrument: Instrument, average: TrendAverage) -> Judge:
    """Compare exactly; equal rejects, and so does an average that is not full yet."""
    del average
    decimals = instrument.decimals

    def compared(one: Moment) -> tuple[Shown, Shown]:
        limit = "an average that is full" if one.trend is None else fine_price(*one.trend, decimals)
        return Decimal(one.close).scaleb(-decimals), limit

    def passes(one: Moment) -> bool:
        return one.trend is not None and one.sign * (one.close * one.trend[1] - one.trend[0]) > 0

    def all_pass(many: Moments) -> Booleans:
        return (many.is_buy & (many.trend > 0)) | (~many.is_buy & (many.trend < 0))

    return Judge(compared, passes, all_pass)


FILTER: Final = Filter(
    "trend",
    "the close is not on the signal's side of the larger timeframe's average",
    _bind,
    Key(
        'a table such as { timeframe = "D", ma_type = "sma", period = 200 }',
        _read,
        lambda average: average.normal_form,
        _refusal,
    ),
)
