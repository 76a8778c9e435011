"""Ten years through every filter alone and through random combinations: cut, rebuilt, in steps and as histories."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.core.filters.oracle import Settings
from tests.core.filters.test_filters import (
    ALONE,
    OTHERS,
    assert_all_ways_agree,
    candles_of,
    combinations,
)

LONGEST = 600
"""Candles of the short run."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("timeframe", ["H4", "D"])
def test_each_filter_alone_over_all_years(timeframe: str, chance: random.Random, long: bool) -> None:
    candles = candles_of(timeframe)[: None if long else LONGEST]
    for changes in [*ALONE, *OTHERS][:: 1 if long else 5]:
        settings = replace(Settings(), timeframe=timeframe, fast_ma=3, slow_ma=12, **changes)
        assert_all_ways_agree(settings, candles, seed=chance.randrange(10**6))


@pytest.mark.timeout(900)
def test_random_combinations_over_all_years(chance: random.Random, long: bool) -> None:
    for settings in combinations(20 if long else 3, chance.randrange(10**6)):
        candles = candles_of(settings.timeframe)[: None if long else LONGEST]
        assert_all_ways_agree(settings, candles, seed=chance.randrange(10**6))
