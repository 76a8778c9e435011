"""What the log says of a look at the broker; of one strategy the same in the daemon and in a single pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from structlog.typing import FilteringBoundLogger

from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.app.daemon.counters import Counters
from ninja_daemon.app.daemon.figures import WakeFigures
from ninja_daemon.app.daemon.troubles.outage import Outage
from ninja_daemon.core.errors import BrokerDenied, BrokerUnavailable
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.outcomes.outcome import Outcome as SignalOutcome
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.wake_result import Start, StrategyResult, WakeResult

_DOUBTS_EVERY: Final = 3_600.0
"""Seconds between two reminders of what is wrong with the account while candles come."""
_NAMED: Final = 4
"""Strategies that a line names; the others are in ``status``."""


class WakeLog:
    """Writes down what a daemon's wakes find: each trouble once for all the strategies that it stops."""

    def __init__(
        self, clock: Clock, log: FilteringBoundLogger, figures: WakeFigures, outage: Outage, troubles: Recurring
    ) -> None:
        """Choose where troubles and figures are kept."""
        self._clock = clock
        self._log = log
        self._figures = figures
        self._alert = outage.alert
        self._troubles = troubles
        self._doubts = Recurring(clock, log, every=_DOUBTS_EVERY)

    def result(self, result: WakeResult, doubt: str) -> None:
        """Log what one look found, and note who waits.

        Args:
            result: of the look.
            doubt: what is wrong with the broker's account although candles come.
        """
        if result.journal_error is not None:
            self._troubles.failed("journal.down", f"signals go on without the local journal: {result.journal_error}")
        else:
            self._troubles.recovered("journal.down", "the local journal works again")
        for one in result.results:
            self._strategy(one)
        self._awaited(result.results)
        self._errors(result.results)
        self._doubt(doubt)

    def _strategy(self, result: StrategyResult) -> None:
        name, figures, now = result.strategy.name, self._figures, self._clock.now()
        for note in result.notes:
            self._troubles.failed(f"state.{name}.{note[:20]}", f"{name}: {note}")
        if result.error is None:
            figures.go_on(name)
        if result.cursor is not None:
            figures.cursors[name] = result.cursor
        if result.taken_in:
            figures.news_at = int(now)
        figures.count_closed(result)
        figures.by_strategy.add(result)
        for signal in result.signals:
            if not signal.late:
                figures.signal_latency.add(now - signal.close_time)
        say_result(self._log, result)

    def _awaited(self, results: Sequence[StrategyResult]) -> None:
        """Say once which candles of a larger timeframe are waited for, and by whom."""
        news: dict[str, list[Strategy]] = defaultdict(list)
        for one in results:
            if self._figures.awaits(one.strategy.name, one.awaited if one.error is None else ""):
                news[one.awaited].append(one.strategy)
        for awaited, those in news.items():
            self._log.info(
                f"{counted(len(those), 'strategy')} waiting: {awaited}",
                event_id="candle.awaited",
                strategies=_names(those),
            )

    def _errors(self, results: Sequence[StrategyResult]) -> None:
        stopped: dict[str, list[StrategyResult]] = defaultdict(list)
        for one in results:
            if one.error is not None:
                stopped[_trouble(one)].append(one)
                self._figures.wait([one.strategy.name], str(one.error))
        for trouble, those in stopped.items():
            error, is_news = those[0].error, not self._troubles.is_failing(trouble)
            event = trouble.split(".")[0] + ".trouble"
            names = _names([one.strategy for one in those])
            self._troubles.failed(trouble, f"waiting: {error}", event_id=event, strategies=names)
            if is_news and isinstance(error, BrokerDenied):
                self._alert("broker_denied", "critical", f"The broker refuses the token or the account: {error}")
        going = [one.strategy.name for one in results if one.error is None]
        for trouble in {"broker.down", "broker.denied"} - stopped.keys() if going else ():
            self._troubles.recovered(trouble, "the broker answers again", event_id="broker.up")
        for name in going:
            self._troubles.recovered(f"strategy.{name}", f"{name} goes on")

    def changes(self, changes: Sequence[str]) -> None:
        """Say what has changed in the broker's list of instruments."""
        for change in changes:
            self._log.warning(f"{change}; its averages are rebuilt where that is needed", event_id="broker.instruments")

    def _doubt(self, doubt: str) -> None:
        """Say what is wrong with the account, once an hour: it may stay so, and nothing waits for it."""
        if not doubt:
            self._doubts.recovered("account", "the broker's account answers as it should", event_id="broker.up")
            return
        is_news = not self._doubts.is_failing("account")
        self._doubts.failed("account", doubt, event_id="broker.doubt")
        if is_news:
            self._alert("broker_account", "warning", f"The broker's account: {doubt}")

    def missing(self, strategies: Sequence[Strategy]) -> None:
        """Say which candles did not come although nothing failed, so that the silence is explained."""
        if strategies:
            self._log.info(
                f"no new candle of {counted(len(strategies), 'strategy')} after the close; "
                "a period without prices has no candle",
                event_id="candle.missing",
                strategies=_names(strategies),
            )

    def summary(self, wake: Counters, *, strategies: int, waiting: int, seconds: float) -> None:
        """Write the one line of a wake."""
        ever = self._figures.counters.hit_ratio
        self._log.info(
            f"incremental fetch: {counted(wake.evaluated, 'new candle')} for {counted(strategies, 'strategy')} "
            f"in {seconds:.3f} s",
            event_id="wake",
            signals=wake.signals,
            waiting=waiting,
            looks=wake.looks,
            rebuilt=wake.rebuilds,
            hit_ratio="none yet" if ever is None else f"{ever:.1%}",
            incremental_ratio=f"{1.0 if wake.hit_ratio is None else wake.hit_ratio:.1%}",
        )


def _names(strategies: Sequence[Strategy]) -> str:
    return ", ".join(strategy.name for strategy in strategies[:_NAMED]) + " …" * (len(strategies) > _NAMED)


def _trouble(result: StrategyResult) -> str:
    match result.error:
        case BrokerDenied():
            return "broker.denied"
        case BrokerUnavailable():
            return "broker.down"
        case _:
            return f"strategy.{result.strategy.name}"


def say_result(logger: FilteringBoundLogger, result: StrategyResult) -> None:
    """Say what happened to a strategy, beside what may be wrong with it."""
    strategy = result.strategy
    log = logger.bind(strategy=strategy.name)
    if result.error is None and result.start is Start.REBUILT:
        log.info(f"{strategy.name}: averages rebuilt from the broker's history", event_id="state.rebuilt")
    elif result.error is None and result.start is Start.FIRST:
        log.info(f"{strategy.name}: first start, warmed up on history", event_id="state.first")
    if result.taken_in and result.revised:
        log.warning(
            f"{strategy.name}: the broker changed a candle that was complete; the first version stays",
            event_id="candle.revised",
        )
    for gap in result.gaps if result.taken_in else ():
        log.warning(
            f"{strategy.name}: the candle of {format_instant(gap)} never came although there were prices",
            event_id="candle.gap",
        )
    _say_crosses(log, result)


def _say_crosses(log: FilteringBoundLogger, result: StrategyResult) -> None:
    strategy = result.strategy
    for cross in result.crosses:
        if cross.rejected_by is not None:
            log.info(_rejection(strategy, cross), event_id="cross.rejected", rejected_by=cross.rejected_by.name)
    for signal in result.signals:
        log.info(
            _sentence(signal),
            event_id="signal.emitted",
            id=signal.id,
            instrument=signal.instrument,
            timeframe=signal.timeframe,
            candle=format_instant(signal.time),
            side=signal.side.name,
            late=signal.late,
        )
    for one in result.closed:
        log.info(
            _ending(one),
            event_id="signal.closed",
            id=one.id,
            instrument=one.instrument,
            timeframe=one.timeframe,
            side=one.side.name,
        )


def _ending(one: SignalOutcome) -> str:
    candles = counted(one.candles, "candle")
    return (
        f"{one.strategy} {one.side.name} of {format_instant(one.time)} ended: {one.result.value} at {one.exit}, "
        f"{one.r:+f} R ({one.pips:+f} pips) after {candles}"
    )


def _sentence(signal: Signal) -> str:
    late = " (late)" * signal.late + " (the calendar of news was old)" * signal.calendar_old
    return (
        f"{signal.strategy} {signal.side.name} at {signal.close}: stop {signal.stop_loss} ({signal.sl_pips} pips), "
        f"target {signal.take_profit} ({signal.tp_pips} pips){late}"
    )


def _rejection(strategy: Strategy, cross: Cross) -> str:
    when = format_instant(cross.candle.time)
    reason = "" if cross.rejected_by is None else cross.rejected_by.name
    return f"{strategy.name} crossed to {cross.side.name} in the candle of {when}, not a signal: {reason}"
