"""What was decided at each candle agrees with the step engine, and each filter's numbers with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.signals.decisions import Decision, decisions, verdicts
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.rules import Rules
from tests.core.series import EUR_USD, drawn_candles, flat_candles, rules_of, walked


def decided(rules: Rules, candles: Sequence[Candle]) -> list[Decision]:
    columns = CandleColumns.of(candles)
    return list(decisions(columns, evaluate(rules, columns), 0, len(candles)))


@given(candles=drawn_candles())
def test_every_candle_is_as_the_step_engine_decides_it(candles: Sequence[Candle]) -> None:
    rules = rules_of()
    state = rules.empty_state()
    for candle, decision in zip(candles, decided(rules, candles), strict=True):
        assert (decision.candle, decision.side_before) == (candle, state.side)
        state, cross = rules.advance(state, candle)
        assert (decision.side_after, decision.cross) == (state.side, cross)
        assert (decision.fast, decision.slow) == (state.fast.ratio, state.slow.ratio)
        assert (decision.ranges_held, decision.range_total) == (len(state.ranges), state.range_total)


@given(candles=drawn_candles())
def test_the_numbers_of_a_filter_say_what_its_verdict_says(candles: Sequence[Candle]) -> None:
    rules = rules_of(min_atr_value=Decimal("0.00004"), atr_period=5)
    for decision in decided(rules, candles):
        made = verdicts(rules, decision)
        assert bool(made) == (decision.cross is not None)
        for verdict in made:
            assert isinstance(verdict.value, Decimal)
            assert isinstance(verdict.limit, Decimal)
            assert verdict.passed == (verdict.value >= verdict.limit)
        if decision.cross is not None:
            rejected_by = decision.cross.rejected_by
            assert [one.name for one in made if not one.passed] == ([] if rejected_by is None else [rejected_by.name])


def test_the_filters_come_in_the_order_in_which_they_are_counted() -> None:
    rules = rules_of()
    passed = [each for each in decided(rules, walked(200, seed=5)) if each.signal_id(rules)]
    names = ["atr", "min_atr_value", "min_rr_ratio", "no_room"]
    assert passed
    assert {tuple(one.name for one in verdicts(rules, each)) for each in passed} == {tuple(names)}


def test_a_ratio_that_is_too_small_is_named_with_both_numbers() -> None:
    rules = rules_of(min_rr_ratio=Decimal("1.6"))
    rejected = [verdicts(rules, each)[-1] for each in decided(rules, walked(200, seed=5)) if each.cross is not None]
    assert ("min_rr_ratio", Decimal("1.5"), Decimal("1.6"), False) in rejected


@pytest.mark.parametrize(("close", "is_near"), [(100_000, True), (100_900, False)])
def test_near_is_a_gap_of_a_tenth_of_the_average_true_range(close: int, is_near: bool) -> None:
    rules = rules_of()
    last = decided(rules, flat_candles([100_000, 100_000, 100_000, 100_000, 100_000, close]))[-1]
    assert last.is_near(rules.strategy.range_whole) is is_near


def test_the_gap_is_in_pips_with_four_digits() -> None:
    last = decided(rules_of(), flat_candles([100_000, 100_000, 100_000, 100_000, 100_007]))[-1]
    # (100_000 + 100_007) / 2 less 500_007 / 5, in tenths of a pip.
    assert last.gap_pips(EUR_USD) == Decimal("0.2100")
