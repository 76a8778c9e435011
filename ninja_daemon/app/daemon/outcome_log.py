"""What the log says of one strategy after a look, the same in the daemon and in a single pass."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Cross, Strategy
from ninja_daemon.usecases.wake_result import Start, StrategyResult


def say_news(logger: FilteringBoundLogger, outcome: StrategyResult) -> None:
    """Say what happened to a strategy, beside what may be wrong with it."""
    strategy = outcome.strategy
    log = logger.bind(strategy=strategy.name)
    if outcome.error is None and outcome.start is Start.REBUILT:
        log.info(f"{strategy.name}: averages rebuilt from the broker's history", event_id="state.rebuilt")
    elif outcome.error is None and outcome.start is Start.FIRST:
        log.info(f"{strategy.name}: first start, warmed up on history", event_id="state.first")
    if outcome.taken_in and outcome.revised:
        log.warning(
            f"{strategy.name}: the broker changed a candle that was complete; the first version stays",
            event_id="candle.revised",
        )
    for gap in outcome.gaps if outcome.taken_in else ():
        log.warning(
            f"{strategy.name}: the candle of {format_instant(gap)} never came although there were prices",
            event_id="candle.gap",
        )
    for cross in outcome.crosses:
        if cross.rejected_by is not None:
            log.info(_rejection(strategy, cross), event_id="cross.rejected", rejected_by=cross.rejected_by.value)
    for signal in outcome.signals:
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


def _sentence(signal: Signal) -> str:
    late = " (late)" if signal.late else ""
    return (
        f"{signal.strategy} {signal.side.name} at {signal.close}: stop {signal.stop_loss} ({signal.sl_pips} pips), "
        f"target {signal.take_profit} ({signal.tp_pips} pips){late}"
    )


def _rejection(strategy: Strategy, cross: Cross) -> str:
    when = format_instant(cross.candle.time)
    reason = "" if cross.rejected_by is None else cross.rejected_by.value
    return f"{strategy.name} crossed to {cross.side.name} in the candle of {when}, not a signal: {reason}"
