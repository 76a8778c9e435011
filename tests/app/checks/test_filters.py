"""``check`` proves that filters which go by the close can pass at all."""

from __future__ import annotations

from typing import Any

import pytest

from ninja_daemon.app.checks.strategies import check_filters, check_strategies
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.filters.kinds import KEYS, chosen
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy


def strategy(timeframe: str, hours: MarketHours = MarketHours.FX, **filters: Any) -> Strategy:
    read = {name: KEYS[name].read(value) for name, value in filters.items()}
    return Strategy("s", "EUR_USD", Granularity[timeframe], 3, 8, market_hours=hours, filters=chosen(read))


@pytest.mark.parametrize(
    ("timeframe", "filters"),
    [
        ("H4", {}),
        ("H4", {"sessions": ["london"]}),
        ("H12", {"sessions": ["05:00-06:00 America/New_York", "17:00-18:00 Asia/Tokyo"], "days": ["mon"]}),
        ("H12", {"days": ["sat"], "hours": MarketHours.ALWAYS}),
        ("H4", {"sessions": ["17:00-17:01 America/New_York"], "days": ["fri"]}),
        ("D", {"sessions": ["17:00-18:00 America/New_York"]}),
        ("D", {"days": ["mon"], "min_gap_pips": 3}),
        ("W", {"days": ["fri"]}),
        ("M1", {"sessions": ["03:59-04:00 Asia/Kathmandu"]}),
        ("S5", {"sessions": ["new_york"]}),
        ("M", {"days": ["tue"]}),
    ],
)
def test_filters_that_can_pass_are_not_spoken_of(timeframe: str, filters: dict[str, Any]) -> None:
    assert list(check_filters(strategy(timeframe, **filters))) == []


@pytest.mark.parametrize(
    ("timeframe", "filters", "cause"),
    [
        ("D", {"sessions": ["london"]}, "no D candle passes sessions = ['london']"),
        ("H4", {"sessions": ["14:00-16:30 America/New_York"]}, "no H4 candle passes sessions ="),
        ("H4", {"days": ["sat", "sun"]}, "no H4 candle passes days = ['sat', 'sun']"),
        ("W", {"days": ["wed"]}, "no W candle passes days = ['wed']"),
        ("D", {"sessions": ["21:30-00:30 Europe/London"], "days": ["sun"]}, "no D candle passes days = ['sun']"),
        (
            "M30",
            {"sessions": ["17:30-20:00 America/New_York"], "days": ["sat"]},
            "no M30 candle passes days = ['sat']",
        ),
    ],
)
def test_filters_that_never_pass_are_named(timeframe: str, filters: dict[str, Any], cause: str) -> None:
    (found,) = check_filters(strategy(timeframe, **filters))
    assert cause in found.cause
    assert found.cure


def test_the_cure_of_a_long_timeframe_says_when_its_candles_close() -> None:
    (found,) = check_filters(strategy("H12", sessions=["tokyo"], days=["sat"]))
    assert "H12 candles close at 05:00, 17:00 in New York" in found.cure


def test_two_kinds_of_one_period_do_differ() -> None:
    one = Strategy("s", "EUR_USD", Granularity.H4, 8, 8, fast_type=MovingAverageKind.EMA)
    assert [each.code for each in check_strategies([one])] == ["strategies"]
