"""For whom a destination's messages are written, and what its broker calls an instrument."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Style(StrEnum):
    """Who reads a message."""

    READER = "reader"
    """People."""
    COPIER = "copier"
    """Programs that trade by it."""


def symbol_of(instrument: str, symbols: Mapping[str, str], suffix: str) -> str:
    """Return what a broker calls an instrument: the name that is given for it, or ``EURUSD`` with the broker's suffix.

    Args:
        instrument: as the strategies name it.
        symbols: names at the destination's broker, by ours.
        suffix: what that broker appends to every other name.
    """
    return symbols.get(instrument) or instrument.replace("_", "") + suffix
