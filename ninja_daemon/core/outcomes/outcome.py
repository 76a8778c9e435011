"""An outcome (contract 8.3): how one signal ended, exact until the stated rounding."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.open_signal import Ending, OpenSignal, Result
from ninja_daemon.core.rounding import half_even
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy

SCHEMA: Final = 1
R_DIGITS: Final = 4


class Outcome(NamedTuple):
    """One closed signal, ready to be listed. Prices are decimals in price units.

    Attributes:
        id: the signal's.
        time: open of the signal's candle.
        close_time: its close.
        entry: the signal's close.
        exit: the price at which it ended.
        exit_time: close of the candle in which it ended.
        candles: from the one after the signal's through the exit's.
        r: profit in multiples of the risk, the distance from entry to stop; four decimals.
        net_r: the same after ``cost_pips``.
        pips: profit in pips, positive when in favour.
        mfe_r: best excursion in R, not below 0.
        mae_r: worst excursion in R, not above 0.
        ambiguous: stop and target lay within one candle, so that the stop was assumed.
    """

    id: str
    strategy: str
    instrument: str
    timeframe: str
    side: Side
    time: Instant
    close_time: Instant
    entry: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    result: Result
    exit: Decimal
    exit_time: Instant
    candles: int
    r: Decimal
    net_r: Decimal
    pips: Decimal
    mfe_r: Decimal
    mae_r: Decimal
    ambiguous: bool


def outcome_of(strategy: Strategy, one: OpenSignal, candle: Candle, ending: Ending) -> Outcome:
    """Compute the outcome of a signal that ``candle`` ends, exactly until the stated rounding (contract 8.2)."""
    side, decimals = one.side, one.decimals
    pip_digits = decimals + one.terms.pip_location
    gain, risk = side * (ending.exit - one.entry), side * (one.entry - one.stop)
    # Of the exit's candle it is not known what came first, so only its open and the exit count.
    moves = [side * (price - one.entry) for price in (one.high, one.low, candle.open, ending.exit)]
    net_gain = gain - Fraction(one.terms.cost_pips) * Fraction(10) ** pip_digits
    return Outcome(
        id=one.id,
        strategy=strategy.name,
        instrument=strategy.instrument,
        timeframe=strategy.granularity.name,
        side=side,
        time=one.time,
        close_time=strategy.granularity.close_of(one.time),
        entry=_decimal(one.entry, decimals),
        stop_loss=_decimal(one.stop, decimals),
        take_profit=_decimal(one.target, decimals),
        result=ending.result,
        exit=_decimal(ending.exit, decimals),
        exit_time=strategy.granularity.close_of(candle.time),
        candles=one.candles + 1,
        r=_multiple(gain, risk),
        net_r=_decimal(round(net_gain / risk * 10**R_DIGITS), R_DIGITS),
        pips=_decimal(gain, pip_digits),
        mfe_r=_multiple(max(0, *moves), risk),
        mae_r=_multiple(min(0, *moves), risk),
        ambiguous=ending.ambiguous,
    )


def running_r(one: OpenSignal, price: int) -> Decimal:
    """Return what an open signal stands at, in R; the price is in the signal's units."""
    return _multiple(one.side * (price - one.entry), one.side * (one.entry - one.stop))


def _multiple(distance: int, risk: int) -> Decimal:
    return _decimal(half_even(distance * 10**R_DIGITS, risk), R_DIGITS)


def _decimal(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals)
