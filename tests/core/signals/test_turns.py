"""The turns of a replay are those of the step engine, with the state at the end, however the history is cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.signals import running_sums
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.turns import Turns, find_turns, rejections
from tests.core.series import drawn_candles, flat_candles, rules_of, stepped, walked

periods = st.integers(1, 9)


def assert_same(rules: Rules, turns: Turns, crosses: Sequence[Cross]) -> None:
    """Compare every field, and what the filters say."""
    found = [
        (Side.BUY if is_buy else Side.SELL, time, close, fast, slow, total)
        for is_buy, time, close, fast, slow, total in zip(
            turns.is_buy.tolist(),
            turns.times.tolist(),
            turns.closes.tolist(),
            turns.fast.tolist(),
            turns.slow.tolist(),
            turns.range_totals.tolist(),
            strict=True,
        )
    ]
    assert found == [
        (one.side, one.candle.time, one.candle.close, one.fast[0], one.slow[0], one.range_total) for one in crosses
    ]
    shared = lcm(rules.strategy.fast_ma, rules.strategy.slow_ma)
    gaps = [Fraction(*one.moment.fast_before) - Fraction(*one.moment.slow_before) for one in crosses]
    assert turns.gap_before.tolist() == [gap * shared for gap in gaps]
    counts, is_signal = rejections(rules, turns)
    assert counts == Counter(one.rejected_by for one in crosses if one.rejected_by is not None)
    assert is_signal.tolist() == [one.rejected_by is None for one in crosses]


def assert_agrees(rules: Rules, candles: Sequence[Candle], begun: StrategyState) -> StrategyState:
    """Compare a run with the step engine, as far as it may go this way at all; return the state after it."""
    state, crosses = stepped(rules, candles, begun)
    found = find_turns(rules, CandleColumns.of(candles), begun)
    if found is None:
        assert len(candles) <= max(rules.strategy.atr_period, rules.strategy.closes_held) + 1
    else:
        turns, after = found
        assert_same(rules, turns, crosses)
        assert after == state
    return state


@given(drawn_candles(), periods, periods, st.integers(1, 5), st.sampled_from(["0", "0.00002", "0.00004"]), st.data())
def test_every_turn_and_every_state_are_those_of_single_steps(
    candles: list[Candle], fast: int, slow: int, atr_period: int, least: str, data: st.DataObject
) -> None:
    rules = rules_of(fast_ma=fast, slow_ma=slow, atr_period=atr_period, min_atr_value=Decimal(least))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(candles)), max_size=3)))
    state = rules.empty_state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running_sums, "_BLOCK", data.draw(st.integers(1, 30)))
        for start, stop in zip([0, *cuts], [*cuts, len(candles)], strict=True):
            state = assert_agrees(rules, candles[start:stop], state)


@pytest.mark.parametrize(("fast", "slow"), [(50, 200), (200, 50), (7, 7), (40, 140), (1, 3)])
@pytest.mark.parametrize("reward", ["1.5", "9"])
def test_a_long_walk_in_parts_of_odd_sizes(fast: int, slow: int, reward: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_sums, "_BLOCK", 37)
    rules = rules_of(fast_ma=fast, slow_ma=slow, min_atr_value=Decimal("0.0003"), min_rr_ratio=Decimal(reward))
    candles, state, start = walked(6_000, seed=5), rules.empty_state(), 0
    for size in (100, 16, 150, 33, 2_000, 17, 4_000):
        state = assert_agrees(rules, candles[start : start + size], state)
        start += size
    assert state == stepped(rules, candles)[0]


def test_a_market_that_stands_still_between_its_moves() -> None:
    """More ties than are settled one by one, at the beginning, between two turns and at the end."""
    closes = [100] * 900 + [101] * 900 + [100] * 30 + [99] * 30 + [101] * 900
    rules = rules_of(fast_ma=2, slow_ma=5, atr_period=3)
    candles = flat_candles(closes)
    assert_agrees(rules, candles, rules.empty_state())
    state = assert_agrees(rules, candles[:950], rules.empty_state())
    assert_agrees(rules, candles[950:], state)


@pytest.mark.parametrize("price", [10**9, 10**13, 10**15])
def test_sums_beyond_64_bits_are_left_to_the_general_way(price: int) -> None:
    rules = rules_of(fast_ma=50, slow_ma=199, atr_period=14)
    candles = [
        Candle(one.time, one.open + price, one.high + price, one.low + price, one.close + price)
        for one in walked(1_000, seed=3)
    ]
    found = find_turns(rules, CandleColumns.of(candles), rules.empty_state())
    if found is None:
        assert price * 50 * 199 >= 2**62
    else:
        assert_same(rules, found[0], stepped(rules, candles)[1])


def test_ranges_beyond_64_bits_are_left_to_the_general_way() -> None:
    rules = rules_of(fast_ma=1, slow_ma=2, atr_period=5_000)
    wide = [Candle(one.time, one.open, 10**15, 1, one.close) for one in walked(11_000, seed=3)]
    assert find_turns(rules, CandleColumns.of(wide), rules.empty_state()) is None


@pytest.mark.parametrize("kind", [kind for kind in MovingAverageKind if kind is not MovingAverageKind.SMA])
def test_other_averages_are_left_to_the_general_way(kind: MovingAverageKind) -> None:
    rules = rules_of(ma_type=kind)
    assert find_turns(rules, CandleColumns.of(walked(100, seed=1)), rules.empty_state()) is None
