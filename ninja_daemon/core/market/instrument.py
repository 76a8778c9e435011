"""Instruments, price sides and series."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ninja_daemon.core.market.granularity import Granularity

_NAME: Final = re.compile(r"[A-Z0-9]{1,16}_[A-Z0-9]{1,16}", re.ASCII)


class PriceSide(StrEnum):
    """Which of the broker's three prices a series is made of."""

    MID = "mid"
    BID = "bid"
    ASK = "ask"


class Series(NamedTuple):
    """What candles are asked for by: instrument, granularity and price side."""

    instrument: str
    granularity: Granularity
    price: PriceSide

    def __hash__(self) -> int:
        """Hash the instrument only: series are looked up many times at each close, and enums hash slowly."""
        return hash(self[0])

    def __str__(self) -> str:
        """Write the series as people say it, ``EUR_USD H4``, with the price side when it is not mid."""
        side = "" if self.price is PriceSide.MID else f" {self.price}"
        return f"{self.instrument} {self.granularity.name}{side}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """How an instrument's prices are written.

    Attributes:
        name: OANDA's name, such as ``EUR_USD``.
        decimals: digits after the point of every price (OANDA's ``displayPrecision``). A price is stored as the
            integer number of ``10**-decimals``.
        pip_location: power of ten of a pip: -4 for EUR_USD, -2 for USD_JPY.
    """

    name: str
    decimals: int
    pip_location: int

    def __hash__(self) -> int:
        """Hash the name only: rules are looked up by it at each close."""
        return hash(self.name)

    @property
    def pip_digits(self) -> int:
        """How many digits of the integer price are finer than a pip (1 for five-digit EUR_USD)."""
        return self.decimals + self.pip_location

    @classmethod
    def from_decimals(cls, name: str, decimals: int) -> Instrument:
        """Guess the pip from the decimals, where no account tells it: one digit coarser than the price.

        True for every currency pair, metal and index of the broker's list (facts: 1.6). Prices of four or two decimals
        leave the finer digit out and are as fine as a pip.
        """
        return cls(name, decimals, -decimals if decimals in {2, 4} else min(0, 1 - decimals))


def is_instrument_name(name: str) -> bool:
    """Tell whether ``name`` has the form of an instrument's name, so that it may become a key, a path or a label."""
    return _NAME.fullmatch(name) is not None
