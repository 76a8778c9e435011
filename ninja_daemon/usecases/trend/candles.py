"""The candles of a larger timeframe that decide a strategy's trend: which are asked for, and how far they are known.

A strategy's candle waits until every larger candle that closed by its own close is complete, a shared close included.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ninja_daemon.core.averages.trend import NO_TREND, Trend, TrendAverage, TrendState
from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Series
from ninja_daemon.core.market.news import Calendar
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched, Wanted, WantedHistory
from ninja_daemon.usecases.revisions import scaled


@dataclass(frozen=True, slots=True)
class Judgeable:
    """How many of a strategy's candles can be judged now.

    Attributes:
        count: of the candles asked about, from the first on.
        awaited: close of the larger candle that the next one waits for; None when all can be judged.
        gaps: opens of larger candles that never came although there were prices.
        knows_start: the average before the first of them is known.
    """

    count: int
    awaited: Instant | None = None
    gaps: Sequence[Instant] = ()
    knows_start: bool = True


@dataclass(slots=True)
class LargerCandles:
    """What one strategy knows of its larger timeframe in one wake.

    Attributes:
        series: the larger candles.
        settings: the average over them.
        own: the strategy's timeframe.
        spacing: candles that the strategy's signals keep between them.
        cursor: open of the strategy's last candle taken in; None at a first start.
        before: the average as it was committed, or an empty one.
        known_until: every larger candle that closed by then is behind ``before`` or among ``candles``.
        candles: complete ones after ``before``.
        error: why no more is known.
        revised: the broker shows the newest one behind ``before`` otherwise than it did.
        has_more_digits: the broker's prices have more digits than ``before``, which has to be rebuilt.
    """

    series: Series
    settings: TrendAverage
    own: Granularity
    spacing: int
    cursor: Instant | None
    before: TrendState
    known_until: Instant = 0
    candles: list[Candle] = field(default_factory=list)
    error: NinjaError | None = None
    revised: bool = False
    has_more_digits: bool = False

    @classmethod
    def of(cls, strategy: Strategy, committed: TrendState | None, cursor: Instant | None) -> LargerCandles | None:
        """Begin with what was committed at a cursor, or with nothing; None for a strategy without a trend."""
        if (trend := strategy.trend) is None or (series := strategy.larger) is None:
            return None
        if committed is None or cursor is None:
            return cls(series, trend, strategy.granularity, strategy.spacing, cursor, trend.empty_state(0))
        # What closed by the cursor's close was waited for before the cursor moved.
        known_until = trend.granularity.last_close(strategy.granularity.close_of(cursor))
        return cls(series, trend, strategy.granularity, strategy.spacing, cursor, committed, known_until)

    # --- what to ask -------------------------------------------------------------------------------------------------

    def wanted(self, now: float) -> Wanted | WantedHistory | None:
        """Return what has to be asked; None when no larger candle has closed since the last one that is known."""
        granularity = self.series.granularity
        if granularity.last_close(int(now)) <= self.known_until:
            return None
        if self.before.last is not None:
            return Wanted(self.series, self.before.last)
        # Where signals keep a distance, those before the cursor are judged again.
        passed = max(0, int(now) - (self.cursor or int(now)) + self.spacing * self.own.seconds) // granularity.seconds
        return WantedHistory(self.series, None, self.settings.warm_up + passed + _SPARE)

    def take(self, answer: Fetched | NinjaError) -> None:
        """Take in what the broker said."""
        if isinstance(answer, NinjaError):
            self.error = answer
            return
        decimals = answer.instrument.decimals
        if self.before.last is None:
            self.before = self.settings.empty_state(decimals)
        elif decimals > self.before.decimals:
            self.has_more_digits = True
            return
        factor = 10 ** (self.before.decimals - decimals)
        self.candles += [scaled(candle, factor) for candle in answer.candles]
        self.error = answer.rejected
        if answer.at_cursor is not None and self.before.last is not None:
            self.revised = answer.at_cursor.close * factor != self.before.closes.back(0)
        if answer.forming is not None:
            # Candles come in order: all that opened before it are complete, or will never come.
            self.known_until = max(self.known_until, answer.forming)
        elif self.candles:
            self.known_until = max(self.known_until, self.series.granularity.close_of(self.candles[-1].time))

    # --- what it tells -----------------------------------------------------------------------------------------------

    def judgeable(self, last: Candle | None, candles: Sequence[Candle], *, hold_gaps: bool) -> Judgeable:
        """Tell how many of a strategy's new candles can be judged.

        Args:
            last: the candle before them.
            candles: complete ones, oldest first.
            hold_gaps: a larger candle that is missing although there were prices may yet come, so it is waited for.
        """
        border = 0 if last is None else self._border(last)
        if border > self.known_until:
            return Judgeable(0, border, knows_start=False)
        known, previous = {self.before.last, *(candle.time for candle in self.candles)}, last
        gaps: list[Instant] = []
        for index, candle in enumerate(candles):
            reached = self._border(candle)
            if reached > self.known_until:
                return Judgeable(index, reached, gaps)
            if reached > border:
                expected = self._expected(previous, candle, border, reached)
                missing = [opened for opened in expected if opened not in known]
                if missing and hold_gaps:
                    return Judgeable(index, self.series.granularity.close_of(missing[0]), gaps)
                gaps += missing
            border, previous = reached, candle
        return Judgeable(len(candles), None, gaps)

    def _border(self, candle: Candle) -> Instant:
        """Return the newest border of the larger timeframe at the close of a candle."""
        return self.series.granularity.last_close(self.own.close_of(candle.time))

    def _expected(self, previous: Candle | None, candle: Candle, after: Instant, until: Instant) -> Sequence[Instant]:
        """Return the opens of larger candles, closed since ``after``, that must exist: own prices lie in them."""
        larger, found = self.series.granularity, []
        for each in (previous, candle):
            if each is not None:
                opened = larger.open_at(each.time)
                close = larger.close_of(opened)
                if after < close <= until and self.own.close_of(each.time) <= close and opened not in found:
                    found.append(opened)
        return found

    def trend(self, decimals: int) -> Trend:
        """Return the average at each moment that is known, for prices of that many decimals."""
        return Trend.over(self.series.granularity, self.before, self.candles, decimals)

    def state_after(self, candle: Candle) -> TrendState:
        """Return the average at the close of a candle of the strategy."""
        closes = [self.series.granularity.close_of(one.time) for one in self.candles]
        return self.before.after_all(self.candles[: bisect_right(closes, self.own.close_of(candle.time))])

    def waiting_for(self, close: Instant) -> str:
        """Say what is waited for."""
        return (
            f"the {self.series} candle that closed at {format_instant(close)} decides the trend and is not complete yet"
        )


_SPARE: Final = 2


def seeing(rules: Rules, larger: LargerCandles | None, fetched: Fetched, calendar: Calendar, factor: int = 1) -> Rules:
    """Return rules with what is known beside the candles: the trend, spreads, which ``factor`` scales, and news."""
    if larger is None and not rules.strategy.needs_spread and rules.strategy.quiet is None:
        return rules
    trend = NO_TREND if larger is None else larger.trend(rules.instrument.decimals)
    return rules.seeing(trend, {opened: spread * factor for opened, spread in fetched.spreads.items()}, calendar)


def histories(those: Iterable[LargerCandles], now: float) -> Sequence[tuple[LargerCandles, WantedHistory]]:
    """Return which histories are needed: one a series, as long as any strategy needs it."""
    asked = [(one, request) for one in those if isinstance(request := one.wanted(now), WantedHistory)]
    counts: dict[Series, int] = {}
    for one, request in asked:
        counts[one.series] = max(request.count, counts.get(one.series, 0))
    return [(one, replace(request, count=counts[one.series])) for one, request in asked]


def newer(those: Iterable[LargerCandles], now: float) -> Sequence[tuple[LargerCandles, Wanted]]:
    """Return which candles to ask for: those that have closed since the last one that is known."""
    return [(one, request) for one in those if isinstance(request := one.wanted(now), Wanted)]
