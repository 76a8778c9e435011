"""A strategy's decisions derived again from the broker's candles; nothing that is stored enters it (contract 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.signals.decisions import Decision, decisions
from ninja_daemon.core.signals.history import BatchResult, evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import HistorySource
from ninja_daemon.usecases.history.broker_history import BrokerHistory, read_history
from ninja_daemon.usecases.history.larger_history import Larger, bound, judgeable, read_larger
from ninja_daemon.usecases.replay import Span


@dataclass(frozen=True, slots=True)
class Derived:
    """The rules over a history, from the first candle that was read to the last.

    Attributes:
        rules: the strategy and the instrument in whose decimals the candles are.
        candles: all that were read, those for warm-up included.
        result: the rules over them.
        start: index of the first candle that was asked for.
        stop: index after the last one.
        unjudged: open of the first candle that cannot be judged yet, because a larger one is not complete; None when
            all can be.
    """

    rules: Rules
    candles: CandleColumns
    result: BatchResult
    start: int
    stop: int
    unjudged: Instant | None = None

    def index_of(self, time: Instant) -> int | None:
        """Return the index of the candle that opened then; None when the broker has none."""
        index = int(self.candles.time.searchsorted(time))
        return index if index < len(self.candles) and int(self.candles.time[index]) == time else None

    def decisions(self) -> Iterator[Decision]:
        """Go through what was decided at the candles that were asked for."""
        return decisions(self.candles, self.result, self.start, self.stop)

    def decision(self, index: int) -> Decision:
        """Return what was decided at one candle."""
        return next(decisions(self.candles, self.result, index, index + 1))

    def signals(self) -> dict[str, Signal]:
        """Return the signals of the candles that were asked for, by id, each found at its close."""
        times = self.candles.time[self.start : self.stop]
        if not len(times):
            return {}
        close_of = self.rules.strategy.granularity.close_of
        found = [
            signal_of(self.rules, cross, close_of(cross.candle.time))
            for cross in self.result.crosses
            if cross.rejected_by is None and int(times[0]) <= cross.candle.time <= int(times[-1])
        ]
        return {signal.id: signal for signal in found}


def derive(
    source: HistorySource,
    strategy: Strategy,
    span: Span,
    *,
    known: Instrument | None = None,
    more: int = 0,
    calendar: Calendar = NO_CALENDAR,
    progress: Callable[[int], None] = lambda _: None,
) -> Derived:
    """Read the candles of a strategy from the broker and run the rules over them.

    Args:
        source: the broker.
        strategy: whose rules.
        span: the candles that are asked for; without a beginning the newest 5,000 and ``more``.
        known: decimals and pip as they are stored; a broker that shows few prices may show fewer digits.
        more: candles before those, when the span has no beginning.
        calendar: scheduled news.
        progress: told after each page how many candles came.

    Raises:
        NinjaError: the broker did not answer, or has no candle of it at all.
    """
    history, larger = _read(source, strategy, span, strategy.warm_up + more, progress)
    instrument, factor = _finer(history.instrument, known)
    candles, unjudged = _judgeable(strategy, CandleColumns.joined(history.parts).times(factor), larger)
    rules = bound(strategy, instrument, larger, history.spreads_times(factor), calendar)
    start, stop = _places(candles, history.span, more if span.since is None else 0)
    return Derived(rules, candles, evaluate(rules, candles), start, stop, unjudged)


def _read(
    source: HistorySource, strategy: Strategy, span: Span, lead: int, progress: Callable[[int], None]
) -> tuple[BrokerHistory, Larger]:
    history = read_history(source, strategy.series, span, lead, progress, with_spreads=strategy.needs_spread)
    return history, read_larger(source, [strategy], int(history.parts[0].time[0]), progress)


def _finer(shown: Instrument, known: Instrument | None) -> tuple[Instrument, int]:
    """Return the instrument with more digits, and what prices in the broker's are multiplied by to have them."""
    finer = shown if known is None or known.decimals <= shown.decimals else known
    return finer, 10 ** (finer.decimals - shown.decimals)


def _judgeable(strategy: Strategy, every: CandleColumns, larger: Larger) -> tuple[CandleColumns, Instant | None]:
    """Return the candles that can be judged, and the open of the first that cannot."""
    (candles,) = judgeable(strategy, [every], larger)
    return candles, int(every.time[len(candles)]) if len(candles) < len(every) else None


def _places(candles: CandleColumns, span: Span, more: int) -> tuple[int, int]:
    """Return where a span, and that many candles before it, begins and ends."""
    start = 0 if span.since is None else max(0, int(candles.time.searchsorted(span.since)) - more)
    stop = len(candles) if span.until is None else int(candles.time.searchsorted(span.until, side="right"))
    return start, max(start, stop)


def newest(derived: Derived, count: int) -> Derived:
    """Ask for the newest ``count`` candles only."""
    return replace(derived, start=max(derived.start, derived.stop - count))
