"""The quick way through the candles agrees with ``Rules.advance`` on every candle and every field."""

from __future__ import annotations

import inspect
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.stepper import Stepper, advance_all
from tests.core.series import drawn_candles, rules_of, stepped, walked

kinds = st.sampled_from(list(MovingAverageKind))
periods = st.integers(1, 9)


def copied(state: StrategyState) -> tuple[object, ...]:
    """The state's fields as they are now, in lists of their own."""
    return (*state[:2], list(state.closes), list(state.ranges), *state[4:])


@given(drawn_candles(), kinds, periods, periods, st.integers(1, 5), st.data())
def test_every_cross_and_every_state_are_those_of_single_steps(
    candles: list[Candle], kind: MovingAverageKind, fast: int, slow: int, atr_period: int, data: st.DataObject
) -> None:
    rules = rules_of(ma_type=kind, fast_ma=fast, slow_ma=slow, atr_period=atr_period, min_atr_value=Decimal("0.00004"))
    state = rules.empty_state()
    begin = data.draw(st.integers(0, len(candles)))
    for candle in candles[:begin]:
        state, _ = rules.advance(state, candle)
    before = copied(state)
    stepper = Stepper(rules, state)
    handed_out: list[tuple[StrategyState, tuple[object, ...]]] = []
    known = state
    for candle in candles[begin:]:
        known, cross = rules.advance(known, candle)
        assert stepper.step(candle) == cross
        if data.draw(st.booleans()):
            assert stepper.state == known
            handed_out.append((stepper.state, copied(known)))
    assert stepper.state == known
    assert copied(state) == before
    # What was handed out is the asker's, whatever became of the stepper and of other states since.
    assert all(copied(kept) == as_it_was for kept, as_it_was in handed_out)


@pytest.mark.parametrize(("fast", "slow"), [(3, 7), (7, 3), (40, 140)])
def test_candles_without_number_need_room_for_few(fast: int, slow: int) -> None:
    rules = rules_of(fast_ma=fast, slow_ma=slow)
    candles = walked(13_000, seed=9)
    stepper = Stepper(rules, rules.empty_state())
    state, longest = rules.empty_state(), 0
    for number, candle in enumerate(candles):
        state, cross = rules.advance(state, candle)
        assert stepper.step(candle) == cross
        if number % 1_000 == 0:
            assert stepper.state == state
            longest = max(longest, held(stepper))
    assert stepper.state == state
    assert 0 < longest < 5_000


def held(stepper: Stepper) -> int:
    """How many closes it keeps; zero while it is filling."""
    inner = inspect.isgenerator(stepper._steps) and stepper._steps.gi_yieldfrom
    return len(inspect.getgeneratorlocals(inner)["closes"]) if inspect.isgenerator(inner) else 0


@pytest.mark.parametrize("kind", list(MovingAverageKind))
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 60])
def test_many_at_once_are_the_same_as_one_by_one(kind: MovingAverageKind, count: int) -> None:
    rules = rules_of(ma_type=kind, fast_ma=2, slow_ma=5)
    candles = walked(80, seed=2)
    state, _ = stepped(rules, candles[:20])
    rest = candles[20 : 20 + count]
    assert advance_all(rules, state, rest) == stepped(rules, rest, state)
