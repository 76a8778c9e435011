"""What a market is to the simulated broker: instruments, and the candles that its prices make up to a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument


class Row(NamedTuple):
    """A mid candle, complete or cut at a moment. Prices are integers in units of the instrument's ``10**-decimals``.

    Attributes:
        time: its open.
        open: first price.
        high: highest price.
        low: lowest price.
        close: last price.
        volume: number of prices.
    """

    time: Instant
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument that a market offers.

    Attributes:
        instrument: name, decimals and pip.
        spread: ask minus bid, in price units; even, so that mid lies exactly between and no rounding decides.
        kind: OANDA's instrument type: CURRENCY, METAL or CFD.
    """

    instrument: Instrument
    spread: int
    kind: str = "CURRENCY"


class Market(Protocol):
    """Where prices come from. The same arguments always give the same candles."""

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Return the instruments by name."""

    @property
    def begins(self) -> Instant:
        """Return an instant before which there are no prices at all."""

    def rows(
        self, instrument: str, granularity: Granularity, start: Instant, end: Instant, now: float
    ) -> Sequence[Row]:
        """Return the candles that open from ``start`` to before ``end``, ascending, of the prices up to ``now``.

        Periods without a price have no candle. The one that covers ``now`` shows what there has been so far.
        """

    def first_tick(self, instrument: str, granularity: Granularity, start: Instant, end: Instant) -> float | None:
        """Return the time of the first price from ``start`` to before ``end``; None without any.

        ``granularity`` is that of the candle for which it is asked: a market of files knows no finer times.
        """


def aggregated(rows: Iterable[Row], granularity: Granularity) -> list[Row]:
    """Make candles of a coarser granularity out of finer ones, exactly."""
    return [joined(opened, list(group)) for opened, group in groupby(rows, lambda row: granularity.open_at(row.time))]


def joined(opened: Instant, rows: Sequence[Row]) -> Row:
    """Make one candle of consecutive ones."""
    return Row(
        opened,
        rows[0].open,
        max(row.high for row in rows),
        min(row.low for row in rows),
        rows[-1].close,
        sum(row.volume for row in rows),
    )
