"""How many signals end, a column at a time: contract 8.1 as ``open_signal.ending_of`` and ``outcome_of`` have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ninja_daemon.core.market.candle_columns import Booleans, CandleColumns, Integers
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import R_DIGITS
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.running_sums import ROOM
from ninja_daemon.core.signals.signal_columns import half_even_column, levels_away

RESULTS: Final = tuple(Result)
TARGET, STOP, REVERSED, EXPIRED = (RESULTS.index(each) for each in Result)
UNIT: Final = 10**R_DIGITS
_LOOK: Final = 32
"""Candles that are searched at once for the ends of signals."""


@dataclass(frozen=True, slots=True)
class ListedSignals:
    """Signals as they are listed, one entry each; prices are integers of the instrument's decimals.

    Attributes:
        rows: the signals' candles.
        signs: 1 for BUY, -1 for SELL.
        entries: closes of these candles.
        stops: prices.
        targets: prices.
    """

    rows: Integers
    signs: Integers
    entries: Integers
    stops: Integers
    targets: Integers

    @classmethod
    def of(
        cls, rules: Rules, candles: CandleColumns, rows: Integers, signs: Integers, totals: Integers
    ) -> ListedSignals:
        """Work out stops and targets.

        Args:
            rules: the strategy and its instrument.
            candles: the history.
            rows: the signals' candles.
            signs: 1 for BUY, -1 for SELL.
            totals: sums of the true ranges after these candles.
        """
        entries, signed = candles.close[rows], signs * totals
        stops = levels_away(entries, -signed, rules.stop_ratio)
        return cls(rows, signs, entries, stops, levels_away(entries, signed, rules.target_ratio))

    def at(self, places: Integers | slice) -> ListedSignals:
        """Return some of them."""
        return ListedSignals(*(getattr(self, one.name)[places] for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Ended:
    """How signals end, one entry each.

    Attributes:
        ends: the candles that end them; the number of candles for those that stay open.
        results: places in ``RESULTS``.
        ambiguous: whether the candle reached stop and target.
        r: R in units of its last digit; of no meaning for those that stay open, as the rest.
        net_r: the same after costs.
    """

    ends: Integers
    results: Integers
    ambiguous: Booleans
    r: Integers
    net_r: Integers

    @classmethod
    def joined(cls, parts: Sequence[Ended]) -> Ended:
        """Return the entries of several, one behind the other."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def at(self, places: Integers) -> Ended:
        """Return some of them."""
        return Ended(*(getattr(self, one.name)[places] for one in fields(self)))


@dataclass(frozen=True, slots=True)
class SweepEndings:
    """Ends signals of one strategy over one history."""

    rules: Rules
    candles: CandleColumns

    def fits(self, totals: Integers) -> bool:
        """Tell whether no integer on the way can be larger than 64 bits hold."""
        highest, total = int(self.candles.high.max()), int(totals.max()) if len(totals) else 0
        levels = [highest * whole + total * part for part, whole in (self.rules.stop_ratio, self.rules.target_ratio)]
        cost = self._cost()
        return max(*levels, 2 * UNIT * (max(levels) * cost.denominator + abs(cost.numerator))) < ROOM

    def of(self, begun: ListedSignals) -> Ended:
        """Follow signals to stop, target or their greatest age."""
        candles, count = self.candles, len(self.candles)
        oldest = begun.rows + self.rules.strategy.max_candles
        ends = _first_reached(candles, begun, np.minimum(oldest, count - 1))
        is_reached = ends < count
        ends = np.where(is_reached, ends, np.minimum(oldest, count))
        at = np.minimum(ends, count - 1)
        exits, results, ambiguous = _exits(candles, begun, at)
        exits = np.where(is_reached, exits, candles.close[at])
        results = np.where(is_reached, results, EXPIRED)
        return Ended(ends, results, ambiguous & is_reached, *self._multiples(begun, exits))

    def reversed(self, begun: ListedSignals, ended: Ended, reverses: Integers) -> Ended:
        """End those earlier that a signal to the other side ends.

        Args:
            begun: the signals.
            ended: how they end without that.
            reverses: candle of the next signal to the other side; the number of candles where there is none.
        """
        # A level goes before it, and it before the age (contract 8.1).
        is_before = (reverses < ended.ends) | ((reverses == ended.ends) & (ended.results == EXPIRED))
        is_before &= reverses < len(self.candles)
        closes = self.candles.close[np.minimum(reverses, len(self.candles) - 1)]
        r, net_r = self._multiples(begun, closes)
        return Ended(
            np.where(is_before, reverses, ended.ends),
            np.where(is_before, REVERSED, ended.results),
            ended.ambiguous & ~is_before,
            np.where(is_before, r, ended.r),
            np.where(is_before, net_r, ended.net_r),
        )

    def _cost(self) -> Fraction:
        """Return what a trade costs in price units."""
        return Fraction(self.rules.strategy.cost_pips) * Fraction(10) ** self.rules.instrument.pip_digits

    def _multiples(self, begun: ListedSignals, exits: Integers) -> tuple[Integers, Integers]:
        """Return R before and after costs, exact until the stated rounding (contract 8.2)."""
        gains, risks = begun.signs * (exits - begun.entries), begun.signs * (begun.entries - begun.stops)
        r, cost = half_even_column(gains * UNIT, risks), self._cost()
        if not cost:
            return r, r
        return r, half_even_column((gains * cost.denominator - cost.numerator) * UNIT, risks * cost.denominator)


def _exits(candles: CandleColumns, begun: ListedSignals, at: Integers) -> tuple[Integers, Integers, Booleans]:
    """Return price and result of ends at stop or target, and whether the candle reached both."""
    signs = begun.signs
    # A sell is a buy in a mirror.
    first, stop, target = signs * candles.open[at], signs * begun.stops, signs * begun.targets
    is_buy, low, high = signs > 0, candles.low[at], candles.high[at]
    best, worst = np.where(is_buy, high, -low), np.where(is_buy, low, -high)
    is_gap, is_gain = first <= stop, first >= target
    is_stop = is_gap | (~is_gain & (worst <= stop))
    exits = np.where(is_gap, candles.open[at], np.where(is_stop, begun.stops, begun.targets))
    return exits, np.where(is_stop, STOP, TARGET), is_stop & ~is_gap & (best >= target)


def _first_reached(candles: CandleColumns, begun: ListedSignals, last: Integers) -> Integers:
    """Return the first candle after each signal's that reaches a level; the number of candles when none to ``last``."""
    count, none = len(candles), np.iinfo(np.int64)
    lows = sliding_window_view(np.append(candles.low, np.full(_LOOK, none.max)), _LOOK)
    highs = sliding_window_view(np.append(candles.high, np.full(_LOOK, none.min)), _LOOK)
    is_buy = begun.signs > 0
    lower, upper = np.where(is_buy, begun.stops, begun.targets), np.where(is_buy, begun.targets, begun.stops)
    ends = np.full(len(begun.rows), count, dtype=np.int64)
    left, starts = np.arange(len(begun.rows)), begun.rows + 1
    while len(left):
        reached = (lows[starts] <= lower[left, None]) | (highs[starts] >= upper[left, None])
        found = reached.any(axis=1)
        places = starts[found] + reached[found].argmax(axis=1)
        mine = left[found]
        ends[mine] = np.where(places <= last[mine], places, count)
        left, starts = left[~found], starts[~found] + _LOOK
        is_going = starts <= last[left]
        left, starts = left[is_going], starts[is_going]
    return ends
