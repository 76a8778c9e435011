"""What the random market offers: the instruments of the shipped strategies and the usual crosses around them.

Levels and ranges are of the usual size, nothing more; decimals and pips are those of the broker (facts: 1.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.simulator.markets.quotes import Listing


class Nature(NamedTuple):
    """How an instrument moves.

    Attributes:
        listing: what the broker says of it.
        level: the price around which it wanders, in price units.
        daily: standard deviation of a day's change, in price units.
        volume: prices a day.
    """

    listing: Listing
    level: int
    daily: int
    volume: int


_TABLE: Final = """
    EUR_USD 5 -4  CURRENCY   112000   600   60000   14
    GBP_USD 5 -4  CURRENCY   130000   800   66000   18
    AUD_USD 5 -4  CURRENCY    70000   460   42000   14
    NZD_USD 5 -4  CURRENCY    64000   440   36000   16
    USD_CAD 5 -4  CURRENCY   132000   620   48000   18
    USD_CHF 5 -4  CURRENCY    94000   520   42000   16
    EUR_GBP 5 -4  CURRENCY    86000   390   38000   14
    EUR_CHF 5 -4  CURRENCY   103000   360   36000   18
    EUR_CAD 5 -4  CURRENCY   147000   720   44000   24
    EUR_AUD 5 -4  CURRENCY   161000   900   48000   26
    EUR_NZD 5 -4  CURRENCY   173000   990   46000   34
    GBP_AUD 5 -4  CURRENCY   187000  1100   50000   34
    GBP_CAD 5 -4  CURRENCY   171000   980   50000   34
    GBP_CHF 5 -4  CURRENCY   122000   700   44000   30
    AUD_CAD 5 -4  CURRENCY    92000   480   38000   22
    AUD_NZD 5 -4  CURRENCY   107000   420   36000   24
    USD_JPY 3 -2  CURRENCY   130000   800   60000   14
    EUR_JPY 3 -2  CURRENCY   145000   950   56000   18
    GBP_JPY 3 -2  CURRENCY   168000  1250   60000   26
    AUD_JPY 3 -2  CURRENCY    90000   650   42000   20
    NZD_JPY 3 -2  CURRENCY    82000   620   38000   24
    CAD_JPY 3 -2  CURRENCY    98000   640   38000   24
    CHF_JPY 3 -2  CURRENCY   142000   820   38000   28
    XAU_USD 3 -2  METAL     1800000 18000   70000  300
    SPX500_USD 1 0 CFD        42000   420   50000    4
"""


def _nature(line: str) -> Nature:
    name, decimals, pip_location, kind, *figures = line.split()
    level, daily, volume, spread = map(int, figures)
    return Nature(Listing(Instrument(name, int(decimals), int(pip_location)), spread, kind), level, daily, volume)


NATURES: Final[Mapping[str, Nature]] = {
    nature.listing.instrument.name: nature for nature in map(_nature, _TABLE.strip().splitlines())
}
