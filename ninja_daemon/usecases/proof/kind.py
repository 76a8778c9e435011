"""Kinds of differences; apart, since naming them needs no history."""

from __future__ import annotations

from enum import StrEnum


class DifferenceKind(StrEnum):
    """What kind of difference it is."""

    REVISED = "revised candle"
    MISSING = "missing"
    EXTRA = "extra"
    STORED = "stored value"
