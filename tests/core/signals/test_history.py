from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.filters.always import atr, min_atr_value
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.history import BatchResult, evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.state import Cross, StrategyState
from tests.core.series import drawn_candles, flat_candles, real_candles, rules_of, stepped, walked

Kind = MovingAverageKind
kinds = st.sampled_from(list(Kind))
EVERY_KIND = pytest.mark.parametrize("kind", list(Kind))


def assert_agrees(
    rules: Rules, candles: Sequence[Candle], result: BatchResult, begun: StrategyState | None = None
) -> None:
    """Compare every field of a batch with the step engine, candle by candle."""
    state = rules.empty_state() if begun is None else begun
    crosses = []
    for index, candle in enumerate(candles):
        state, cross = rules.advance(state, candle)
        if cross is not None:
            crosses.append(cross)
        assert result.fast.ratio(index) == state.fast.ratio
        assert result.slow.ratio(index) == state.slow.ratio
        assert int(result.sides[index]) == int(state.side or 0)
        assert int(result.ranges_held[index]) == len(state.ranges)
        assert int(result.range_totals[index]) == state.range_total
    assert result.crosses == crosses
    assert result.state == state
    for column in (result.fast.numerators, result.slow.numerators, result.sides, result.range_totals):
        assert len(column) == len(candles)


@EVERY_KIND
@given(
    fast=st.integers(1, 12),
    slow=st.integers(1, 12),
    atr_period=st.integers(1, 6),
    least=st.integers(0, 4),
    candles=drawn_candles(),
)
def test_a_batch_agrees_with_the_steps_on_every_candle_and_every_field(
    kind: Kind, fast: int, slow: int, atr_period: int, least: int, candles: list[Candle]
) -> None:
    rules = rules_of(
        ma_type=kind, fast_ma=fast, slow_ma=slow, atr_period=atr_period, min_atr_value=Decimal(least).scaleb(-5)
    )
    assert_agrees(rules, candles, evaluate(rules, CandleColumns.of(candles)))


@given(kinds, st.integers(1, 9), st.integers(1, 9), drawn_candles(), st.data())
def test_batches_and_steps_may_take_turns_anywhere(
    kind: Kind, fast: int, slow: int, candles: list[Candle], data: st.DataObject
) -> None:
    rules = rules_of(ma_type=kind, fast_ma=fast, slow_ma=slow)
    expected_state, expected = stepped(rules, candles)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(candles)), max_size=5)))
    state, crosses = rules.empty_state(), []
    for start, end in zip([0, *cuts], [*cuts, len(candles)], strict=True):
        part = candles[start:end]
        if data.draw(st.booleans()):
            result = evaluate(rules, CandleColumns.of(part), state)
            assert_agrees(rules, part, result, state)
            state, some = result.state, list(result.crosses)
        else:
            state, some = stepped(rules, part, state)
        crosses += some
    assert state == expected_state
    assert crosses == expected


@EVERY_KIND
def test_a_long_walk_in_parts_of_odd_sizes_is_one_walk(kind: Kind) -> None:
    rules = rules_of(ma_type=kind, fast_ma=9, slow_ma=30, atr_period=14, min_atr_value=Decimal("0.0003"))
    candles = walked(3_000, seed=11)
    columns = CandleColumns.of(candles)
    whole = evaluate(rules, columns)
    assert_agrees(rules, candles, whole)
    state, crosses, start = rules.empty_state(), list[Cross](), 0
    for size in (1, 2, 7, 29, 30, 31, 500, 1_000, 0, 3_000):
        part = evaluate(rules, columns.part(start, start + size), state)
        state, start = part.state, start + size
        crosses += part.crosses
    assert state == whole.state
    assert crosses == whole.crosses
    assert len(crosses) > 20


@EVERY_KIND
@pytest.mark.parametrize("price", [10**9, 10**13, 10**15])
def test_sums_beyond_64_bits_are_never_silently_wrong(kind: Kind, price: int) -> None:
    # Long periods and large prices: products go far beyond 2**63, also where running sums have wrapped on the way.
    rules = rules_of(ma_type=kind, fast_ma=60, slow_ma=300, atr_period=5)
    moves = [candle.close - 110_000 for candle in walked(1_900, seed=price % 97)]
    candles = [
        Candle(index * 60, price + move, price + move + 3, price + move - 2, price + move)
        for index, move in enumerate(moves)
    ]
    result = evaluate(rules, CandleColumns.of(candles))
    assert_agrees(rules, candles, result)
    assert result.sides.any()


@given(kinds, st.lists(st.integers(1, 2**62), max_size=40))
def test_prices_near_the_end_of_64_bits_agree_all_the_same(kind: Kind, closes: list[int]) -> None:
    rules = rules_of(ma_type=kind, fast_ma=3, slow_ma=7, atr_period=4)
    candles = flat_candles(closes)
    assert_agrees(rules, candles, evaluate(rules, CandleColumns.of(candles)))


def test_a_price_that_does_not_fit_is_refused_and_not_wrapped() -> None:
    with pytest.raises(OverflowError):
        CandleColumns.of(flat_candles([2**63]))


def test_no_candles_leave_the_state_as_it_was() -> None:
    rules = rules_of()
    state, _ = stepped(rules, walked(20, seed=2))
    for begun in (None, state):
        result = evaluate(rules, CandleColumns.of([]), begun)
        assert result.state == (rules.empty_state() if begun is None else begun)
        assert (len(result.sides), len(result.crosses), len(result.fast.numerators)) == (0, 0, 0)


def test_later_candles_never_change_a_batch_before_them() -> None:
    rules, candles = rules_of(fast_ma=4, slow_ma=11), walked(400, seed=7)
    whole = evaluate(rules, CandleColumns.of(candles))
    for cut in range(0, 400, 37):
        prefix = evaluate(rules, CandleColumns.of(candles[:cut]))
        assert np.array_equal(prefix.sides, whole.sides[:cut])
        assert prefix.crosses == [cross for cross in whole.crosses if cross.candle in candles[:cut]]


def test_columns_give_back_the_candles_they_are_made_of() -> None:
    candles = walked(10, seed=4)
    columns = CandleColumns.of(candles)
    assert list(columns) == candles
    assert [columns.candle(index) for index in range(10)] == candles
    assert list(columns.part(3, 6)) == candles[3:6]
    assert columns.candle(-1) == candles[-1]
    assert all(isinstance(number, int) for number in columns.candle(0))


def test_a_rejected_cross_names_its_filter() -> None:
    rules = rules_of(fast_ma=1, slow_ma=2, atr_period=4, min_atr_value=Decimal("0.00003"))
    result = evaluate(rules, CandleColumns.of(flat_candles([1_010, 1_010, 1_012, 1_009, 1_013, 1_008, 1_012])))
    assert [cross.rejected_by for cross in result.crosses] == [atr.FILTER, min_atr_value.FILTER, None, None]


@pytest.mark.parametrize(
    ("file", "granularity", "instrument"),
    [
        ("EUR_USD_H4", Granularity.H4, Instrument("EUR_USD", 5, -4)),
        ("EUR_USD_D", Granularity.D, Instrument("EUR_USD", 5, -4)),
        ("GBP_JPY_H4", Granularity.H4, Instrument("GBP_JPY", 3, -2)),
        ("GBP_JPY_D", Granularity.D, Instrument("GBP_JPY", 3, -2)),
    ],
)
@pytest.mark.parametrize(
    "settings",
    [
        {"fast_ma": 40, "slow_ma": 140, "atr_period": 14, "min_atr_value": Decimal("0.0002")},
        {"fast_ma": 50, "slow_ma": 200, "atr_period": 14, "min_atr_value": Decimal("0.02")},
        {"fast_ma": 1, "slow_ma": 2, "atr_period": 1},
        {"fast_ma": 80, "slow_ma": 50, "atr_period": 20},
        *({"ma_type": kind, "fast_ma": 21, "slow_ma": 55, "atr_period": 14} for kind in Kind if kind is not Kind.SMA),
    ],
    ids=lambda settings: f"{settings.get('ma_type', 'sma')}-{settings['fast_ma']}-{settings['slow_ma']}",
)
def test_batch_and_steps_agree_on_ten_years_of_real_candles(
    candles_dir: Path, file: str, granularity: Granularity, instrument: Instrument, settings: dict[str, Any]
) -> None:
    candles = real_candles(candles_dir / f"{file}.csv", instrument.decimals)
    rules = rules_of(instrument, name=file, granularity=granularity, **settings)
    result = evaluate(rules, CandleColumns.of(candles))
    state, crosses = stepped(rules, candles)
    assert result.state == state
    assert result.crosses == crosses
    assert crosses
    accepted = [cross for cross in result.crosses if cross.rejected_by is None]
    signals = [signal_of(rules, cross, granularity.close_of(cross.candle.time)) for cross in accepted]
    assert len({signal.id for signal in signals}) == len(signals)
