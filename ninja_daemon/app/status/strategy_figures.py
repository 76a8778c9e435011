"""What ``status`` says of a strategy, worked out from its stored state and the clock alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from ninja_daemon.core.averages.average import MovingAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.completion_delays import LONGEST_DELAY
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.outcomes.outcome import running_r
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import rounded
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts, Loaded

_MOST_COUNTED: Final = 10_000
_FAR: Final = 3
"""Average true ranges beyond which a cross is not expected of the next candle."""
_STEP: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Averages:
    """Both averages after the last candle, in price units.

    Attributes:
        close: the last close.
        fast: the fast average, None while it is not full.
        slow: likewise.
        atr: the average true range, None while it is not full.
        gap_pips: fast − slow in pips.
        cross_price: the close at which the next candle would turn the side; None when no positive price would.
        cross_pips: how far it is from the last close, in pips; negative when it lies below.
        cross_is_far: whether that is more than three average true ranges away, which no ordinary candle goes.
        cross_above: whether the side turns above that close (True) or below it (False).
        warm: candles taken in of those that the strategy needs, at most that many.
    """

    close: Decimal
    fast: Decimal | None
    slow: Decimal | None
    atr: Decimal | None
    gap_pips: Decimal | None
    cross_price: Decimal | None
    cross_pips: Decimal | None
    cross_is_far: bool
    cross_above: bool
    warm: int


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
        tally: the counts.
        notes: what is stored and cannot be used.
        open: signals that have not ended, oldest first.
        paused_until: until when nobody hears of its signals, epoch seconds; None when it is not paused.
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
    tally: Counts
    notes: tuple[str, ...]
    open: tuple[OpenFigures, ...] = ()
    paused_until: float | None = None

    @property
    def last_signal_close(self) -> Instant | None:
        """Close of the last signal's candle, None before the first."""
        opened = self.tally.last_signal_time
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
    condition, is_stale = _condition(cursor, behind, now - newest, waiting, is_open=hours.is_open(int(now)))
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
        tally=loaded.tally,
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
    if behind == 1 and since_close <= LONGEST_DELAY:
        return "waiting for the candle to complete", False
    candles = "1 candle" if behind == 1 else f"{behind} candles"
    return f"stale: {candles} behind", True


def averages_of(strategy: Strategy, state: StrategyState, instrument: Instrument) -> Averages:
    """Work out the averages of a state that has taken in a candle."""
    assert state.last is not None  # noqa: S101 - the caller's promise
    close = state.last.close
    unit = Decimal(1).scaleb(-instrument.decimals)
    parts = strategy.source.parts
    fast, slow = _value(state.fast, parts), _value(state.slow, parts)
    full_range = len(state.ranges) == strategy.atr_period
    cross = None if fast is None or slow is None else cross_price(state, parts)
    return Averages(
        close=close * unit,
        fast=None if fast is None else rounded(fast, instrument.decimals),
        slow=None if slow is None else rounded(slow, instrument.decimals),
        atr=rounded(Fraction(state.range_total, strategy.range_whole), instrument.decimals) if full_range else None,
        gap_pips=None if fast is None or slow is None else _pips(fast - slow, instrument),
        cross_price=None if cross is None else cross * unit,
        cross_pips=None if cross is None else _pips(Fraction(cross - close), instrument),
        cross_is_far=cross is not None and _is_far(cross - close, state, strategy),
        cross_above=_crosses_above(state, parts),
        warm=min(state.seen, strategy.warm_up),
    )


def cross_price(state: StrategyState, parts: int = 1) -> int | None:
    """Return the close, in price units, beyond which the next candle turns the side; None when no price does.

    After the next candle the difference of the averages is a straight line over that candle's close (every kind of
    average is linear in the newest close), so that two tries give the line. Exact for simple averages. Where
    averages are made of several prices (``parts``), these are all taken to be that close.
    """
    slope = _slope(state, parts)
    if state.last is None or state.side is None or slope == 0:
        return None
    here = state.last.close
    price = round(here - _difference(state, here, parts) / slope)
    return price if price > 0 else None


def _is_far(units: int, state: StrategyState, strategy: Strategy) -> bool:
    is_full = len(state.ranges) == strategy.atr_period
    return is_full and abs(units) * strategy.range_whole > _FAR * state.range_total


def _crosses_above(state: StrategyState, parts: int) -> bool:
    return (_slope(state, parts) > 0) == (state.side is Side.SELL)


def _slope(state: StrategyState, parts: int) -> Fraction:
    """Return by how much the next difference of the averages grows with each unit of the next close."""
    here = 0 if state.last is None else state.last.close
    return (_difference(state, here + _STEP, parts) - _difference(state, here, parts)) / _STEP


def _difference(state: StrategyState, close: int, parts: int) -> Fraction:
    closes: Window = state.closes.pushed(close * parts)
    fast, slow = _value(state.fast.updated(closes), parts), _value(state.slow.updated(closes), parts)
    return Fraction(0) if fast is None or slow is None else fast - slow


def _value(average: MovingAverage, parts: int) -> Fraction | None:
    ratio = average.ratio
    return None if ratio is None else Fraction(*ratio) / parts


def _pips(units: Fraction, instrument: Instrument) -> Decimal:
    """Turn price units into pips with one digit, rounded half-even."""
    tenths = round(units * 10 / 10**instrument.pip_digits)
    return Decimal(tenths).scaleb(-1)


def rejection_words(rejected: Mapping[str, int]) -> str:
    """Say which filters rejected how many crosses."""
    return ", ".join(f"{count} by {name}" for name, count in sorted(rejected.items()) if count)
