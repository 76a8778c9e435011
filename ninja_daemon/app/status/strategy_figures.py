"""What ``status`` says of a strategy, worked out from its stored state and the clock alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from ninja_daemon.app.status.closes_today import ScheduledCloses
from ninja_daemon.app.status.shared.averages import Averages, averages_of
from ninja_daemon.core.completion_delays import LONGEST_DELAY
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.outcomes.outcome import running_r
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts, Loaded

_MOST_COUNTED: Final = 10_000


class OpenFigures(NamedTuple):
    """A signal that has not ended.

    Attributes:
        time: open of its candle.
        r: what it stands at after the last close, in R; None while that close is not known.
        candles: how many it has been followed over.
    """

    id: str
    side: Side
    time: Instant
    entry: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    r: Decimal | None
    candles: int


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """One strategy as ``status`` shows it.

    Attributes:
        last_candle: open of the last candle taken in, None before the first.
        last_close: its close.
        next_close: the next close at which a candle is to be expected.
        behind: closes that have passed since without their candle, quiet periods included.
        condition: where it stands, in words.
        is_stale: whether the words should worry anyone.
        side: side of the averages, None before there was one.
        averages: None when none are stored.
        counts: the counts.
        notes: what is stored and cannot be used.
        open: signals that have not ended, oldest first.
        paused_until: until when its signals are held, epoch seconds; None when it is not paused.
        closes: those of today; None where nothing is known of them.
    """

    strategy: Strategy
    last_candle: Instant | None
    last_close: Instant | None
    next_close: Instant
    behind: int
    condition: str
    is_stale: bool
    side: Side | None
    averages: Averages | None
    counts: Counts
    notes: tuple[str, ...]
    open: tuple[OpenFigures, ...] = ()
    paused_until: float | None = None
    closes: ScheduledCloses | None = None

    @property
    def last_signal_close(self) -> Instant | None:
        """Close of the last signal's candle, None before the first."""
        opened = self.counts.last_signal_time
        return None if opened is None else self.strategy.granularity.close_of(opened)


def strategy_figures(
    strategy: Strategy,
    loaded: Loaded,
    now: float,
    waiting: str | None = None,
    averages_from: Callable[[Strategy, StrategyState, Instrument], Averages] | None = None,
) -> StrategyFigures:
    """Work out the figures of a strategy.

    Args:
        strategy: its settings.
        loaded: what is stored of it.
        now: epoch seconds.
        waiting: why the daemon says that it waits, None when it says nothing.
        averages_from: what works out the averages; None for ``averages_of``.
    """
    cursor = loaded.cursor
    granularity, hours = strategy.granularity, strategy.market_hours
    newest = hours.last_close(granularity, int(now))
    last_close = None if cursor is None else granularity.close_of(cursor)
    behind = 0
    if cursor is not None and last_close is not None and last_close < newest:
        behind = hours.missing_between(granularity, cursor, newest, _MOST_COUNTED)
    # Counted from the first close that is missing: of five-second candles some have no prices, one after the other.
    missed = newest if last_close is None else min(newest, hours.next_close(granularity, last_close))
    condition, is_stale = _condition(cursor, behind, now - missed, waiting, is_open=hours.is_open(int(now)))
    if not strategy.enabled:
        condition, is_stale = "not enabled", False
    state, instrument = loaded.state, loaded.instrument
    averages = None
    if state is not None and instrument is not None and state.last is not None:
        averages = (averages_from or averages_of)(strategy, state, instrument)
    return StrategyFigures(
        strategy=strategy,
        last_candle=cursor,
        last_close=last_close,
        next_close=hours.next_close(granularity, int(now)),
        behind=behind,
        condition=condition,
        is_stale=is_stale,
        side=None if state is None else state.side,
        averages=averages,
        counts=loaded.counts,
        notes=tuple(loaded.notes),
        open=_open_figures(loaded),
    )


def _open_figures(loaded: Loaded) -> tuple[OpenFigures, ...]:
    signals = () if loaded.book is None else loaded.book.signals
    return tuple(
        OpenFigures(
            one.id,
            one.side,
            one.time,
            Decimal(one.entry).scaleb(-one.decimals),
            Decimal(one.stop).scaleb(-one.decimals),
            Decimal(one.target).scaleb(-one.decimals),
            _running(loaded, one),
            one.candles,
        )
        for one in signals
    )


def _running(loaded: Loaded, one: OpenSignal) -> Decimal | None:
    if loaded.state is None or loaded.state.last is None or loaded.instrument is None:
        return None
    decimals = max(one.decimals, loaded.instrument.decimals)
    close = loaded.state.last.close * 10 ** (decimals - loaded.instrument.decimals)
    return running_r(one.at_decimals(decimals), close)


def _condition(
    cursor: Instant | None, behind: int, since_close: float, waiting: str | None, *, is_open: bool
) -> tuple[str, bool]:
    if waiting:
        return waiting, True
    if cursor is None:
        return "not started yet", False
    if behind == 0:
        return ("up to date" if is_open else "up to date, market closed"), False
    if since_close <= LONGEST_DELAY:
        return "waiting for the candle to complete", False
    candles = "1 candle" if behind == 1 else f"{behind} candles"
    return f"stale: {candles} behind", True


def rejection_words(rejected: Mapping[str, int]) -> str:
    """Say which filters rejected how many crosses."""
    return ", ".join(f"{count} by {name}" for name, count in sorted(rejected.items()) if count)
