"""What the candles of a wake mean for one strategy: its new state, its signals, and how both are to be stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from ninja_daemon.core.errors import HistoryGap, NinjaError, PlugInFailed, StateError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched
from ninja_daemon.usecases.changes import After, NewCandles, change_of, compared, judged, quiet_candle
from ninja_daemon.usecases.missing_candles import MissingCandles, missing_candles
from ninja_daemon.usecases.ports import Change, Clock
from ninja_daemon.usecases.revisions import ShownCandles, scaled
from ninja_daemon.usecases.standing import Standing
from ninja_daemon.usecases.trend.candles import Judgeable, seeing
from ninja_daemon.usecases.wake_result import JudgedCandles, Run, Start, StrategyResult


class Work(NamedTuple):
    """A strategy's evaluation: what to write, and what to say when it is written."""

    standing: Standing
    outcome: StrategyResult
    change: Change | None = None


class OtherPrices(TransientError):
    """The broker's prices have more digits than the stored averages; they are rebuilt."""


class Evaluator:
    """Evaluates strategies, for one wake."""

    def __init__(
        self, source: CandleSource, clock: Clock, calendar: Calendar = NO_CALENDAR, *, hold_gaps: bool
    ) -> None:
        """Choose whom to ask about missing candles, by which news to judge, and whether to wait for what is missing."""
        self._source = source
        self._clock = clock
        self._calendar = calendar
        self._hold_gaps = hold_gaps

    def of(self, standing: Standing) -> Work:
        """Evaluate what the broker sent for a strategy."""
        try:
            quiet = quiet_candle(standing)
        except PlugInFailed as error:
            return Work(standing, result_of(standing, error))
        return self._any(standing) if quiet is None else Work(standing, *quiet)

    def _any(self, standing: Standing) -> Work:
        """Evaluate whatever it was."""
        if standing.state is None or standing.instrument is None:
            return Work(standing, result_of(standing, standing.error or StateError("nothing is known of it")))
        if standing.error is not None and standing.start is not Start.REBUILT:
            return Work(standing, result_of(standing, standing.error))
        fetched, larger = standing.newer or Fetched(standing.instrument), standing.larger
        has_more_digits = fetched.instrument.decimals > standing.instrument.decimals
        if has_more_digits or (larger is not None and larger.has_more_digits):
            return Work(standing, result_of(standing, OtherPrices("the broker's prices have more digits than before")))
        new = self._new(standing, standing.state, standing.instrument.decimals, fetched)
        try:
            return new if isinstance(new, Work) else self._advance(new)
        except PlugInFailed as error:
            return Work(standing, result_of(standing, error))

    def _new(self, standing: Standing, state: StrategyState, decimals: int, fetched: Fetched) -> NewCandles | Work:
        """Find out which candles can be judged; where not even the state before them is known, say what is lacking."""
        # Few prices may show fewer digits than the instrument has; a pip guessed from these would be wrong.
        fewer = fetched.instrument.decimals < decimals
        instrument = standing.instrument if fewer and standing.instrument is not None else fetched.instrument
        factor = 10 ** (decimals - fetched.instrument.decimals) if fewer else 1
        candles: Sequence[Candle] = [scaled(one, factor) for one in fetched.candles] if fewer else fetched.candles
        missing = missing_candles(standing.strategy, state.last, candles, partial(self._had_prices, standing))
        is_held = self._hold_gaps and missing.held_from is not None
        candles = candles[: missing.held_from] if is_held else candles
        rules, awaited = rules_of(standing.strategy, instrument), ""
        if standing.larger is not None:
            judgeable = standing.larger.judgeable(state.last, candles, hold_gaps=self._hold_gaps)
            if judgeable.awaited is not None:
                awaited = standing.larger.waiting_for(judgeable.awaited)
                if not judgeable.knows_start or standing.start is Start.FIRST:
                    return self._waiting(standing, awaited)
            candles, missing = candles[: judgeable.count], _with_gaps(missing, judgeable)
        rules = seeing(rules, standing.larger, fetched, self._calendar, factor)
        shown = ShownCandles(fetched, factor)
        compare = compared(standing, state, shown)
        # The candle of a first start only ends the warm-up.
        taken_in = 0 if standing.start is Start.FIRST else len(candles)
        return NewCandles(standing, state, rules, candles, shown, missing, is_held, awaited, *compare, taken_in)

    def _waiting(self, standing: Standing, awaited: str) -> Work:
        error = standing.error or self._lacking(standing, awaited)
        return Work(standing, result_of(standing, error)._replace(awaited=awaited, held=error is None))

    def _error(self, new: NewCandles, state: StrategyState) -> NinjaError | None:
        """Return why the strategy is not up to date after its new candles."""
        error = new.standing.error or new.shown.fetched.rejected or _nothing_there(state)
        return self._lacking(new.standing, new.awaited) if error is None and new.awaited else error

    def _lacking(self, standing: Standing, awaited: str) -> NinjaError | None:
        """Return why a larger candle is not there; None while it may come any moment."""
        if standing.larger is not None and standing.larger.error is not None:
            return standing.larger.error
        return None if self._hold_gaps else TransientError(awaited)

    def _had_prices(self, standing: Standing, start: Instant, end: Instant) -> bool:
        try:
            return self._source.had_prices(standing.strategy.series, start, end)
        except NinjaError as error:
            standing.notes.append(f"whether a missing candle was quiet could not be found out: {error}")
            return False

    def _advance(self, new: NewCandles) -> Work:
        """Take candles in: the new state, its signals, and how both are to be stored."""
        after = judged(new, self._clock.now())
        change, error = change_of(new, after), self._error(new, after.state)
        return Work(new.standing, _result(new, after, change, error), change)


def _result(new: NewCandles, after: After, change: Change | None, error: NinjaError | None) -> StrategyResult:
    standing, before, rules, candles, shown, missing, held, awaited, _, revised, taken_in = new
    is_changed, last = change is not None, after.state.last
    return StrategyResult(
        standing.strategy,
        standing.start,
        cursor=None if last is None else last.time,
        taken_in=taken_in,
        judged=JudgedCandles(candles, rules.instrument, after.state) if is_changed and candles else None,
        sides=(before.side, after.state.side),
        fetched=standing.fetched,
        signals=after.signals if is_changed else (),
        crosses=after.crosses,
        closed=after.followed.outcomes if is_changed else (),
        forming=shown.fetched.forming,
        revised=revised,
        quiet=missing.quiet,
        gaps=missing.gaps,
        held=held or (bool(awaited) and error is None),
        awaited=awaited,
        newest=_newest(standing),
        more=shown.fetched.more and taken_in > 0 and not held and not awaited,
        error=error,
        notes=standing.notes,
        counts=standing.loaded.counts if change is None else change.counts,
        run=None if change is None else _run(new),
    )


def _run(new: NewCandles) -> Run:
    instrument, history = new.rules.instrument, new.standing.history
    if history:
        return Run(instrument, None, [*history, *new.candles])
    return Run(instrument, None if new.before.last is None else new.before.last.time, new.candles)


def _with_gaps(missing: MissingCandles, judgeable: Judgeable) -> MissingCandles:
    """Add larger candles that never came."""
    return missing._replace(gaps=[*missing.gaps, *judgeable.gaps])


def _nothing_there(state: StrategyState) -> NinjaError | None:
    return None if state.last is not None else HistoryGap("the broker has no complete candle of it yet")


def _newest(standing: Standing) -> Instant | None:
    """Return the open of the newest candle that the broker had not shown before."""
    shown = () if standing.newer is None or standing.start is Start.FIRST else standing.newer.candles
    return shown[-1].time if shown else None


def result_of(standing: Standing, error: NinjaError | None) -> StrategyResult:
    """Return the result of a strategy of which nothing is written."""
    return StrategyResult(
        standing.strategy,
        standing.start,
        cursor=standing.cursor,
        fetched=standing.fetched,
        newest=_newest(standing),
        error=error,
        notes=standing.notes,
        counts=standing.loaded.counts,
    )
