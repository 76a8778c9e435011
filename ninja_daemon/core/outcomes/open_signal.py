"""A signal that is followed until it is closed, and the candle that ends it (contract 8.1)."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy


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
        low: lowest price since then.
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


class Result(StrEnum):
    """How a signal ended."""

    TARGET = "target"
    STOP = "stop"
    REVERSED = "reversed"
    EXPIRED = "expired"
