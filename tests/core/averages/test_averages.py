from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise, takewhile
from math import isqrt
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.kinds import (
    FIXED_DIGITS,
    LONGEST_WARM_UP,
    MovingAverage,
    MovingAverageKind,
    closes_held,
    empty_average,
    half_even,
    restored_average,
    warm_up,
)
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.errors import StateUnreadable
from tests.core.series import walked

ROOT = Path(__file__).resolve().parents[3]
Kind = MovingAverageKind
FINITE = [Kind.SMA, Kind.WMA, Kind.HMA]
INFINITE = [Kind.EMA, Kind.SMMA, Kind.DEMA, Kind.TEMA]
STEP = Decimal(1).scaleb(-FIXED_DIGITS)
periods = st.integers(1, 24)
series = st.lists(st.integers(1, 400_000), min_size=1, max_size=90)
kinds = st.sampled_from(list(Kind))


# --- oracles: written from the definitions, with nothing carried from one candle to the next -------------------------


def simple(closes: Sequence[Fraction], period: int) -> Fraction | None:
    return sum(closes[-period:], Fraction(0)) / period if len(closes) >= period else None


def weighted(closes: Sequence[Fraction], period: int) -> Fraction | None:
    if len(closes) < period:
        return None
    weights = range(1, period + 1)
    return sum((weight * close for weight, close in zip(weights, closes[-period:], strict=True)), Fraction(0)) / sum(
        weights
    )


def hull(closes: Sequence[Fraction], period: int) -> Fraction | None:
    differences = []
    for end in range(period, len(closes) + 1):
        quick, slow = weighted(closes[:end], max(1, period // 2)), weighted(closes[:end], period)
        assert quick is not None
        assert slow is not None
        differences.append(2 * quick - slow)
    return weighted(differences, isqrt(period))


EXACT: dict[Kind, Callable[[Sequence[Fraction], int], Fraction | None]] = {
    Kind.SMA: simple,
    Kind.WMA: weighted,
    Kind.HMA: hull,
}


def smoothed(inputs: Sequence[Decimal], period: int, alpha: Fraction) -> list[Decimal]:
    """Results from the first one on, each rounded half-even to the fixed digits, in Python's decimal arithmetic."""
    if len(inputs) < period:
        return []
    with localcontext(prec=80, rounding=ROUND_HALF_EVEN):
        results = [(sum(inputs[:period], Decimal(0)) / period).quantize(STEP)]
        for newest in inputs[period:]:
            old = results[-1]
            exact = old * (alpha.denominator - alpha.numerator) + newest * alpha.numerator
            results.append((exact / alpha.denominator).quantize(STEP))
    return results


def decimal_value(kind: Kind, closes: Sequence[int], period: int) -> Decimal | None:
    alpha = Fraction(1, period) if kind is Kind.SMMA else Fraction(2, period + 1)
    first = smoothed([Decimal(close) for close in closes], period, alpha)
    second = smoothed(first, period, alpha)
    third = smoothed(second, period, alpha)
    with localcontext(prec=80):
        match kind:
            case Kind.DEMA:
                return 2 * first[-1] - second[-1] if second else None
            case Kind.TEMA:
                return 3 * first[-1] - 3 * second[-1] + third[-1] if third else None
            case _:
                return first[-1] if first else None


# --- the averages ----------------------------------------------------------------------------------------------------


def after(kind: Kind, period: int, closes: Sequence[int], spare: int = 0) -> tuple[MovingAverage, Window]:
    window, average = Window(closes_held(kind, period) + spare), empty_average(kind, period)
    for close in closes:
        window = window.pushed(close)
        average = average.updated(window)
    return average, window


def value(average: MovingAverage) -> Fraction | None:
    return None if average.ratio is None else Fraction(*average.ratio)


@pytest.mark.parametrize("kind", FINITE)
@given(period=periods, closes=series, spare=st.integers(0, 5))
def test_averages_of_a_finite_window_equal_their_definition_exactly(
    kind: Kind, period: int, closes: list[int], spare: int
) -> None:
    average, _ = after(kind, period, closes, spare)
    assert value(average) == EXACT[kind]([Fraction(close) for close in closes], period)


@pytest.mark.parametrize("kind", INFINITE)
@given(period=periods, closes=series)
def test_averages_of_infinite_memory_equal_a_decimal_computation_with_the_same_rounding(
    kind: Kind, period: int, closes: list[int]
) -> None:
    average, _ = after(kind, period, closes)
    expected = decimal_value(kind, closes, period)
    assert value(average) == (None if expected is None else Fraction(expected))


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


@given(kinds, periods)
def test_an_average_is_full_when_its_documentation_says(kind: Kind, period: int) -> None:
    outer = isqrt(period)
    full = {Kind.HMA: period + outer - 1, Kind.DEMA: 2 * period - 1, Kind.TEMA: 3 * period - 2}.get(kind, period)
    window, average = Window(closes_held(kind, period)), empty_average(kind, period)
    for count in range(1, full + 3):
        window = window.pushed(100 + count)
        average = average.updated(window)
        assert (average.ratio is not None) == (count >= full)


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
    assert empty_average(kind, period).agrees_with(Window(3))


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
    width = len(empty_average(kind, 5).numbers)
    with pytest.raises(StateUnreadable, match=f"the stored {kind} of 5 must be {width} numbers"):
        restored_average(kind, 5, numbers)


def test_a_later_stage_cannot_have_begun_before_the_one_it_reads() -> None:
    with pytest.raises(StateUnreadable, match="must fill its stages in order"):
        restored_average(Kind.DEMA, 5, [3, 0, 30, 1, 0, 10])


# --- warm-up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FINITE)
@pytest.mark.parametrize("period", [1, 2, 9, 20])
def test_after_the_warm_up_a_finite_average_has_forgotten_everything_before(kind: Kind, period: int) -> None:
    needed = warm_up(kind, period)
    closes = [candle.close for candle in walked(needed + 50, seed=period)]
    short = value(after(kind, period, closes[-needed:])[0])
    assert short is not None
    assert short == value(after(kind, period, closes)[0])
    assert value(after(kind, period, closes[-needed + 1 :])[0]) is None or needed == 1


@pytest.mark.parametrize("kind", INFINITE)
@pytest.mark.parametrize("period", [2, 5, 21, 60])
def test_after_the_warm_up_a_start_a_million_units_off_is_gone_from_the_reported_digits(
    kind: Kind, period: int
) -> None:
    needed = warm_up(kind, period)
    assert needed < LONGEST_WARM_UP
    closes = [2_000_000 + candle.close for candle in walked(needed, seed=period)]
    full = {Kind.DEMA: 2 * period - 1, Kind.TEMA: 3 * period - 2}.get(kind, period)
    disturbed = [close + 1_000_000 for close in closes[:full]] + closes[full:]
    plain, other = value(after(kind, period, closes)[0]), value(after(kind, period, disturbed)[0])
    assert plain is not None
    assert other is not None
    assert abs(plain - other) < Fraction(1, 2 * 10**5)


def test_the_table_of_warm_ups_in_the_documentation_is_true() -> None:
    lines = (ROOT / "docs" / "averages.md").read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("| period |"))
    shown_kinds = [Kind(cell) for cell in cells(lines[start])[1:]]
    rows = [[int(cell.replace(",", "")) for cell in cells(line)] for line in takewhile(str.strip, lines[start + 2 :])]
    assert set(shown_kinds) == set(Kind)
    assert len(rows) > 10
    for period, *shown in rows:
        assert shown == [warm_up(kind, period) for kind in shown_kinds]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("| ").split("|")]


@pytest.mark.parametrize("kind", INFINITE)
def test_a_warm_up_grows_with_the_period_and_is_cut_at_its_limit(kind: Kind) -> None:
    chosen = [warm_up(kind, period) for period in (*range(1, 30), 50, 100, 200, 400, 800, 1_600)]
    assert all(one <= other for one, other in pairwise(chosen))
    assert chosen[-1] == LONGEST_WARM_UP


@pytest.mark.parametrize("period", [4_999, 5_000])
def test_an_average_that_fills_more_slowly_than_the_limit_is_warm_when_it_is_full(period: int) -> None:
    assert warm_up(Kind.TEMA, period) == 3 * period - 2


# --- rounding --------------------------------------------------------------------------------------------------------


@given(st.integers(), st.integers(1, 10**9))
def test_half_even_division_rounds_as_fractions_do(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))
