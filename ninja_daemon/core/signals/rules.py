"""A strategy bound to its instrument: its state between two candles, and the one step that takes in a candle."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from fractions import Fraction
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.averages.smoothed import FIXED_UNIT, Stage
from ninja_daemon.core.averages.trend import NO_TREND, Trend
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.filters.filter import Filter, Judge, Moment
from ninja_daemon.core.filters.kinds import judges_of
from ninja_daemon.core.filters.plug_in import judged_by
from ninja_daemon.core.filters.quiet_around import NO_QUIET, quiet_times
from ninja_daemon.core.market.candle import Candle, true_range
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar, NewsEvent
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.rounding import away
from ninja_daemon.core.signals.crossover import Side, side_of
from ninja_daemon.core.signals.state import Begin, Cross, StrategyState
from ninja_daemon.core.signals.strategy import Strategy

NO_SPREADS: Final[Mapping[Instant, int]] = MappingProxyType({})
Known = tuple[Ratio, Ratio, int, int, Ratio, Ratio, int | None]
"""The fields of ``Moment`` from ``fast`` on, in its order."""


class _Bound(NamedTuple):
    """What is worked out of the settings that judge crosses, and of the instrument."""

    judges: tuple[tuple[Filter, Judge], ...]
    rejecting: tuple[tuple[Filter, Callable[[Moment], bool]], ...]
    ways: tuple[tuple[int, Ratio], tuple[int, Ratio]]


_bound_before: Final[dict[Hashable, _Bound]] = {}
"""Shared by all strategies with the same settings: among thousands few differ in these, and each would hold 3 kB."""


def _bound(strategy: Strategy, instrument: Instrument) -> _Bound:
    judged = strategy.atr_period, strategy.min_atr_value, strategy.min_rr_ratio, strategy.range_whole
    key = instrument, *judged, strategy.sl_atr_multiplier, strategy.tp_atr_multiplier
    is_shared = not strategy.filters and not strategy.plug_ins
    if is_shared and key in _bound_before:
        return _bound_before[key]
    judges = (
        *judges_of(strategy, instrument, strategy.filters),
        *(judged_by(one, strategy, instrument) for one in strategy.plug_ins),
    )
    rejecting = tuple((one, judge.passes) for one, judge in judges if judge.passes is not None)
    stop, target = (
        (Fraction(multiplier) / strategy.range_whole).as_integer_ratio()
        for multiplier in (strategy.sl_atr_multiplier, strategy.tp_atr_multiplier)
    )
    made = _Bound(judges, rejecting, ((-1, stop), (1, target)))
    if is_shared:
        _bound_before[key] = made
    return made


_made = partial(tuple.__new__, StrategyState)
"""Makes a state of its fields; a class that is called by name takes twice as long, once a candle."""


class Rules:
    """A strategy bound to its instrument, with the constants of all its candles worked out once.

    Attributes:
        strategy: the settings.
        instrument: decimals and pip of the prices.
        stop_ratio: factor from the sum of the true ranges to the stop's distance, as a fraction.
        target_ratio: the same for the target's distance.
        judges: the filters, in their order.
        trend: the larger timeframe's average, as far as it is known.
        spreads: ask less bid at the close of candles, by their opens, as far as they are known.
        quiet: the scheduled news that count, as far as they are known.
        begin: from when on signals were listed; None where each of them was.
        is_plain: whether averages take in closes, true ranges are simply averaged and each cross is judged by itself;
            the fast ways over many candles ask for it.
        is_spaced: whether signals keep a distance.
    """

    __slots__ = (
        "_atr_period",
        "_rejecting",
        "_smooths",
        "_ways",
        "begin",
        "instrument",
        "is_plain",
        "is_spaced",
        "judges",
        "quiet",
        "spreads",
        "stop_ratio",
        "strategy",
        "target_ratio",
        "trend",
    )

    def __init__(self, strategy: Strategy, instrument: Instrument) -> None:
        """Bind the filters, and work out the distances of stop and target (contract 4.5)."""
        self.strategy = strategy
        self.instrument = instrument
        self._atr_period = strategy.atr_period
        self.judges, self._rejecting, self._ways = _bound(strategy, instrument)
        self._smooths, self.is_spaced = strategy.is_smoothed, strategy.spacing > 0
        asks_each = any(judge.passes is not None and judge.all_pass is None for _, judge in self.judges)
        asks_each |= strategy.needs_spread
        self.is_plain = strategy.source is Source.CLOSE and not self._smooths and not asks_each
        (_, self.stop_ratio), (_, self.target_ratio) = self._ways
        self.trend, self.spreads, self.quiet = NO_TREND, NO_SPREADS, NO_QUIET
        self.begin: Begin | None = None

    def seeing(
        self,
        larger: Trend = NO_TREND,
        spreads: Mapping[Instant, int] = NO_SPREADS,
        calendar: Calendar = NO_CALENDAR,
    ) -> Rules:
        """Return the same rules with what candles alone do not tell.

        Args:
            larger: the larger timeframe's average at each moment.
            spreads: ask less bid at the close of candles, by their opens.
            calendar: scheduled news.
        """
        seeing = copy(self)
        seeing.trend = larger
        seeing.spreads = spreads if self.strategy.needs_spread else NO_SPREADS
        if (quiet := self.strategy.quiet) is not None:
            seeing.quiet = quiet_times(quiet, self.instrument.name, calendar)
        return seeing

    def begun(self, begin: Begin) -> Rules:
        """Return the same rules for a history of which only a part was listed."""
        begun = copy(self)
        begun.begin = begin
        return begun

    def empty_state(self) -> StrategyState:
        """Return the state before the first candle of all."""
        strategy = self.strategy
        (fast, fast_period), (slow, slow_period) = strategy.averages
        return StrategyState(
            last=None,
            seen=0,
            closes=Window(strategy.closes_held),
            ranges=Window(strategy.atr_period),
            range_total=0,
            fast=fast.empty(fast_period),
            slow=slow.empty(slow_period),
            side=None,
            smoothed=Stage(strategy.atr_period, take=1) if self._smooths else None,
        )

    def advance(self, state: StrategyState, candle: Candle) -> tuple[StrategyState, Cross | None]:
        """Take in the next candle: one step of contract section 4. The candle is newer than the state's last one."""
        last, seen, closes, ranges, range_total, fast, slow, side, smoothed, signal_at, recent = state
        if last is not None:
            newest_range = true_range(candle, last.close)
            if smoothed is not None:
                smoothed = smoothed.updated(newest_range * FIXED_UNIT)
                range_total = smoothed.value
            else:
                # Candles with a true range: all but the first of all.
                period = self._atr_period
                range_total += newest_range - ranges.back(period - 1) if seen > period else newest_range
            ranges = ranges.pushed(newest_range)
        if self.is_plain:
            closes = closes.pushed(candle.close)
        else:
            closes = closes.pushed(self.strategy.source.sum_of(candle))
            recent = self.recent(recent, (candle,))
        fast = fast.updated(closes)
        slow = slow.updated(closes)
        new_side = side_of(fast, slow) or side
        new = _made((candle, seen + 1, closes, ranges, range_total, fast, slow, new_side, smoothed, signal_at, recent))
        if new_side is side or side is None or new_side is None:
            return new, None
        return self._turn(state, new, new_side, candle)

    def _turn(
        self, before: StrategyState, new: StrategyState, side: Side, candle: Candle
    ) -> tuple[StrategyState, Cross]:
        """Judge a turn of the side; where there was a side, the averages had values before and have them now."""
        value, since = self.value, self.since(before.signal_at, new.seen)
        now, then = (value(new.fast.ratio), value(new.slow.ratio)), (value(before.fast.ratio), value(before.slow.ratio))
        cross = self.cross(side, candle, (*now, len(new.ranges), new.range_total, *then, since), new.recent)
        if self.is_spaced and cross.rejected_by is None:
            new = new._replace(signal_at=new.seen)
        return new, cross

    def recent(self, held: Sequence[Candle], newer: Iterable[Candle]) -> tuple[Candle, ...]:
        """Return the newest candles, as many as plug-ins look at."""
        most = self.strategy.looked_back
        return (*held, *newer)[-most:] if most else ()

    def value(self, ratio: Ratio | None) -> Ratio:
        """Return the value of a full average in price units."""
        number, whole = cast("Ratio", ratio)
        return number, whole * self.strategy.source.parts

    def since(self, signal_at: int | None, number: int) -> int | None:
        """Return how many candles the one of this number is behind that of the last signal."""
        return number - signal_at if self.is_spaced and signal_at is not None else None

    def cross(self, side: Side, candle: Candle, known: Known, recent: Sequence[Candle] = ()) -> Cross:
        """Return a turn of the side, judged by the filters.

        Args:
            side: the side that the averages turned to.
            candle: the candle whose close turned it.
            known: the rest of the ``Moment``, from ``fast`` on.
            recent: the newest candles, where plug-ins look at them.
        """
        beside = self._trend_at(candle), self.spreads.get(candle.time), *self._news_at(candle), recent
        moment = Moment(side.value, candle.time, candle.close, *known, *beside)
        return Cross(side, candle, moment, self._rejection(moment))

    def _trend_at(self, candle: Candle) -> Ratio | None:
        """Return the larger timeframe's average at a candle's close, where the strategy looks at one."""
        return None if self.trend is NO_TREND else self.trend.at(self.strategy.granularity.close_of(candle.time))

    def _news_at(self, candle: Candle) -> tuple[NewsEvent | None, bool]:
        """Return the news that a candle's close is too near to, and whether the calendar was old."""
        if self.quiet is NO_QUIET:
            return None, False
        close = self.strategy.granularity.close_of(candle.time)
        return self.quiet.at(close), self.quiet.calendar.is_old(close)

    def levels(self, side: int, close: int, range_total: int) -> tuple[int, int]:
        """Return stop and target, computed from the exact average true range and rounded half-even, in price units."""
        stop, target = (away(close, way * side * range_total, ratio) for way, ratio in self._ways)
        return stop, target

    def _rejection(self, moment: Moment) -> Filter | None:
        """Return the first filter that a cross does not pass; ``turns.rejections`` is the same over columns."""
        for one, passes in self._rejecting:
            if not passes(moment):
                return one
        return None


@lru_cache(maxsize=65_536)
def rules_of(strategy: Strategy, instrument: Instrument) -> Rules:
    """Return the rules of a strategy, worked out once for each instrument's decimals."""
    return Rules(strategy, instrument)
