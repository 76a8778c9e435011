from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.stored.state.state_form import decode_state, encode_state
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.candle import Candle
from tests.core.series import drawn_candles, rules_of, stepped, walked

EVERY_KIND = pytest.mark.parametrize("kind", list(MovingAverageKind))
kinds = st.sampled_from(list(MovingAverageKind))


@EVERY_KIND
@given(fast=st.integers(1, 9), slow=st.integers(1, 12), candles=drawn_candles(), cut=st.integers(1, 60))
def test_a_state_is_read_back_whole_also_when_only_what_is_new_was_written(
    kind: MovingAverageKind, fast: int, slow: int, candles: list[Candle], cut: int
) -> None:
    rules = rules_of(ma_type=kind, fast_ma=fast, slow_ma=slow)
    first, later = candles[:cut], candles[cut:]
    if not first:
        return
    state, _ = stepped(rules, first)
    fields = encode_state(rules, state, None)
    assert decode_state(rules.strategy, fields) == (state, rules.instrument)
    for candle in later:
        state, _ = rules.advance(state, candle)
        fields |= encode_state(rules, state, state.seen - 1)
    assert decode_state(rules.strategy, fields) == (state, rules.instrument)
    assert encode_state(rules, state, None).items() <= fields.items()


@EVERY_KIND
def test_going_on_from_a_state_that_was_read_back_changes_nothing(kind: MovingAverageKind) -> None:
    rules, candles = rules_of(ma_type=kind, fast_ma=5, slow_ma=17), walked(200, seed=12)
    expected, expected_crosses = stepped(rules, candles)
    state, crosses = rules.empty_state(), []
    for candle in candles:
        state, some = stepped(rules, [candle], state)
        crosses += some
        state, _ = decode_state(rules.strategy, encode_state(rules, state, None))
    assert state == expected
    assert crosses == expected_crosses
    assert crosses


@EVERY_KIND
def test_sums_of_the_longest_periods_and_largest_prices_can_be_stored(kind: MovingAverageKind) -> None:
    rules = rules_of(ma_type=kind, fast_ma=2_000, slow_ma=5_000, atr_period=5)
    price = 999_999_999_999_999
    state, _ = stepped(rules, [Candle(index * 60, price, price, price, price) for index in range(5_200)])
    assert decode_state(rules.strategy, encode_state(rules, state, None))[0] == state


@given(kinds, st.data())
def test_a_damaged_field_raises_only_our_error_or_makes_no_difference(
    kind: MovingAverageKind, data: st.DataObject
) -> None:
    rules = rules_of(ma_type=kind, fast_ma=3, slow_ma=7)
    *candles, following = walked(41, seed=13)
    state, _ = stepped(rules, candles)
    fields = encode_state(rules, state, None)
    name = data.draw(st.sampled_from(sorted(fields)))
    damaged = data.draw(
        st.one_of(
            st.none(),
            st.text(max_size=12),
            st.integers(-(10**20), 10**20).map(str),
            st.lists(st.integers(-(10**20), 10**20), max_size=12).map(lambda numbers: " ".join(map(str, numbers))),
        )
    )
    if damaged is None:
        del fields[name]
    else:
        fields[name] = damaged
    try:
        read, _ = decode_state(rules.strategy, fields)
    except StateUnreadable as error:
        assert str(error)  # noqa: PT017 - or there is no error at all
        return
    # Some fields cannot be checked against others: the candle's time and its other prices, the side, the instrument.
    # The oldest close of a ring cannot either; it has gone before anything is computed from it.
    if name not in {"time", "last", "side", "decimals", "pip", "count"}:
        assert rules.advance(read, following) == rules.advance(state, following)
