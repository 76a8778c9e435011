"""A state made at one go is that of single steps, or none."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.filters.kinds import chosen
from ninja_daemon.core.market.candle import AtrType, Candle
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.stepper import state_after
from tests.core.series import drawn_candles, rules_of, stepped, walked

periods = st.integers(1, 9)


@settings(max_examples=150)
@given(
    drawn_candles(), st.sampled_from([MovingAverageKind.SMA] * 3 + [MovingAverageKind.EMA]), periods, periods, periods
)
def test_a_state_made_at_one_go_is_that_of_single_steps(
    candles: list[Candle], kind: MovingAverageKind, fast: int, slow: int, atr_period: int
) -> None:
    rules = rules_of(ma_type=kind, fast_ma=fast, slow_ma=slow, atr_period=atr_period)
    state = state_after(rules, candles)
    assert state is None or state == stepped(rules, candles)[0]


def test_histories_of_ordinary_strategies_are_taken_at_one_go() -> None:
    rules = rules_of(fast_ma=40, slow_ma=140)
    candles = walked(142, seed=3)
    assert state_after(rules, candles) == stepped(rules, candles)[0]
    assert state_after(rules, candles[:140]) is None, "the close that leaves the slow average is missing"
    assert state_after(rules, [candles[0]._replace(time=one.time) for one in candles]) is None, "a tie at its end"


def test_where_the_way_matters_nothing_is_made_at_one_go() -> None:
    candles = walked(200, seed=4)
    spaced = {"filters": chosen({"min_candles_between": 5})}
    for changes in ({"atr_type": AtrType.WILDER}, {"source": Source.HL2}, {"fast_type": MovingAverageKind.EMA}, spaced):
        assert state_after(rules_of(fast_ma=3, slow_ma=7, **changes), candles) is None
