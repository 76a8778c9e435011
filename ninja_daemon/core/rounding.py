"""The one rounding of the project, in integers."""

from __future__ import annotations


def half_even(numerator: int, denominator: int) -> int:
    """Divide, and round to the nearest integer, ties to the even one. The denominator is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = remainder + remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def away(close: int, total: int, ratio: tuple[int, int]) -> int:
    """Return close + total × ratio, rounded half-even: a stop or target from the sum of the true ranges."""
    numerator, denominator = ratio
    return half_even(close * denominator + total * numerator, denominator)
