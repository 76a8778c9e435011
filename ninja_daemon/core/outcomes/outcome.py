"""An outcome (contract 8.3): how one signal ended, exact until the stated rounding."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.rounding import half_even
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy

SCHEMA: Final = 1
R_DIGITS: Final = 4


class Result(StrEnum):
    """How a signal ended."""

    TARGET = "target"
    STOP = "stop"
    REVERSED = "reversed"
    EXPIRED = "expired"


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


class Terms(NamedTuple):
    """What holds for a signal from its listing to its end.

    Attributes:
        exit_on_reverse: a later signal to the other side ends it.
        max_candles: candles after which it ends.
        cost_pips: what a trade costs.
        pip_location: power of ten of a pip when it was listed.
    """

    exit_on_reverse: bool
    max_candles: int
    cost_pips: Decimal
    pip_location: int


class OpenSignal(NamedTuple):
    """A listed signal that has not ended. Prices are integers in units of ``10**-decimals``.

    Attributes:
        id: the signal's.
        time: open of the signal's candle.
        entry: its close.
        decimals: of the prices.
        terms: stored when it was listed.
        candles: how many it has been followed over.
        high: highest price of these candles and the entry.
        low: lowest price likewise.
    """

    id: str
    time: Instant
    side: Side
    entry: int
    stop: int
    target: int
    decimals: int
    terms: Terms
    candles: int
    high: int
    low: int

    def at_decimals(self, decimals: int) -> OpenSignal:
        """Return the same in finer units."""
        factor = 10 ** (decimals - self.decimals)
        if factor == 1:
            return self
        return self._replace(
            entry=self.entry * factor,
            stop=self.stop * factor,
            target=self.target * factor,
            decimals=decimals,
            high=self.high * factor,
            low=self.low * factor,
        )


class Ending(NamedTuple):
    """How a candle ends a signal.

    Attributes:
        exit: price of the end, in the signal's units.
        ambiguous: the candle reached stop and target.
    """

    result: Result
    exit: int
    ambiguous: bool = False


def terms_of(strategy: Strategy, instrument: Instrument, signal: Signal) -> Terms:
    """Return the terms of a signal that is listed now; a spread that is not known costs nothing."""
    cost = signal.spread_pips or Decimal(0) if strategy.cost_is_spread else strategy.cost_pips
    return Terms(strategy.exit_on_reverse, strategy.max_candles, cost, instrument.pip_location)


def opened(signal: Signal, terms: Terms) -> OpenSignal:
    """Begin to follow a listed signal."""
    decimals = max(
        0, *(-int(price.as_tuple().exponent) for price in (signal.close, signal.stop_loss, signal.take_profit))
    )
    entry, stop, target = (int(one.scaleb(decimals)) for one in (signal.close, signal.stop_loss, signal.take_profit))
    return OpenSignal(
        id=signal.id,
        time=signal.time,
        side=signal.side,
        entry=entry,
        stop=stop,
        target=target,
        decimals=decimals,
        terms=terms,
        candles=0,
        high=entry,
        low=entry,
    )


def ending_of(one: OpenSignal, candle: Candle, *, is_reverse: bool) -> Ending | None:
    """Tell how the next candle ends a signal (contract 8.1, in its order); None when it does not.

    Args:
        one: the signal, in units of the candle.
        candle: the next one.
        is_reverse: a signal to the other side was listed at this candle.
    """
    # A sell is a buy in a mirror.
    side = one.side
    first, stop, target = side * candle.open, side * one.stop, side * one.target
    best, worst = (candle.high, candle.low) if side is Side.BUY else (-candle.low, -candle.high)
    if first <= stop:
        return Ending(Result.STOP, candle.open)
    if first >= target:
        return Ending(Result.TARGET, one.target)
    if worst <= stop:
        return Ending(Result.STOP, one.stop, ambiguous=best >= target)
    if best >= target:
        return Ending(Result.TARGET, one.target)
    if is_reverse and one.terms.exit_on_reverse:
        return Ending(Result.REVERSED, candle.close)
    if one.candles + 1 >= one.terms.max_candles:
        return Ending(Result.EXPIRED, candle.close)
    return None


def outcome_of(strategy: Strategy, one: OpenSignal, candle: Candle, ending: Ending) -> Outcome:
    """Compute the outcome of a signal that ``candle`` ends, exactly until the stated rounding (contract 8.2)."""
    side, decimals = one.side, one.decimals
    pip_digits = decimals + one.terms.pip_location
    gain, risk = side * (ending.exit - one.entry), side * (one.entry - one.stop)
    # Of the exit's candle it is not known what came first, so only its open and the exit count.
    moves = [side * (price - one.entry) for price in (one.high, one.low, candle.open, ending.exit)]
    cost = Fraction(one.terms.cost_pips) * Fraction(10) ** pip_digits
    close_of = strategy.granularity.close_of
    return Outcome(
        id=one.id,
        strategy=strategy.name,
        instrument=strategy.instrument,
        timeframe=strategy.granularity.name,
        side=side,
        time=one.time,
        close_time=close_of(one.time),
        entry=_decimal(one.entry, decimals),
        stop_loss=_decimal(one.stop, decimals),
        take_profit=_decimal(one.target, decimals),
        result=ending.result,
        exit=_decimal(ending.exit, decimals),
        exit_time=close_of(candle.time),
        candles=one.candles + 1,
        r=_multiple(gain, risk),
        net_r=_decimal(round((gain - cost) / risk * 10**R_DIGITS), R_DIGITS),
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
