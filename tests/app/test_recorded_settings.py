"""A strategy comes back from the settings that a record holds of it, whatever it sets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ninja_daemon.adapters.stored.record import canonical, parsed
from ninja_daemon.app.record.verification import recorded_strategy
from ninja_daemon.app.settings.strategy_table import strategy_of
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.errors import StateError
from ninja_daemon.core.filters.kinds import KEYS
from ninja_daemon.core.market.candle import AtrType
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.strategy import Strategy, settings_of

EVERYTHING: dict[str, Any] = {
    "sessions": ["london", "22:00-02:00 Asia/Tokyo"],
    "days": ["mon", "fri"],
    "trend": {"timeframe": "D", "ma_type": "ema", "period": 50},
    "min_candles_between": 5,
    "min_gap_pips": Decimal("1.5"),
    "min_slope_pips": "2.0",
}


def made(**values: Any) -> Strategy:
    read = {name: KEYS[name].read(value) if name in KEYS else value for name, value in values.items()}
    plain = {"instrument": "EUR_USD", "timeframe": Granularity.H4, "fast_ma": 3, "slow_ma": 8}
    return strategy_of("s", {**plain, **read})


@pytest.mark.parametrize(
    "strategy",
    [
        made(),
        made(**EVERYTHING),
        *(made(**{name: value}) for name, value in EVERYTHING.items()),
        made(fast_type=MovingAverageKind.T3, source=Source.HLC3, atr_type=AtrType.WILDER, atr_period=7),
    ],
)
def test_a_strategy_comes_back_from_its_recorded_settings(strategy: Strategy) -> None:
    again = recorded_strategy("s", parsed(canonical(settings_of(strategy))))
    assert again == strategy
    assert again.settings_hash == strategy.settings_hash


def test_the_same_two_kinds_are_the_same_settings_however_they_are_written() -> None:
    ema, sma = MovingAverageKind.EMA, MovingAverageKind.SMA
    assert made(ma_type=ema) == made(fast_type=ema, slow_type=ema) == made(ma_type=sma, fast_type=ema, slow_type=ema)
    assert made(ma_type=ema, slow_type=sma) == made(fast_type=ema) == made(ma_type=sma, fast_type=ema)
    assert made(fast_type=ema) != made(slow_type=ema)


@pytest.mark.parametrize("wrong", [{"ma_type": "median@1"}, {"filters": [["body", "1"]]}])
def test_a_plug_in_that_is_not_here_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(StateError, match="the settings of s in the record cannot be used here: there is no plug-in"):
        recorded_strategy("s", settings_of(made()) | wrong)
