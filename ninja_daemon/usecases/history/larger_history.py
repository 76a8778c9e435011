"""Histories of larger timeframes beside those of strategies: what decides the trend of candles long closed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.signals.rules import NO_SPREADS, Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import HistorySource
from ninja_daemon.usecases.history.broker_history import read_history
from ninja_daemon.usecases.replay import Span


@dataclass(frozen=True, slots=True)
class LargerHistory:
    """The complete candles of a larger timeframe.

    Attributes:
        decimals: of their integers.
        parts: the candles, oldest first.
        known_until: every candle that closed by then is among them; None when that holds for all moments.
    """

    decimals: int
    parts: Sequence[CandleColumns]
    known_until: Instant | None = None


Larger: TypeAlias = Mapping[Series, LargerHistory]


def read_larger(
    source: HistorySource,
    strategies: Collection[Strategy],
    since: Instant,
    progress: Callable[[int], None] = lambda _: None,
) -> Larger:
    """Read the larger timeframes of strategies from the broker, each once, up to the newest candle.

    Args:
        source: the broker.
        strategies: whose trends.
        since: open of their oldest candle.
        progress: told after each page how many candles came.

    Raises:
        NinjaError: the broker did not answer, or has no candle of one of them at all.
    """
    warm_ups: dict[Series, int] = {}
    for one in strategies:
        if one.larger is not None and one.trend is not None:
            warm_ups[one.larger] = max(one.trend.warm_up, warm_ups.get(one.larger, 0))
    found = {}
    for series, warm_up in warm_ups.items():
        history = read_history(source, series, Span(since=since), warm_up, progress, look_back=0)
        close = series.granularity.close_of(int(history.parts[-1].time[-1]))
        found[series] = LargerHistory(history.instrument.decimals, history.parts, max(close, history.forming or 0))
    return found


def bound(
    strategy: Strategy,
    instrument: Instrument,
    larger: Larger,
    spreads: Mapping[Instant, int] = NO_SPREADS,
    calendar: Calendar = NO_CALENDAR,
) -> Rules:
    """Return the rules of a strategy, with what its larger timeframe tells, the spreads at its closes, and news."""
    rules = Rules(strategy, instrument)
    if strategy.trend is None or strategy.larger is None:
        return rules.seeing(spreads=spreads, calendar=calendar)
    known = larger[strategy.larger]
    candles = (candle for part in known.parts for candle in part)
    return rules.seeing(strategy.trend.over(candles, known.decimals, instrument.decimals), spreads, calendar)


def judgeable(strategy: Strategy, parts: Iterable[CandleColumns], larger: Larger) -> Iterator[CandleColumns]:
    """Leave out the candles for which the larger timeframe is not known yet: the newest ones, near now."""
    known_until = None if strategy.larger is None else larger[strategy.larger].known_until
    for part in parts:
        yield part if known_until is None else part.part(0, _judgeable(strategy, part, known_until))


def _judgeable(strategy: Strategy, part: CandleColumns, known_until: Instant) -> int:
    assert strategy.larger is not None  # noqa: S101 - looked at by the caller
    unknown, end = strategy.larger.granularity.next_close(known_until), len(part)
    while end and strategy.granularity.close_of(int(part.time[end - 1])) >= unknown:
        end -= 1
    return end
