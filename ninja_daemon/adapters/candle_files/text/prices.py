"""Prices and volumes as integers, digit by digit; never through a binary float.

A column is read many lines at a time where its numbers are plain; the others are read one by one. Noise that a binary
float has left in a text (``1.0897000000000001``) is rounded away and counted.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.layout import Layout
from ninja_daemon.adapters.candle_files.text.price_shapes import LARGEST, PriceColumn, read_shapes
from ninja_daemon.adapters.candle_files.text.tokens import Integers, Tokens
from ninja_daemon.core.rounding import MOST_DIGITS

MOST_DECIMALS: Final = 12
_PLAIN: Final = re.compile(r"-?\d{1,20}(?:\.\d{1,30})?", re.ASCII)
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,24}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_NOISE: Final = Decimal("1e-9")


def read_prices(tokens: Tokens, role: str, layout: Layout, asked: int | None) -> PriceColumn:
    """Read a column of prices.

    Args:
        tokens: the lines.
        role: name of the column.
        layout: its point and its thousands.
        asked: digits after the point that the user wants; None for as many as there are.
    """
    limit = MOST_DECIMALS if asked is None else min(asked, MOST_DECIMALS)
    column, left = read_shapes(tokens, tokens.places[role], ord(layout.point), limit)
    exact: dict[int, Decimal] = {}
    for row in left.tolist():
        text = tokens.text(row, tokens.places[role], tokens.places[role]).strip()
        try:
            value, change = _price(role, text, layout, asked)
        except ValueError as error:
            column.bad[row] = str(error)
            continue
        exact[row] = value
        column.mended += change == "mended"
        column.rounded += change == "rounded"
    return _with(column, exact)


def read_volumes(tokens: Tokens) -> Integers:
    """Read the column of volumes: whole numbers, -1 for every other text."""
    column, left = read_shapes(tokens, tokens.places["volume"], ord("."), MOST_DECIMALS)
    unit = 10**column.decimals
    volumes: Integers = column.values
    if unit > 1:
        volumes = np.where(volumes % unit == 0, volumes // unit, -1)
    for row in left.tolist():
        volumes[row] = _volume(tokens.text(row, tokens.places["volume"], tokens.places["volume"]).strip())
    return volumes


def _volume(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        return -1
    value = Decimal(text)
    return int(value) if 0 <= value < LARGEST and value == value.to_integral_value() else -1


def _price(name: str, text: str, layout: Layout, asked: int | None) -> tuple[Decimal, str]:
    # "1,234.5" is grouped; "1,234" may as well have a decimal comma.
    plain = text.replace(",", "") if layout.thousands and _GROUPED.fullmatch(text) else text
    plain = plain.replace(layout.point, ".") if layout.point != "." else plain
    if _PLAIN.fullmatch(plain) is None:
        hint = "; --decimal-comma reads 1,09259" if "," in text else ""
        message = f"{name} must be a plain decimal number like 1.09259, was {text[:40]!r}{hint}"
        raise ValueError(message)
    whole, _, fraction = plain.partition(".")
    fraction = fraction.rstrip("0")
    value = Decimal(f"{whole}.{fraction or 0}")
    digits = len(whole.lstrip("-0")) + len(fraction if whole.strip("-0") else fraction.lstrip("0"))
    change = ""
    if digits > MOST_DIGITS or len(fraction) > MOST_DECIMALS:
        cut = _without_noise(value)
        if cut is not None:
            value, change = cut, "mended"
        elif asked is None:
            message = (
                f"{name} must have at most {MOST_DIGITS} digits with {MOST_DECIMALS} of them after the point, was "
                f"{text}; --decimals N rounds it to N digits after the point"
            )
            raise ValueError(message)
    if asked is not None and -int(value.normalize().as_tuple().exponent) > asked:
        if layout.is_fine:
            message = f"{name} must have at most {asked} digits after the point, was {text}"
            raise ValueError(message)
        value, change = value.quantize(Decimal(1).scaleb(-asked), ROUND_HALF_EVEN), "rounded"
    return value, change


def _without_noise(value: Decimal) -> Decimal | None:
    """Return the number with fewest digits that lies within the noise of a binary float; None without one.

    Noise stands behind four zeros or nines at least, so that digits of the price itself are not taken for it.
    """
    for places in range(MOST_DECIMALS):
        allowed = min(_NOISE, abs(value) * _NOISE, Decimal(1).scaleb(-places - 4))
        try:
            cut = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        except InvalidOperation:
            return None
        if abs(cut - value) < allowed:
            return cut
    return None


def _with(column: PriceColumn, exact: dict[int, Decimal]) -> PriceColumn:
    """Put single numbers into a column, which may need more decimals for them; cut the zeros that all have."""
    places = {row: max(0, -int(value.normalize().as_tuple().exponent)) for row, value in exact.items()}
    decimals = max([column.decimals, *places.values()])
    factor = 10 ** (decimals - column.decimals)
    if factor > 1:
        for row in np.flatnonzero(np.abs(column.values) >= LARGEST // factor).tolist():
            column.bad[row] = f"a price must have at most {MOST_DIGITS} digits in all, had more"
            column.values[row] = 0
        column.values *= factor
    for row, value in exact.items():
        units = int(value.scaleb(decimals))
        if abs(units) >= LARGEST:
            column.bad[row] = f"a price must have at most {MOST_DIGITS} digits in all, was {value:f}"
            continue
        column.values[row] = units
    while decimals and not (column.values % 10).any():
        column.values //= 10
        decimals -= 1
    column.decimals = decimals
    return column
