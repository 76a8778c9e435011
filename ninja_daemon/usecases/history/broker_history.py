"""The history of one series, read from the broker page by page from its end back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ninja_daemon.core.errors import HistoryGap, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.signals.rules import NO_SPREADS
from ninja_daemon.core.signals.strategy import MAX_LOOK_BACK
from ninja_daemon.usecases.candle_ports import PAGE, Fetched, HistorySource, WantedHistory
from ninja_daemon.usecases.replay import Span

RECENT: Final = 5_000
"""Candles of the broker's history that are replayed when nothing says from when on."""


class BrokerHistory(NamedTuple):
    """A broker's history of one series.

    Attributes:
        instrument: decimals of the candles' integers.
        parts: the candles, oldest first.
        span: what of it is to be reported.
        forming: open of the candle that is forming, None when none is or it was not asked for.
        spreads: ask less bid at the closes, by open, where they were wanted.
    """

    instrument: Instrument
    parts: Sequence[CandleColumns]
    span: Span
    forming: Instant | None = None
    spreads: Mapping[Instant, int] = NO_SPREADS

    def spreads_times(self, factor: int) -> Mapping[Instant, int]:
        """Return the spreads in finer units."""
        return {opened: spread * factor for opened, spread in self.spreads.items()}


def read_history(
    source: HistorySource,
    series: Series,
    span: Span,
    warm_up: int,
    progress: Callable[[int], None] = lambda _: None,
    look_back: int = MAX_LOOK_BACK,
    *,
    with_spreads: bool = False,
) -> BrokerHistory:
    """Read a series from the broker, page by page from its end back, with what averages and sides need before it.

    Args:
        source: the broker.
        series: what to read.
        span: what is to be reported; without a beginning the newest ``RECENT`` candles.
        warm_up: candles that the averages need before the first one reported.
        progress: told after each page how many candles came.
        look_back: candles more that are read, since the side may lie further back behind ties.
        with_spreads: bid and ask are wanted, too.

    Raises:
        NinjaError: the broker did not answer, or has no candle of it at all.
    """
    until = None if span.until is None else series.granularity.open_at(span.until)
    newest = WantedHistory(series, until, PAGE, with_spreads)
    answers = _enough(_pages(source, newest), span.since, warm_up + look_back, progress)
    return _joined(series, answers, span)


def _enough(
    pages: Iterable[Fetched], since: Instant | None, lead: int, progress: Callable[[int], None]
) -> Sequence[Fetched]:
    """Take pages until ``lead`` candles lie before the beginning; without one, before the newest ``RECENT``."""
    answers: list[Fetched] = []
    missing = lead + (RECENT if since is None else 0)
    for answer in pages:
        answers.append(answer)
        progress(len(answer.candles))
        missing -= sum(since is None or candle.time < since for candle in answer.candles)
        if missing <= 0:
            break
    return answers


def _pages(source: HistorySource, wanted: WantedHistory) -> Iterator[Fetched]:
    """Go back through the history, page by page; only the newest one says what is forming, and only without an end."""
    before: Instant | None = None
    while True:
        answer = _page(source, wanted)
        candles = [candle for candle in answer.candles if before is None or candle.time < before]
        if not candles:
            return
        yield answer._replace(candles=candles, forming=answer.forming if wanted.until is None else None)
        if len(answer.candles) < PAGE:
            return
        before = candles[0].time
        wanted = replace(wanted, until=wanted.series.granularity.open_at(before - 1))


def _joined(series: Series, answers: Sequence[Fetched], span: Span) -> BrokerHistory:
    """Join pages, newest first, in the digits of the finest one."""
    if not answers:
        message = f"the broker has no complete candle of {series} there"
        raise HistoryGap(message)
    instrument = max((each.instrument for each in answers), key=lambda each: each.decimals)
    factors = [10 ** (instrument.decimals - each.instrument.decimals) for each in answers]
    parts = [_columns(each.candles, factor) for each, factor in zip(reversed(answers), reversed(factors), strict=True)]
    spreads = {
        opened: spread * factor
        for each, factor in zip(answers, factors, strict=True)
        for opened, spread in each.spreads.items()
    }
    since = _recent(parts, sum(map(len, parts))) if span.since is None else span.since
    return BrokerHistory(instrument, parts, Span(since, span.until), answers[0].forming, spreads)


def _page(source: HistorySource, wanted: WantedHistory) -> Fetched:
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
