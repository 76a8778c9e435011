"""Which candles answer a request: the window semantics of the real server (facts: 1.2, 1.7 and 7).

Where the facts are silent: ``to`` at or before ``from`` is a window without candles, except that the candle covering
``from`` belongs to it when it opens before ``to``; ``includeFirst`` without ``from`` changes nothing.
"""

from __future__ import annotations

from ninja_daemon.simulator.answers.query import MOST_CANDLES, NANO, CandleQuery
from ninja_daemon.simulator.markets.quotes import Row
from ninja_daemon.simulator.markets.view import View


def candles_for(view: View, instrument: str, query: CandleQuery, *, strict_first: bool) -> list[Row]:
    """Return the candles that the broker sends.

    Args:
        view: the market.
        instrument: whose candles.
        query: the candles asked for.
        strict_first: how ``includeFirst=false`` is meant: drop the first candle whatever it is (as seen in 2017), or
            only when it covers ``from``.
    """
    granularity = query.granularity
    before = int(view.now) + 1 if query.until is None else -(-query.until // NANO)
    if query.since is None:
        rows = view.newest(instrument, granularity, before, query.wanted)
    else:
        since = query.since // NANO
        limit = MOST_CANDLES + 1 if query.until is not None else query.wanted
        rows = view.oldest(instrument, granularity, granularity.open_at(since), before, limit)
        if not query.include_first and rows and (strict_first or rows[0].time <= since):
            del rows[0]
    return _smoothed(view, instrument, query, rows) if query.smooth and rows else rows


def last_two(view: View, instrument: str, query: CandleQuery) -> list[Row]:
    """Return what ``candles/latest`` shows: the newest candle and the one before it."""
    rows = view.newest(instrument, query.granularity, int(view.now) + 1, 2)
    return _smoothed(view, instrument, query, rows) if query.smooth and rows else rows


def _smoothed(view: View, instrument: str, query: CandleQuery, rows: list[Row]) -> list[Row]:
    """Open each candle at the close of the one before; the range takes the open in."""
    before = view.newest(instrument, query.granularity, rows[0].time, 1)
    closes = [before[0].close if before else rows[0].open, *(row.close for row in rows)]
    return [_opened_at(row, close) for row, close in zip(rows, closes, strict=False)]


def _opened_at(row: Row, price: int) -> Row:
    return row._replace(open=price, high=max(row.high, price), low=min(row.low, price))
