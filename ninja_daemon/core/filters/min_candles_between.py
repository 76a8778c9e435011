"""``min_candles_between``: signals keep a distance. Judged in order, for it depends on which crosses became signals."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ninja_daemon.core.filters.filter import Filter, Judge, Key, Moment, Settings
from ninja_daemon.core.market.instrument import Instrument

NAME: Final = "min_candles_between"
_MOST: Final = 5_000


def _read(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError
    return value if value > 1 else None  # two crosses are a candle apart at least


def _bind(_: Settings, __: Instrument, least: int) -> Judge:
    def compared(one: Moment) -> tuple[Decimal | str, Decimal]:
        return "no signal before" if one.since is None else Decimal(one.since), Decimal(least)

    return Judge(compared, lambda one: one.since is None or one.since >= least)


FILTER: Final = Filter(
    NAME,
    "fewer than `min_candles_between` candles have passed since the strategy's last signal",
    _bind,
    Key(f"a whole number of candles from 0 to {_MOST}", _read, int),
)
