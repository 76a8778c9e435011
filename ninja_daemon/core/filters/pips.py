"""``min_gap_pips`` and ``min_slope_pips``: how far, and how steeply, the averages part at the cross. Exact."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, gcd
from typing import TYPE_CHECKING, Any, Final

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.filters.filter import Filter, Judge, Key, Moment, Moments, Settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import MOST_DIGITS, normal_form, ratio_decimal

if TYPE_CHECKING:
    from ninja_daemon.core.market.candle_columns import Integers


def _read(value: object) -> Decimal | None:
    """Read a number, also one that is written as text."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ValueError from None
    if not number.is_finite() or number < 0:
        raise ValueError
    _, digits, exponent = number.as_tuple()
    if len(digits) > MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > MOST_DIGITS:
        raise ValueError
    return number or None


PIPS: Final = Key(f"a number of pips from 0 up, of at most {MOST_DIGITS} digits", _read, normal_form)
"""Pips; 0 stands for no filter."""


def _gap(fast: Ratio, slow: Ratio) -> Fraction:
    return Fraction(*fast) - Fraction(*slow)


def _bind(
    one_has: Callable[[Moment], Fraction], many_have: Callable[[Moments, int, int], Integers]
) -> Callable[[Settings, Instrument, Any], Judge]:
    """Return the ``bind`` of a filter that compares a distance.

    Args:
        one_has: the distance of a cross in price units.
        many_have: the same of many, times the least common multiple of both periods. Takes the factors that bring the
            sums under the fast and under the slow average there.
    """

    def bind(settings: Settings, instrument: Instrument, limit: Decimal) -> Judge:
        pip = Fraction(10) ** instrument.pip_digits
        least = Fraction(limit) * pip
        shared = gcd(settings.fast_ma, settings.slow_ma)
        by_fast, by_slow = settings.slow_ma // shared, settings.fast_ma // shared
        whole = ceil(least * settings.fast_ma * by_fast)
        return Judge(
            lambda one: (ratio_decimal(one_has(one) / pip), limit),
            lambda one: one_has(one) >= least,
            lambda many: many_have(many, by_fast, by_slow) >= whole,
        )

    return bind


def _gap_of(one: Moment) -> Fraction:
    return abs(_gap(one.fast, one.slow))


def _gaps_of(many: Moments, by_fast: int, by_slow: int) -> Integers:
    distances: Integers = abs(many.fast * by_fast - many.slow * by_slow)
    return distances


def _slope_of(one: Moment) -> Fraction:
    return abs(_gap(one.fast, one.slow) - _gap(one.fast_before, one.slow_before))


def _slopes_of(many: Moments, by_fast: int, by_slow: int) -> Integers:
    distances: Integers = abs(many.fast * by_fast - many.slow * by_slow - many.gap_before)
    return distances


MIN_GAP: Final = Filter(
    "min_gap_pips", "the averages are closer than `min_gap_pips` after the cross", _bind(_gap_of, _gaps_of), PIPS
)
MIN_SLOPE: Final = Filter(
    "min_slope_pips",
    "the gap of the averages changed by less than `min_slope_pips` with the candle of the cross",
    _bind(_slope_of, _slopes_of),
    PIPS,
)
