"""The cells of a grid of simple averages, with the work shared that pairs have in common.

Stop, target and end of a signal depend on its candle and its side alone, whichever pair found it, because the average
true range is the same for all pairs. So the signals of all pairs are judged and ended once; a pair adds up its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.filters import pips
from ninja_daemon.core.market.candle_columns import Booleans, CandleColumns, Integers
from ninja_daemon.core.outcomes.following import MOST_OPEN
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.true_ranges import TrueRanges, true_ranges
from ninja_daemon.core.signals.turns import Turns, news_times, rejections, trend_signs
from ninja_daemon.core.sweeps.cell import Cell, cell_of_columns
from ninja_daemon.core.sweeps.crossing import Mapped, Pair, fits, turns_of
from ninja_daemon.core.sweeps.endings import Ended, ListedSignals, SweepEndings

_OF_AVERAGES: Final = frozenset({pips.MIN_GAP.name, pips.MIN_SLOPE.name})
"""Filters that look at the averages, so that they judge each pair by itself."""
_AT_ONCE: Final = 65_536
"""Signals that are ended at once."""


def cells_at_once(
    rules: Rules, candles: CandleColumns, pairs: Sequence[Pair], first: int, mapped: Mapped
) -> list[Cell | None] | None:
    """Return the cells of pairs.

    Args:
        rules: the strategy, with any periods, bound to its instrument.
        candles: the history, from the first candle of all.
        pairs: the periods.
        first: the candle from which on signals count.
        mapped: goes over parts of the work, on several cores where that pays.

    Returns:
        One a pair, None where only its own replay tells; None for all where that holds for each: other averages,
        filters that look at them or are asked cross by cross, too large numbers.
    """
    if not _shares(rules) or not len(candles) or not fits(candles.close, pairs):
        return None
    ranges, ending = true_ranges(rules, rules.empty_state(), candles), SweepEndings(rules, candles)
    if ranges.totals.dtype == object or not ending.fits(ranges.totals):
        return None
    turns = turns_of(candles.close, pairs, mapped)
    common = _Common.of(turns, len(candles), 2 * first)
    is_signal, begun = _judged(rules, candles, common.keys, ranges)
    common = common.only(is_signal)
    ended = _ended(ending, begun, mapped)
    return [_cell(ending, pair, begun, ended, common.places(mine)) for pair, mine in zip(pairs, turns, strict=True)]


def _shares(rules: Rules) -> bool:
    """Tell whether averages and filters are such that pairs share their work."""
    kinds = {kind for kind, _ in rules.strategy.averages}
    return kinds == {SimpleMovingAverage} and rules.is_plain and not _OF_AVERAGES & dict(rules.strategy.filters).keys()


@dataclass(frozen=True, slots=True)
class _Common:
    """What the turns of all pairs have in common.

    Attributes:
        keys: each turn that counts once: its candle times two, plus one for BUY; oldest first.
        place_of: place of a turn among them, by its key; -1 for one that does not count.
    """

    keys: Integers
    place_of: Integers

    @classmethod
    def of(cls, turns: Sequence[Integers], count: int, first: int) -> _Common:
        """Find them among those of pairs over ``count`` candles, from the key ``first`` on."""
        is_one = np.zeros(2 * count, dtype=np.bool_)
        for each in turns:
            is_one[each] = True
        is_one[:first] = False
        return cls._at(np.flatnonzero(is_one), 2 * count)

    @classmethod
    def _at(cls, keys: Integers, size: int) -> _Common:
        place_of = np.full(size, -1, dtype=np.int64)
        place_of[keys] = np.arange(len(keys))
        return cls(keys, place_of)

    def only(self, wanted: Booleans) -> _Common:
        """Return some of them."""
        return self._at(self.keys[wanted], len(self.place_of))

    def places(self, turns: Integers) -> Integers:
        """Return the places of those of one pair that count, oldest first."""
        places = self.place_of[turns]
        mine: Integers = places[places >= 0]
        return mine


def _judged(rules: Rules, candles: CandleColumns, keys: Integers, ranges: TrueRanges) -> tuple[Booleans, ListedSignals]:
    """Tell which turns are signals, and return these; filters that look at the averages are not among the judges."""
    rows, is_buy = keys >> 1, (keys & 1).astype(np.bool_)
    times, closes, totals = candles.time[rows], candles.close[rows], ranges.totals[rows]
    unknown, beside = np.zeros(len(rows), dtype=np.int64), (trend_signs(rules, times, closes), news_times(rules, times))
    turns = Turns(is_buy, times, closes, unknown, unknown, ranges.held[rows], totals, unknown, *beside)
    is_signal = rejections(rules, turns)[1]
    return is_signal, ListedSignals.of(rules, candles, rows, np.where(is_buy, 1, -1), totals).at(is_signal)


def _ended(ending: SweepEndings, begun: ListedSignals, mapped: Mapped) -> Ended:
    parts = [slice(start, start + _AT_ONCE) for start in range(0, max(1, len(begun.rows)), _AT_ONCE)]
    made = list(mapped(lambda part: ending.of(begun.at(part)), parts))
    return made[0] if len(made) == 1 else Ended.joined(made)


def _cell(ending: SweepEndings, pair: Pair, begun: ListedSignals, ended: Ended, places: Integers) -> Cell | None:
    mine, count, strategy = ended.at(places), len(ending.candles), ending.rules.strategy
    rows = begun.rows[places]
    if strategy.exit_on_reverse:
        own = begun.at(places)
        mine = ending.reversed(own, mine, _next_to_the_other_side(rows, own.signs, count))
    running = np.arange(len(rows)) - np.searchsorted(np.sort(mine.ends), rows, side="right")
    if len(rows) and int(running.max()) >= MOST_OPEN:
        return None
    keys = 2 * ending.candles.time[rows] + (begun.signs[places] > 0)
    return cell_of_columns(pair, keys, mine, count)


def _next_to_the_other_side(rows: Integers, signs: Integers, none: int) -> Integers:
    """Return the candle of the next signal to the other side after each; ``none`` where there is none."""
    changes = np.flatnonzero(signs[1:] != signs[:-1]) + 1
    next_change = np.searchsorted(changes, np.arange(len(rows)), side="right")
    found: Integers = np.append(rows[changes], none)[next_change]
    return found
