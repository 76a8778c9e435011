"""Every kind of average straight from its formula: exact fractions, nothing carried from one candle to the next.

Written from docs/averages.md and shares nothing with the package. A kind without a line in ``DEFINITIONS`` is red.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

from ninja_daemon.core.averages.kinds import MovingAverageKind as Kind

DIGITS = 10
"""Digits that a rounded average carries beyond those of the price."""

Values = Sequence[Fraction]


class Definition(NamedTuple):
    """What a kind must be.

    Attributes:
        value: the average after the last of the closes, in price units, of a period; None while it has no value.
        remembers: whether every close counts for ever, which needs a rounding at each step.
    """

    value: Callable[[Values, int], Fraction | None]
    remembers: bool = False


def sma(closes: Values, period: int) -> Fraction | None:
    return sum(closes[-period:], Fraction(0)) / period if len(closes) >= period else None


def wma(closes: Values, period: int) -> Fraction | None:
    if len(closes) < period:
        return None
    weights = range(1, period + 1)
    products = (weight * close for weight, close in zip(weights, closes[-period:], strict=True))
    return sum(products, Fraction(0)) / sum(weights)


def hma(closes: Values, period: int) -> Fraction | None:
    differences = []
    for end in range(period, len(closes) + 1):
        quick, slow = wma(closes[:end], max(1, period // 2)), wma(closes[:end], period)
        assert quick is not None
        assert slow is not None
        differences.append(2 * quick - slow)
    return wma(differences, isqrt(period))


def ema(closes: Values, period: int) -> Fraction | None:
    return last(smoothed(closes, period, Fraction(2, period + 1)))


def smma(closes: Values, period: int) -> Fraction | None:
    return last(smoothed(closes, period, Fraction(1, period)))


def dema(closes: Values, period: int) -> Fraction | None:
    first, second, _ = three_emas(closes, period)
    return 2 * first[-1] - second[-1] if second else None


def tema(closes: Values, period: int) -> Fraction | None:
    first, second, third = three_emas(closes, period)
    return 3 * first[-1] - 3 * second[-1] + third[-1] if third else None


def zlema(closes: Values, period: int) -> Fraction | None:
    lag = (period - 1) // 2
    inputs = [2 * closes[place] - closes[place - lag] for place in range(lag, len(closes))]
    return last(smoothed(inputs, period, Fraction(2, period + 1)))


def t3(closes: Values, period: int) -> Fraction | None:
    chain, factor = [closes], Fraction(7, 10)
    for _ in range(6):
        chain.append(smoothed(chain[-1], period, Fraction(2, period + 1)))
    if not chain[6]:
        return None
    square, cube = factor**2, factor**3
    shares = (-cube, 3 * square + 3 * cube, -6 * square - 3 * factor - 3 * cube, 1 + 3 * factor + cube + 3 * square)
    return sum((share * chain[6 - number][-1] for number, share in enumerate(shares)), Fraction(0))


def three_emas(closes: Values, period: int) -> tuple[Values, Values, Values]:
    first = smoothed(closes, period, Fraction(2, period + 1))
    second = smoothed(first, period, Fraction(2, period + 1))
    return first, second, smoothed(second, period, Fraction(2, period + 1))


def smoothed(inputs: Values, period: int, weight: Fraction) -> list[Fraction]:
    """Results from the first one on: the mean of ``period`` inputs, then a share of each newer input."""
    if len(inputs) < period:
        return []
    results = [rounded(sum(inputs[:period], Fraction(0)) / period)]
    for newest in inputs[period:]:
        results.append(rounded(results[-1] + weight * (newest - results[-1])))
    return results


def rounded(value: Fraction) -> Fraction:
    """Half-even, as Python rounds fractions."""
    return Fraction(round(value * 10**DIGITS), 10**DIGITS)


def last(values: Values) -> Fraction | None:
    return values[-1] if values else None


DEFINITIONS = {
    Kind.SMA: Definition(sma),
    Kind.EMA: Definition(ema, remembers=True),
    Kind.WMA: Definition(wma),
    Kind.SMMA: Definition(smma, remembers=True),
    Kind.DEMA: Definition(dema, remembers=True),
    Kind.TEMA: Definition(tema, remembers=True),
    Kind.HMA: Definition(hma),
    Kind.ZLEMA: Definition(zlema, remembers=True),
    Kind.T3: Definition(t3, remembers=True),
}
