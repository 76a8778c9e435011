from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind, restored_average
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters.always import atr, min_atr_value, min_rr_ratio, no_room
from ninja_daemon.core.filters.filter import Filter
from ninja_daemon.core.filters.plug_in import FilterPlugIn
from ninja_daemon.core.market.candle import AtrType, Candle, true_range
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument, PriceSide
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from tests.core.series import EUR_USD, START, drawn_candles, flat_candles, rules_of, stepped, walked

kinds = st.sampled_from(list(MovingAverageKind))


# --- average true range ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("candle", "previous_close", "expected"),
    [
        (Candle(0, 10, 15, 9, 12), 11, 6),  # inside: high − low
        (Candle(0, 10, 15, 9, 12), 20, 11),  # a gap down: previous close − low
        (Candle(0, 10, 15, 9, 12), 4, 11),  # a gap up: high − previous close
        (Candle(0, 10, 10, 10, 10), 10, 0),
    ],
)
def test_the_true_range_reaches_to_the_previous_close(candle: Candle, previous_close: int, expected: int) -> None:
    assert true_range(candle, previous_close) == expected


@given(drawn_candles(), st.integers(1, 9))
def test_the_average_true_range_is_the_mean_of_the_last_true_ranges(candles: list[Candle], period: int) -> None:
    rules = rules_of(atr_period=period)
    state, ranges = rules.empty_state(), list[int]()
    for index, candle in enumerate(candles):
        if index:
            previous = candles[index - 1].close
            ranges.append(max(candle.high - candle.low, abs(candle.high - previous), abs(candle.low - previous)))
        state, _ = rules.advance(state, candle)
        assert list(state.ranges) == ranges[-period:]
        assert state.range_total == sum(ranges[-period:])


# --- filters ---------------------------------------------------------------------------------------------------------

TURNING = flat_candles([1_010, 1_010, 1_012, 1_009, 1_013, 1_008])
WIDE = flat_candles([10_000, 10_000, 10_200, 9_900, 10_300, 9_800])
"""With averages of one and two closes: sides from the third candle on, a cross at each of the last three."""


def filters_of(candles: Sequence[Candle] = TURNING, **settings: Any) -> list[Filter | None]:
    _, crosses = stepped(rules_of(**{"fast_ma": 1, "slow_ma": 2, "atr_period": 1, **settings}), candles)
    return [cross.rejected_by for cross in crosses]


def test_a_cross_before_the_atr_is_full_moves_the_side_and_is_no_signal() -> None:
    assert filters_of(atr_period=4) == [atr.FILTER, None, None]
    assert filters_of(atr_period=5) == [atr.FILTER, atr.FILTER, None]


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        # The true ranges of the crosses are 3, 4 and 5 units of 0.00001.
        ("0.00003", [None, None, None]),
        ("0.0000300000000000000000001", [min_atr_value.FILTER, None, None]),
        ("0.00004", [min_atr_value.FILTER, None, None]),
        ("0.000041", [min_atr_value.FILTER, min_atr_value.FILTER, None]),
        ("0.00005", [min_atr_value.FILTER, min_atr_value.FILTER, None]),
        ("1", [min_atr_value.FILTER] * 3),
    ],
)
def test_the_least_average_true_range_is_compared_exactly(least: str, expected: list[Filter | None]) -> None:
    assert filters_of(min_atr_value=Decimal(least)) == expected


def test_a_mean_of_ranges_between_two_units_is_compared_as_a_fraction() -> None:
    # Ranges 0, 2, 3, 4, 5: means of the last three at the crosses are 5/3, 3 and 4 units.
    assert filters_of(atr_period=3, min_atr_value=Decimal("0.0000166")) == [None, None, None]
    assert filters_of(atr_period=3, min_atr_value=Decimal("0.0000167")) == [min_atr_value.FILTER, None, None]


@pytest.mark.parametrize(
    ("target", "stop", "least", "is_kept"),
    [
        ("2.25", "1.5", "1.5", True),
        ("3.0", "2.0", "1.5", True),
        ("2.0", "1.5", "1.5", False),
        ("1.1", "1.0", "1.1", True),
        ("0.3", "0.1", "3", True),
        ("0.3", "0.1", "3.0000000000000000000000000000001", False),
        ("1", "3", "0.3333333333333333333333333333", True),
        ("1", "3", "0.3333333333333333333333333334", False),
    ],
)
def test_reward_over_risk_is_compared_exactly(target: str, stop: str, least: str, is_kept: bool) -> None:
    changes = {"tp_atr_multiplier": target, "sl_atr_multiplier": stop, "min_rr_ratio": least}
    found = filters_of(WIDE, **{name: Decimal(text) for name, text in changes.items()})
    assert found == [None if is_kept else min_rr_ratio.FILTER] * 3


def test_the_first_filter_that_rejects_is_the_one_that_counts() -> None:
    found = filters_of(atr_period=4, min_atr_value=Decimal("0.000028"), min_rr_ratio=Decimal(9))
    assert found == [atr.FILTER, min_atr_value.FILTER, min_rr_ratio.FILTER]


@pytest.mark.parametrize(
    ("side", "close", "total", "has_room"),
    [
        # Stop at 2, target at 3 average true ranges of one candle; the stop's half units round to an even price.
        (Side.BUY, 100_000, 1, True),
        (Side.BUY, 2, 1, False),
        (Side.BUY, 3, 1, True),
        (Side.SELL, 3, 1, False),
        (Side.SELL, 4, 1, True),
        (Side.BUY, 100_000, 0, False),
        (Side.BUY, 100_000, 49_999, True),
        (Side.BUY, 100_000, 50_000, False),
        (Side.SELL, 100_000, 33_333, True),
        (Side.SELL, 100_000, 33_334, False),
    ],
)
def test_a_cross_without_room_for_stop_and_target_is_no_signal(
    side: Side, close: int, total: int, has_room: bool
) -> None:
    rules = Rules(replace(PLAIN, atr_period=1, min_atr_value=Decimal(0)), EUR_USD)
    cross = rules.cross(
        side, Candle(START, close, close, close, close), ((2, 1), (1, 1), 1, total, (1, 1), (1, 1), None)
    )
    assert cross.rejected_by is (None if has_room else no_room.FILTER)


@pytest.mark.parametrize(("close", "has_room"), [(1_000, False), (1_001, True)])
def test_half_a_unit_of_distance_is_room_only_beside_an_odd_price(close: int, has_room: bool) -> None:
    # Distance of the stop: half a unit; half-even leads back to an even close.
    half = replace(PLAIN, atr_period=1, sl_atr_multiplier=Decimal("0.5"), tp_atr_multiplier=Decimal(1))
    half = replace(half, min_atr_value=Decimal(0))
    candle = Candle(START, close, close, close, close)
    cross = Rules(half, EUR_USD).cross(Side.BUY, candle, ((2, 1), (1, 1), 1, 1, (1, 1), (1, 1), None))
    assert cross.rejected_by is (None if has_room else no_room.FILTER)


# --- cutting, order and company --------------------------------------------------------------------------------------


@given(kinds, st.integers(1, 9), st.integers(1, 9), drawn_candles(), st.data())
def test_the_result_is_the_same_wherever_candles_are_cut_and_the_state_stored(
    kind: MovingAverageKind, fast: int, slow: int, candles: list[Candle], data: st.DataObject
) -> None:
    rules = rules_of(ma_type=kind, fast_ma=fast, slow_ma=slow)
    whole_state, whole_crosses = stepped(rules, candles)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(candles)), max_size=4)))
    state, crosses = rules.empty_state(), []
    for start, end in zip([0, *cuts], [*cuts, len(candles)], strict=True):
        state, some = stepped(rules, candles[start:end], state)
        crosses += some
        state = state._replace(
            closes=Window(state.closes.size, list(state.closes)),
            ranges=Window(state.ranges.size, list(state.ranges)),
            fast=restored_average(kind, fast, state.fast.numbers),
            slow=restored_average(kind, slow, state.slow.numbers),
        )
    assert state == whole_state
    assert crosses == whole_crosses


@given(kinds, drawn_candles(), drawn_candles(), st.integers(0, 60))
def test_later_candles_never_change_what_was_found_before_them(
    kind: MovingAverageKind, candles: list[Candle], others: list[Candle], cut: int
) -> None:
    rules = rules_of(ma_type=kind)
    cut = min(cut, len(candles))
    _, before = stepped(rules, candles[:cut])
    later = [candle._replace(time=candle.time + cut * 60) for candle in others]
    for following in (candles[cut:], later):
        _, crosses = stepped(rules, candles[:cut] + following)
        assert crosses[: len(before)] == before
        assert all(cross.candle.time >= START + cut * 60 for cross in crosses[len(before) :])


@given(drawn_candles())
def test_two_strategies_on_one_series_do_not_share_anything(candles: list[Candle]) -> None:
    both = [rules_of(name="one", fast_ma=2, slow_ma=5), rules_of(name="two", fast_ma=2, slow_ma=3)]
    alone = [stepped(rules, candles) for rules in both]
    states = [rules.empty_state() for rules in both]
    crosses: list[list[object]] = [[], []]
    for candle in candles:
        for index, rules in enumerate(both):
            states[index], cross = rules.advance(states[index], candle)
            if cross is not None:
                crosses[index].append(cross)
    assert [(states[index], crosses[index]) for index in range(2)] == alone


def test_a_state_stays_what_it_was_when_candles_are_taken_in_after_it() -> None:
    rules, candles = rules_of(), walked(40, seed=1)
    state, _ = stepped(rules, candles[:20])
    held = (list(state.closes), list(state.ranges), state.fast.numbers, state.range_total)
    one, _ = stepped(rules, candles[20:], state)
    other, _ = stepped(rules, candles[20:], state)
    assert one == other
    assert (list(state.closes), list(state.ranges), state.fast.numbers, state.range_total) == held


# --- settings --------------------------------------------------------------------------------------------------------

PLAIN = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 40, 140, min_atr_value=Decimal("0.0002"))
SIGNIFICANT: dict[str, object] = {
    "instrument": "GBP_USD",
    "granularity": Granularity.H1,
    "fast_ma": 41,
    "slow_ma": 141,
    "ma_type": MovingAverageKind.EMA,
    "price": PriceSide.BID,
    "atr_period": 15,
    "sl_atr_multiplier": Decimal("2.1"),
    "tp_atr_multiplier": Decimal("3.1"),
    "min_atr_value": Decimal("0.0003"),
    "min_rr_ratio": Decimal("1.4"),
    "filters": (("days", ("mon", "tue")),),
    "plug_ins": (FilterPlugIn("1", 1, lambda _: (1, 1), name="mine"),),
    "fast_type": MovingAverageKind.WMA,
    "source": Source.HL2,
    "atr_type": AtrType.WILDER,
}
INSIGNIFICANT: dict[str, object] = {
    "name": "other",
    "max_signal_age": 60,
    "market_hours": MarketHours.ALWAYS,
    "exit_on_reverse": True,
    "max_candles": 5,
    "cost_pips": Decimal("0.5"),
    "cost_is_spread": True,
    "enabled": False,
}


def test_every_setting_either_changes_the_hash_or_is_known_not_to() -> None:
    assert set(SIGNIFICANT) | set(INSIGNIFICANT) == set(Strategy.__dataclass_fields__)


@pytest.mark.parametrize("name", SIGNIFICANT)
def test_a_setting_that_can_change_a_signal_changes_the_hash(name: str) -> None:
    changes: dict[str, Any] = {name: SIGNIFICANT[name]}
    assert replace(PLAIN, **changes).settings_hash != PLAIN.settings_hash


@pytest.mark.parametrize("name", INSIGNIFICANT)
def test_a_setting_that_cannot_change_a_signal_does_not_change_the_hash(name: str) -> None:
    changes: dict[str, Any] = {name: INSIGNIFICANT[name]}
    assert replace(PLAIN, **changes).settings_hash == PLAIN.settings_hash


@pytest.mark.parametrize("text", ["2", "2.0", "2.00", "0.2E1", "20E-1"])
def test_numbers_count_in_normal_form(text: str) -> None:
    assert replace(PLAIN, sl_atr_multiplier=Decimal(text)).settings_hash == PLAIN.settings_hash


@pytest.mark.parametrize("text", ["-0.0", "-0", "0.000", "0E+3"])
def test_nothing_is_nothing_however_it_is_written(text: str) -> None:
    hashes = {replace(PLAIN, min_atr_value=Decimal(one)).settings_hash for one in (text, "0")}
    assert len(hashes) == 1


def test_the_hash_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert PLAIN.settings_hash == "b275400ab877b4b0"


@dataclass(frozen=True)
class LaterStrategy(Strategy):
    min_gap: Decimal = Decimal(0)
    bias: str | None = None


def test_a_setting_of_a_later_version_enters_the_hash_only_when_it_is_set() -> None:
    later = LaterStrategy(**{name: getattr(PLAIN, name) for name in Strategy.__dataclass_fields__})
    assert later.settings_hash == PLAIN.settings_hash
    assert replace(later, min_gap=Decimal("0.00")).settings_hash == PLAIN.settings_hash
    set_ones = [replace(later, min_gap=Decimal(1)), replace(later, bias="D"), replace(later, bias="H4")]
    assert len({one.settings_hash for one in (PLAIN, *set_ones)}) == 4


def test_the_warm_up_covers_both_averages_and_the_average_true_range() -> None:
    assert replace(PLAIN).warm_up == 140
    assert replace(PLAIN, fast_ma=160).warm_up == 160
    assert replace(PLAIN, fast_ma=2, slow_ma=3).warm_up == 15
    assert replace(PLAIN, ma_type=MovingAverageKind.HMA).warm_up == 140 + 11 - 1


@pytest.mark.parametrize(
    ("max_signal_age", "after_close", "is_late"),
    [(None, 14_400.0, False), (None, 14_400.1, True), (60, 60.0, False), (60, 61.0, True), (0, 0.5, True)],
)
def test_a_signal_is_late_when_its_candle_closed_longer_ago_than_is_allowed(
    max_signal_age: int | None, after_close: float, is_late: bool
) -> None:
    strategy = replace(PLAIN, max_signal_age=max_signal_age)
    opened = 1_646_402_400  # 2022-03-04T14:00:00Z
    assert strategy.is_late(opened, opened + 14_400, opened + 14_400 + after_close) is is_late


def test_one_candle_of_lateness_is_as_long_as_the_candle_itself_was() -> None:
    strategy = replace(PLAIN, granularity=Granularity.D)
    spring, autumn = 1_772_920_800, 1_793_480_400  # the days of 23 and 25 hours in 2026
    assert Granularity.D.is_border(spring)
    assert Granularity.D.is_border(autumn)
    for opened, length in ((spring, 23 * 3_600), (autumn, 25 * 3_600)):
        close = Granularity.D.close_of(opened)
        assert close == opened + length
        assert not strategy.is_late(opened, close, close + length)
        assert strategy.is_late(opened, close, close + length + 1)


def test_the_threshold_of_an_instrument_follows_its_decimals() -> None:
    strategy = replace(PLAIN, min_atr_value=Decimal("0.02"), atr_period=1, instrument="GBP_JPY")
    yen = Instrument("GBP_JPY", 3, -2)
    too_small = min_atr_value.FILTER
    for instrument, total, expected in [(yen, 20, None), (yen, 19, too_small), (EUR_USD, 1_999, too_small)]:
        cross = Rules(strategy, instrument).cross(
            Side.BUY, TURNING[0], ((2, 1), (1, 1), 1, total, (1, 1), (1, 1), None)
        )
        assert cross.rejected_by is expected
    assert Fraction(strategy.min_atr_value) * 10**5 == 2_000
