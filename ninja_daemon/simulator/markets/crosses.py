"""A market whose crosses follow from their two dollar pairs: EUR_GBP is EUR_USD over GBP_USD, at every moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.markets.quotes import Listing, Market, Row, aggregated

_DOLLAR: Final = "USD"
_FINEST: Final = (
    (Granularity.M1, Granularity.S5),
    (Granularity.H1, Granularity.M1),
    (Granularity.M, Granularity.H1),
)
"""Up to which granularity a cross is made of which candles of its pairs."""
_LOOK_BACK: Final = 24
"""Candles before a window in which the last price of a pair is looked for that is quiet at its beginning."""


class _Leg(NamedTuple):
    """A dollar pair that gives the price of a currency in dollars.

    Attributes:
        name: of the pair.
        scale: ten to the power of its decimals.
        is_inverse: its price is that of the dollar.
    """

    name: str
    scale: int
    is_inverse: bool

    def ratio(self, price: int) -> tuple[int, int]:
        """Return the currency's price in dollars, as numerator and denominator."""
        return (self.scale, price) if self.is_inverse else (price, self.scale)


class CrossMarket:
    """A market over another one; all but the crosses is that one's."""

    def __init__(self, market: Market) -> None:
        """Choose the market of the dollar pairs."""
        self._market = market
        self.listings: Mapping[str, Listing] = market.listings
        self.begins = market.begins
        self._legs = {name: legs for name in market.listings if (legs := self._legs_of(name)) is not None}

    def rows(
        self, instrument: str, granularity: Granularity, start: Instant, end: Instant, now: float
    ) -> Sequence[Row]:
        """Return the candles of a window, see ``Market``."""
        if instrument not in self._legs:
            return self._market.rows(instrument, granularity, start, end, now)
        if end <= start:
            return []
        finest = next(finer for coarsest, finer in _FINEST if granularity.seconds <= coarsest.seconds)
        first, last = granularity.open_at(start), granularity.next_close(end - 1)
        before = first - _LOOK_BACK * finest.seconds
        base, quote = (self._market.rows(leg.name, finest, before, last, now) for leg in self._legs[instrument])
        scale = 10 ** self.listings[instrument].instrument.decimals
        crossed = [_crossed(*pair, self._legs[instrument], scale) for pair in _side_by_side(base, quote)]
        return [row for row in aggregated(crossed, granularity) if start <= row.time < end]

    def first_tick(self, instrument: str, granularity: Granularity, start: Instant, end: Instant) -> float | None:
        """Return the time of the first price of a window, see ``Market``."""
        names = [leg.name for leg in self._legs.get(instrument, ())] or [instrument]
        ticks = [self._market.first_tick(name, granularity, start, end) for name in names]
        known = [tick for tick in ticks if tick is not None]
        return max(known) if len(known) == len(ticks) else None

    def _legs_of(self, name: str) -> tuple[_Leg, _Leg] | None:
        base, _, quote = name.partition("_")
        if _DOLLAR in {base, quote}:
            return None
        legs = [self._leg(currency) for currency in (base, quote)]
        return None if legs[0] is None or legs[1] is None else (legs[0], legs[1])

    def _leg(self, currency: str) -> _Leg | None:
        for name, is_inverse in ((f"{currency}_{_DOLLAR}", False), (f"{_DOLLAR}_{currency}", True)):
            if name in self.listings:
                return _Leg(name, 10 ** self.listings[name].instrument.decimals, is_inverse)
        return None


def _side_by_side(base: Sequence[Row], quote: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Return the candles of both pairs for each time of either; one that had no price stands at its last close."""
    rows = [{row.time: row for row in rows} for rows in (base, quote)]
    last: list[Row | None] = [None, None]
    for time in sorted(rows[0].keys() | rows[1]):
        for place, found in enumerate(rows):
            before = last[place]
            still = None if before is None else Row(time, *(before.close,) * 4, 0)
            last[place] = found.get(time, still)
        if last[0] is not None and last[1] is not None:
            yield last[0], last[1]


def _crossed(base: Row, quote: Row, legs: tuple[_Leg, _Leg], scale: int) -> Row:
    """Return a candle of the cross: open and close are those of the pairs, the range that of the first pair."""

    def price(of_base: int, of_quote: int) -> int:
        (up, under), (over, down) = legs[0].ratio(of_base), legs[1].ratio(of_quote)
        return _nearest(up * down * scale, under * over)

    opened, closed = price(base.open, quote.open), price(base.close, quote.close)
    seen = [opened, closed, *(price(extreme, quote.close) for extreme in (base.high, base.low))]
    return Row(base.time, opened, max(seen), min(seen), closed, max(base.volume, quote.volume))


def _nearest(numerator: int, denominator: int) -> int:
    """Divide two positive numbers to the nearest whole one."""
    return (2 * numerator + denominator) // (2 * denominator)
