from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.signals.crossover import Side, side_of
from tests.core.series import drawn_candles, flat_candles, rules_of, stepped

UP, DOWN, TIE = 12, 8, 10


def crosses_of(*differences: int) -> list[tuple[int, Side]]:
    """Crosses by index for a fast average of one close over a slow one of two, with chosen signs of the difference.

    The difference is half of the newest close less the one before it, so each close is the last one plus the sign.
    """
    closes = [100]
    for difference in differences:
        closes.append(closes[-1] + difference)
    candles = flat_candles(closes)
    _, crosses = stepped(rules_of(fast_ma=1, slow_ma=2, atr_period=1), candles)
    return [(candles.index(cross.candle) - 1, cross.side) for cross in crosses]


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1, 0, 1], []),  # touch and go
        ([1, 0, -1], [(2, Side.SELL)]),
        ([-1, 0, 0, 0, 1], [(4, Side.BUY)]),
        ([-1, 1], [(1, Side.BUY)]),
        ([1, -1], [(1, Side.SELL)]),
        ([0, 1], []),  # the first difference that is no tie sets the side
        ([0, 0, -1, 0, -1], []),
        ([0, 1, -1, 1], [(2, Side.SELL), (3, Side.BUY)]),
        ([0, 0, 0], []),
        ([1, 1, 1], []),
    ],
)
def test_a_turn_is_a_cross_and_a_tie_changes_nothing(differences: list[int], expected: list[tuple[int, Side]]) -> None:
    assert crosses_of(*differences) == expected


@given(drawn_candles())
def test_crosses_are_the_turns_of_the_last_sign_that_was_not_zero(candles: list[Candle]) -> None:
    closes = [candle.close for candle in candles]
    expected, side = [], 0
    for end in range(5, len(closes) + 1):
        difference = Fraction(sum(closes[end - 2 : end]), 2) - Fraction(sum(closes[end - 5 : end]), 5)
        sign = (difference > 0) - (difference < 0)
        if sign and side and sign != side:
            expected.append((candles[end - 1].time, sign))
        side = sign or side
    state, crosses = stepped(rules_of(fast_ma=2, slow_ma=5), candles)
    assert [(cross.candle.time, int(cross.side)) for cross in crosses] == expected
    assert int(state.side or 0) == side


def test_there_is_no_side_before_both_averages_are_full() -> None:
    rules, state = rules_of(fast_ma=1, slow_ma=4), None
    for index, candle in enumerate(flat_candles([10, 20, 5, 30, 2])):
        state, _ = stepped(rules, [candle], state)
        assert (state.side is not None) == (index >= 3)


def test_sides_are_compared_as_fractions_without_rounding() -> None:
    third = SimpleMovingAverage(3, 3, 10**30 + 1)
    seventh = SimpleMovingAverage(7, 7, 7 * (10**30 // 3))
    assert side_of(third, seventh) is Side.BUY
    assert side_of(seventh, third) is Side.SELL
    assert side_of(SimpleMovingAverage(2, 2, 6), SimpleMovingAverage(4, 4, 12)) is None
    assert side_of(SimpleMovingAverage(2, 1, 6), SimpleMovingAverage(4, 4, 12)) is None


def test_a_fast_average_that_is_longer_than_the_slow_one_mirrors_the_sides() -> None:
    closes = [10, 10, 10, 10, 14, 15, 9, 8, 7, 13, 14]
    _, straight = stepped(rules_of(fast_ma=1, slow_ma=3), flat_candles(closes))
    _, mirrored = stepped(rules_of(fast_ma=3, slow_ma=1), flat_candles(closes))
    assert [(cross.candle, -cross.side) for cross in straight] == [(cross.candle, cross.side) for cross in mirrored]
    assert straight
