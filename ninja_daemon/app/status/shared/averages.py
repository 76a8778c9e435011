"""The averages of a strategy as people see them, and the close that would turn them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from ninja_daemon.core.averages.average import MovingAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import rounded
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy

_FAR: Final = 3
"""Average true ranges beyond which a cross is not expected of the next candle."""


_STEP: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Averages:
    """Both averages after the last candle, in price units.

    Attributes:
        close: the last close.
        fast: the fast average, None while it is not full.
        slow: the same of the slow one.
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
