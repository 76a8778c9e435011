"""The one rounding of the project, in integers, and how its numbers are written."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

EXTRA_DIGITS: Final = 5
"""Averages are shown with this many digits more than the instrument's prices."""
RATIO_DIGITS: Final = 10
"""Digits of a reward over risk."""
MOST_DIGITS: Final = 15
"""Digits of a price or of a number of the settings at most."""
EXTRA: Final = 10**EXTRA_DIGITS


def normal_form(number: Decimal) -> str:
    """Write a number so that 2, 2.0 and 2.00 are the same text, and 0 and -0.0."""
    return format(number.normalize() + 0, "f")


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


def fine_price(numerator: int, denominator: int, decimals: int) -> Decimal:
    """Turn a fraction of price units into a price, rounded half-even to five digits more than ``decimals``."""
    # Integers and not fractions: nothing has to be brought into lowest terms, which is most of a fraction's work.
    return Decimal(half_even(numerator * EXTRA, denominator)).scaleb(-decimals - EXTRA_DIGITS)


def ratio_decimal(ratio: Fraction) -> Decimal:
    """Round a reward over risk half-even to ten decimals, without trailing zeros."""
    return Decimal(round(ratio * 10**RATIO_DIGITS)).scaleb(-RATIO_DIGITS).normalize()
