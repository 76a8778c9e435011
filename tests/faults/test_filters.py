"""Ten years through every filter alone and through random combinations: cut, rebuilt, in steps and as histories."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.core.filters.oracle import Settings
from tests.core.filters.test_filters import ALONE, OTHERS, assert_all_ways_agree, candles_of, combinations
from tests.faults.tally import Row, Tally

LONGEST = 600
"""Candles of the short run."""
PAIRS = {"EUR_USD": 5, "GBP_JPY": 3}


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("instrument", PAIRS)
@pytest.mark.parametrize("timeframe", ["H4", "D"])
def test_each_filter_alone_over_all_years(
    timeframe: str, instrument: str, chance: random.Random, tally: Tally, *, long: bool
) -> None:
    candles = candles_of(timeframe, instrument)[: None if long else LONGEST]
    plain = Settings(timeframe=timeframe, instrument=instrument, decimals=PAIRS[instrument], fast_ma=3, slow_ma=12)
    tried = [replace(plain, **changes) for changes in [*ALONE, *OTHERS][:: 1 if long else 8]]
    crosses = sum(assert_all_ways_agree(each, candles, seed=chance.randrange(10**6)) for each in tried)
    tally.record(row("each filter alone", len(tried), crosses))


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("instrument", PAIRS)
def test_random_combinations_over_all_years(
    instrument: str, chance: random.Random, tally: Tally, *, long: bool
) -> None:
    drawn = combinations(20 if long else 2, chance.randrange(10**6), instrument=instrument, decimals=PAIRS[instrument])
    crosses, count = 0, 0
    for count, settings in enumerate(drawn, start=1):  # noqa: B007 - how many they were
        candles = candles_of(settings.timeframe, instrument)[: None if long else LONGEST]
        crosses += assert_all_ways_agree(settings, candles, seed=chance.randrange(10**6))
    tally.record(row("filters together", count, crosses))


def row(what: str, tried: int, crosses: int) -> Row:
    """Settings, and crosses that all ways judged as the oracle did."""
    return Row(what, tried, expected=crosses, listed=crosses, list_missing=0, list_repeated=0)
