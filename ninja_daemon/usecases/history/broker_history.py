"""The history of one series, read from the broker page by page from its end back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.errors import HistoryGap, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.signals.strategy import MAX_LOOK_BACK
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched, WantedHistory
from ninja_daemon.usecases.replay import Span

RECENT: Final = 5_000
"""Candles of the broker's history that are replayed when nothing says from when on."""


_PAGE: Final = 5_000


class History(NamedTuple):
    """A broker's history of one series.

    Attributes:
        instrument: decimals of the candles' integers.
        parts: the candles, oldest first.
        span: what of it is to be reported.
        forming: open of the candle that is forming, None when none is or it was not asked for.
    """

    instrument: Instrument
    parts: Sequence[CandleColumns]
    span: Span
    forming: Instant | None = None


def read_history(
    source: CandleSource,
    series: Series,
    span: Span,
    warm_up: int,
    progress: Callable[[int], None] = lambda _: None,
    look_back: int = MAX_LOOK_BACK,
) -> History:
    """Read a series from the broker, page by page from its end back, with what averages and sides need before it.

    Args:
        source: the broker.
        series: what to read.
        span: what is to be reported; without a beginning the newest ``RECENT`` candles.
        warm_up: candles that the averages need before the first one reported.
        progress: told after each page how many candles came.
        look_back: candles more that are read, since the side may lie further back behind ties.

    Raises:
        NinjaError: the broker did not answer, or has no candle of it at all.
    """
    lead = warm_up + look_back
    pages: list[tuple[Instrument, Sequence[Candle]]] = []
    count, early, forming = 0, 0, None
    until = None if span.until is None else series.granularity.open_at(span.until)
    while (early < lead) if span.since is not None else (count < lead + RECENT):
        answer = _page(source, WantedHistory(series, until, _PAGE))
        instrument, candles = answer.instrument, answer.candles
        forming = answer.forming if until is None else forming
        if candles and pages:
            candles = [candle for candle in candles if candle.time < pages[-1][1][0].time]
        if not candles:
            break
        pages.append((instrument, candles))
        progress(len(candles))
        count += len(candles)
        early += sum(candle.time < span.since for candle in candles) if span.since is not None else 0
        if len(answer.candles) < _PAGE:
            break
        until = series.granularity.open_at(candles[0].time - 1)
    if not pages:
        message = f"the broker has no complete candle of {series} there"
        raise HistoryGap(message)
    return _joined(pages, count, span)._replace(forming=forming)


def _joined(pages: Sequence[tuple[Instrument, Sequence[Candle]]], count: int, span: Span) -> History:
    """Join pages, newest first, in the digits of the finest one."""
    instrument = max((instrument for instrument, _ in pages), key=lambda each: each.decimals)
    parts = [_columns(candles, 10 ** (instrument.decimals - own.decimals)) for own, candles in reversed(pages)]
    since = _recent(parts, count) if span.since is None else span.since
    return History(instrument, parts, Span(since, span.until))


def _page(source: CandleSource, wanted: WantedHistory) -> Fetched:
    answer = source.history([wanted])[wanted]
    if isinstance(answer, NinjaError):
        raise answer
    if answer.rejected is not None:
        raise answer.rejected
    return answer


def _columns(candles: Sequence[Candle], factor: int) -> CandleColumns:
    return CandleColumns.of(Candle(candle.time, *(price * factor for price in candle[1:])) for candle in candles)


def _recent(parts: Sequence[CandleColumns], count: int) -> Instant | None:
    """Return the open of the candle with which the newest ``RECENT`` begin; None when there are not more of them."""
    if count <= RECENT:
        return None
    left = RECENT
    for part in reversed(parts):
        if left <= len(part):
            return int(part.time[len(part) - left])
        left -= len(part)
    return None
