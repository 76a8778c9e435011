"""The market as one request sees it: at a moment, with the faults that concern candles, by window or by count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.markets.completion import Completion
from ninja_daemon.simulator.markets.quotes import Listing, Market, Row

_LONGEST_LOOK: Final = 4 * 86_400
_NEWEST: Final = 14 * 86_400


@dataclass(frozen=True, slots=True)
class RowWindow:
    """What rows were taken from the market, for those who change them.

    Attributes:
        instrument: whose.
        granularity: of the candles.
        start: first open that belongs to it.
        end: first instant that does not.
        now: the moment of the request.
        close_before: returns the last price before an instant, None at the beginning of all prices.
    """

    instrument: str
    granularity: Granularity
    start: Instant
    end: Instant
    now: float
    close_before: Callable[[Instant], int | None]


class MarketChange(Protocol):
    """Something that makes the broker's history differ from the market's."""

    def rows(self, rows: list[Row], window: RowWindow) -> list[Row]:
        """Return what the broker has in a window where the market has ``rows``."""


@dataclass(frozen=True, slots=True)
class View:
    """A market at a moment.

    Attributes:
        market: where the prices come from.
        now: the moment, epoch seconds.
        completion: when a candle is complete.
        changes: returns what concerns a series.
    """

    market: Market
    now: float
    completion: Completion
    changes: Callable[[str, Granularity], Sequence[MarketChange]]

    def listing(self, instrument: str) -> Listing:
        """Return what the broker says of an instrument."""
        return self.market.listings[instrument]

    def rows(self, instrument: str, granularity: Granularity, start: Instant, end: Instant) -> list[Row]:
        """Return the candles that open from ``start`` to before ``end``, ascending."""
        rows = list(self.market.rows(instrument, granularity, start, end, self.now))
        window = RowWindow(instrument, granularity, start, end, self.now, lambda at: self._close_before(instrument, at))
        for change in self.changes(instrument, granularity):
            rows = change.rows(rows, window)
        return rows

    def newest(self, instrument: str, granularity: Granularity, before: Instant, count: int) -> list[Row]:
        """Return the last ``count`` candles that open before an instant."""
        found: list[Row] = []
        span = _first_look(granularity, count)
        end = min(before, int(self.now) + 1)
        while len(found) < count and end > self.market.begins:
            start = granularity.open_at(max(end - span, self.market.begins))
            found = self.rows(instrument, granularity, start, end) + found
            end, span = start, _next_look(granularity, span)
        return found[-count:]

    def oldest(
        self, instrument: str, granularity: Granularity, since: Instant, before: Instant, count: int
    ) -> list[Row]:
        """Return the first ``count`` candles that open from ``since`` to before ``before``."""
        found: list[Row] = []
        span = _first_look(granularity, count)
        start, last = max(since, granularity.open_at(self.market.begins)), min(before, int(self.now) + 1)
        while len(found) < count and start < last:
            end = min(granularity.next_close(start + span), last)
            found += self.rows(instrument, granularity, start, end)
            start, span = end, _next_look(granularity, span)
        return found[:count]

    def is_complete(self, instrument: str, granularity: Granularity, opened: Instant) -> bool:
        """Tell whether the broker calls the candle complete."""
        close = granularity.close_of(opened)
        if close > self.now:
            return False
        return self.completion.completed_at(self.market, instrument, granularity, close) <= self.now

    def price(self, instrument: str) -> Row | None:
        """Return the newest price, as the candle that holds it; None where there has been none lately."""
        for granularity in Granularity:
            rows = self.market.rows(
                instrument, granularity, int(self.now) - granularity.seconds, int(self.now) + 1, self.now
            )
            if rows:
                return rows[-1]
        return None

    def _close_before(self, instrument: str, at: Instant) -> int | None:
        rows = self.market.rows(instrument, Granularity.D, at - _NEWEST, at, float(at))
        return rows[-1].close if rows else None


def _first_look(granularity: Granularity, count: int) -> int:
    return granularity.seconds * (count + count // 4 + 3)


def _next_look(granularity: Granularity, span: int) -> int:
    """Look further with each step, at most some days or as far as at first: a gap is long, a market without end not."""
    return min(2 * span, max(_LONGEST_LOOK, 8 * granularity.seconds, span))
