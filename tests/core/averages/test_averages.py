from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, takewhile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.average import MovingAverage
from ninja_daemon.core.averages.kinds import MovingAverageKind as Kind, restored_average
from ninja_daemon.core.averages.smoothed import LONGEST_WARM_UP
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.rounding import half_even
from tests.core.averages.definitions import DEFINITIONS
from tests.core.series import walked

ROOT = Path(__file__).resolve().parents[3]
FINITE = [kind for kind, definition in DEFINITIONS.items() if not definition.remembers]
INFINITE = [kind for kind, definition in DEFINITIONS.items() if definition.remembers]
periods = st.integers(1, 24)
series = st.lists(st.integers(1, 400_000), min_size=1, max_size=90)
kinds = st.sampled_from(list(Kind))


# --- the averages ----------------------------------------------------------------------------------------------------


def after(kind: Kind, period: int, closes: Sequence[int], spare: int = 0) -> tuple[MovingAverage, Window]:
    window, average = Window(kind.average.closes_held(period) + spare), kind.average.empty(period)
    for close in closes:
        window = window.pushed(close)
        average = average.updated(window)
    return average, window


def defined(kind: Kind, closes: Sequence[int], period: int) -> Fraction | None:
    return DEFINITIONS[kind].value([Fraction(close) for close in closes], period)


def value(average: MovingAverage) -> Fraction | None:
    return None if average.ratio is None else Fraction(*average.ratio)


def test_every_kind_has_a_definition() -> None:
    missing = set(Kind) - set(DEFINITIONS)
    assert not missing, "a new kind needs its formula in tests/core/averages/definitions.py"


@pytest.mark.parametrize("kind", list(Kind))
@given(period=periods, closes=series, spare=st.integers(0, 5))
def test_an_average_equals_its_definition(kind: Kind, period: int, closes: list[int], spare: int) -> None:
    average, _ = after(kind, period, closes, spare)
    assert value(average) == defined(kind, closes, period)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("period", [2, 3, 14, 31])
def test_an_average_equals_its_definition_after_every_candle(kind: Kind, period: int) -> None:
    closes = [candle.close for candle in walked(4 * period + 40, seed=period)]
    window, average = after(kind, period, [])[::-1]
    for count, close in enumerate(closes, start=1):
        window = window.pushed(close)
        average = average.updated(window)
        assert value(average) == defined(kind, closes[:count], period)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.SMA, Fraction(40, 4)),
        (Kind.WMA, Fraction(1 * 4 + 2 * 8 + 3 * 12 + 4 * 16, 10)),
        # Seeded with (4 + 8 + 12 + 16) / 4 = 10 after the fourth close.
        (Kind.EMA, Fraction(10)),
        (Kind.SMMA, Fraction(10)),
    ],
)
def test_four_closes_worked_out_by_hand(kind: Kind, expected: Fraction) -> None:
    assert value(after(kind, 4, [4, 8, 12, 16])[0]) == expected


def test_a_fifth_close_moves_each_average_by_its_own_weight() -> None:
    closes = [4, 8, 12, 16, 30]
    assert value(after(Kind.EMA, 4, closes)[0]) == Fraction(10 * 3 + 30 * 2, 5)
    assert value(after(Kind.SMMA, 4, closes)[0]) == Fraction(10 * 3 + 30, 4)
    # Hull of 4: WMA(2) of 2 × WMA(2) − WMA(4), after the fourth and the fifth close.
    fourth = 2 * Fraction(12 + 2 * 16, 3) - Fraction(120, 10)
    fifth = 2 * Fraction(16 + 2 * 30, 3) - Fraction(8 + 2 * 12 + 3 * 16 + 4 * 30, 10)
    assert value(after(Kind.HMA, 4, closes)[0]) == (fourth + 2 * fifth) / 3


@given(kinds, periods, st.integers(1, 10**12), st.integers(1, 80))
def test_a_price_that_stands_still_is_its_own_average(kind: Kind, period: int, price: int, count: int) -> None:
    average, _ = after(kind, period, [price] * count)
    assert value(average) in {None, Fraction(price)}


@given(kinds, periods, series, st.data())
def test_storing_and_restoring_between_any_two_candles_changes_nothing(
    kind: Kind, period: int, closes: list[int], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(closes)))
    average, window = after(kind, period, closes[:cut])
    average = restored_average(kind, period, [int(str(number)) for number in average.numbers])
    window = Window(window.size, list(window))
    for close in closes[cut:]:
        window = window.pushed(close)
        average = average.updated(window)
    assert average == after(kind, period, closes)[0]


@given(kinds, periods, series, st.integers(0, 5))
def test_an_average_agrees_with_its_own_closes(kind: Kind, period: int, closes: list[int], spare: int) -> None:
    average, window = after(kind, period, closes, spare)
    assert average.agrees_with(window)
    assert kind.average.empty(period).agrees_with(Window(3))


@given(kinds, periods, series, st.data())
def test_a_changed_number_is_not_taken_for_the_average_of_the_closes(
    kind: Kind, period: int, closes: list[int], data: st.DataObject
) -> None:
    average, window = after(kind, period, closes)
    numbers = list(average.numbers)
    # Of averages of infinite memory only results can be checked: their closes are gone, so no one knows how many there
    # were, and the result before the newest close is there to check by; nothing is computed from it.
    choices = [index for index in range(len(numbers)) if kind in FINITE or index % 3 == 2]
    index = data.draw(st.sampled_from(choices))
    numbers[index] += data.draw(st.sampled_from([-1_000_003, -1, 1, 7, 1_000_003, 10**12 + 39]))
    try:
        changed = restored_average(kind, period, numbers)
    except StateUnreadable:
        return
    assert not changed.agrees_with(window)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_average_of_other_closes_is_not_taken_for_that_of_these(kind: Kind) -> None:
    closes = [candle.close for candle in walked(200, seed=3)]
    average, _ = after(kind, 9, closes)
    _, other = after(kind, 9, closes[:-1])
    assert not average.agrees_with(other)


@given(kinds, periods, st.lists(st.integers(-(10**18), 10**18), max_size=12))
def test_whatever_numbers_are_stored_only_our_error_comes_out(kind: Kind, period: int, numbers: list[int]) -> None:
    try:
        average = restored_average(kind, period, numbers)
    except StateUnreadable as error:
        assert str(kind) in str(error)  # noqa: PT017 - or there is no error at all
        return
    assert average.numbers == tuple(numbers)
    assert isinstance(average.agrees_with(Window(80, range(1, 70))), bool)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("numbers", [[], [-1] * 20, [99, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]])
def test_numbers_of_another_shape_are_unreadable(kind: Kind, numbers: list[int]) -> None:
    width = len(kind.average.empty(5).numbers)
    with pytest.raises(StateUnreadable, match=f"the stored {kind} of 5 must be {width} numbers"):
        restored_average(kind, 5, numbers)


def test_a_later_stage_cannot_have_begun_before_the_one_it_reads() -> None:
    with pytest.raises(StateUnreadable, match="must fill its stages in order"):
        restored_average(Kind.DEMA, 5, [3, 0, 30, 1, 0, 10])


# --- warm-up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FINITE)
@pytest.mark.parametrize("period", [1, 2, 9, 20])
def test_after_the_warm_up_a_finite_average_has_forgotten_everything_before(kind: Kind, period: int) -> None:
    needed = kind.average.warm_up(period)
    closes = [candle.close for candle in walked(needed + 50, seed=period)]
    short = value(after(kind, period, closes[-needed:])[0])
    assert short is not None
    assert short == value(after(kind, period, closes)[0])
    assert value(after(kind, period, closes[-needed + 1 :])[0]) is None or needed == 1


@pytest.mark.parametrize("kind", INFINITE)
@pytest.mark.parametrize("period", [2, 5, 21, 60])
def test_after_the_warm_up_a_start_far_off_is_gone_from_the_reported_digits(kind: Kind, period: int) -> None:
    needed = kind.average.warm_up(period)
    assert needed < LONGEST_WARM_UP
    closes = [2_000_000 + candle.close for candle in walked(needed, seed=period)]
    full = next(count for count in range(needed) if defined(kind, closes[:count], period) is not None)
    disturbed = [close + 1_000_000 for close in closes[:full]] + closes[full:]
    plain, other = value(after(kind, period, closes)[0]), value(after(kind, period, disturbed)[0])
    assert plain is not None
    assert other is not None
    assert abs(plain - other) < Fraction(1, 2 * 10**5)


def test_the_table_of_warm_ups_in_the_documentation_is_true() -> None:
    lines = (ROOT / "docs" / "averages.md").read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("| period |"))
    shown_kinds = [Kind[cell.upper()] for cell in cells(lines[start])[1:]]
    rows = [[int(cell.replace(",", "")) for cell in cells(line)] for line in takewhile(str.strip, lines[start + 2 :])]
    assert set(shown_kinds) == set(Kind)
    assert len(rows) > 10
    for period, *shown in rows:
        assert shown == [kind.average.warm_up(period) for kind in shown_kinds]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("| ").split("|")]


@pytest.mark.parametrize("kind", INFINITE)
def test_a_warm_up_grows_with_the_period_and_is_cut_at_its_limit(kind: Kind) -> None:
    chosen = [kind.average.warm_up(period) for period in (*range(1, 30), 50, 100, 200, 400, 800, 1_600)]
    assert all(one <= other for one, other in pairwise(chosen))
    assert chosen[-1] == (6 * 1_599 + 1 if kind is Kind.T3 else LONGEST_WARM_UP)  # which is when it is full


@pytest.mark.parametrize("period", [4_999, 5_000])
def test_an_average_that_fills_more_slowly_than_the_limit_is_warm_when_it_is_full(period: int) -> None:
    assert Kind.TEMA.average.warm_up(period) == 3 * period - 2


# --- rounding --------------------------------------------------------------------------------------------------------


@given(st.integers(), st.integers(1, 10**9))
def test_half_even_division_rounds_as_fractions_do(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))
