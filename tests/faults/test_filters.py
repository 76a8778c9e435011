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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("timeframe", ["H4", "D"])
@pytest.mark.parametrize("number", range(len(ALONE) + len(OTHERS)))
def test_a_filter_alone_over_all_years(number: int, timeframe: str, chance: random.Random, long: bool) -> None:
    changes = [*ALONE, *OTHERS][number]
    if not long and number % 5:
        pytest.skip("only in the long run")
    settings = replace(Settings(), timeframe=timeframe, fast_ma=3, slow_ma=12, **changes)
    assert_all_ways_agree(settings, candles_of(timeframe)[: None if long else LONGEST], seed=chance.randrange(10**6))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(20))
def test_random_combinations_over_all_years(number: int, chance: random.Random, long: bool) -> None:
    if not long and number % 7:
        pytest.skip("only in the long run")
    (settings,) = combinations(1, chance.randrange(10**6) + number)
    candles = candles_of(settings.timeframe)[: None if long else LONGEST]
    assert_all_ways_agree(settings, candles, seed=chance.randrange(10**6))
