"""Signals of many turns at once, a column at a time: what ``signal.signal_of`` makes of each, for replays.

Roundings are made in 64 bit integers, half-even like all; numbers that may not fit go the general way. Decimals are
made of the same integers by the same powers of ten, ids of the same text.
"""

from __future__ import annotations

import gc
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Context, Decimal
from functools import partial
from hashlib import sha256
from itertools import repeat
from typing import Final

import numpy as np

from ninja_daemon.core.filters.filter import Moment
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import Integers
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.rounding import EXTRA, EXTRA_DIGITS
from ninja_daemon.core.signals.crossover import SIDES
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, id_prefix, reward_to_risk, signal_of
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.turns import Turns

_ROOM: Final = 2**62
_DIGITS: Final = Context(prec=40)
"""Wide enough that no integer of 64 bits is rounded."""
_made: Final = partial(tuple.__new__, Signal)
"""Makes a signal of its fields; calling the class by name takes twice as long."""


def signals_of(rules: Rules, turns: Turns) -> list[Signal]:
    """Compute the signals of turns that no filter rejected, each found when its candle closed."""
    if not len(turns):
        return []
    if not _fits(rules, turns):
        close_of = rules.strategy.granularity.close_of
        return [signal_of(rules, cross, close_of(cross.candle.time)) for cross in _crosses(rules, turns)]
    strategy = rules.strategy
    ends = _closes_of(strategy.granularity, turns.times).tolist()
    columns = (
        _ids(id_prefix(strategy), turns),
        repeat(strategy.name),
        repeat(strategy.instrument),
        repeat(strategy.granularity.name),
        turns.times.tolist(),
        ends,
        map(SIDES.__getitem__, turns.is_buy.tolist()),
        *_prices(rules, turns),
        repeat(reward_to_risk(strategy)),
        repeat(False),  # noqa: FBT003 - late: none is, found at its close
        ends,
        repeat(None),
        map(rules.quiet.calendar.is_old, ends),
    )
    with _uncollected():
        return list(map(_made, zip(*columns, strict=False)))  # those that repeat have no end


@contextmanager
def _uncollected() -> Iterator[None]:
    """Make many records without the garbage collector, which would scan all of them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _prices(rules: Rules, turns: Turns) -> Iterator[Iterator[Decimal]]:
    """Go through the columns from ``close`` to ``tp_pips``, in the order of ``Signal``."""
    strategy, decimals, pip_digits = rules.strategy, rules.instrument.decimals, rules.instrument.pip_digits
    closes, totals = turns.closes, turns.range_totals
    signed = np.where(turns.is_buy, totals, -totals)
    stops, targets = levels_away(closes, -signed, rules.stop_ratio), levels_away(closes, signed, rules.target_ratio)
    yield _decimals(closes, decimals)
    yield _decimals(half_even_column(turns.fast * EXTRA, strategy.fast_ma), decimals + EXTRA_DIGITS)
    yield _decimals(half_even_column(turns.slow * EXTRA, strategy.slow_ma), decimals + EXTRA_DIGITS)
    yield _few_decimals(half_even_column(totals * EXTRA, strategy.atr_period), decimals + EXTRA_DIGITS)
    yield _decimals(stops, decimals)
    yield _decimals(targets, decimals)
    yield _few_decimals(np.abs(closes - stops), pip_digits)
    yield _few_decimals(np.abs(closes - targets), pip_digits)


def _fits(rules: Rules, turns: Turns) -> bool:
    """Tell whether no integer on the way can be larger than 64 bits hold."""
    sums = max(int(np.abs(turns.fast).max()), int(np.abs(turns.slow).max()), int(turns.range_totals.max()))
    close, total = int(np.abs(turns.closes).max()), int(turns.range_totals.max())
    levels = [close * whole + total * part for part, whole in (rules.stop_ratio, rules.target_ratio)]
    return max(sums * EXTRA, *levels) < _ROOM


def _crosses(rules: Rules, turns: Turns) -> Iterator[Cross]:
    """Go through the turns as crosses that have been judged: what a signal needs of them, and no more."""
    strategy = rules.strategy
    columns = (turns.is_buy, turns.times, turns.closes, turns.fast, turns.slow, turns.ranges_held, turns.range_totals)
    for is_buy, time, close, fast, slow, held, total in zip(*(column.tolist() for column in columns), strict=True):
        side, values = SIDES[is_buy], ((fast, strategy.fast_ma), (slow, strategy.slow_ma))
        moment = Moment(side, time, close, *values, held, total, *values)
        yield Cross(side, Candle(time, close, close, close, close), moment, None)


def half_even_column(numerators: Integers, denominator: int) -> Integers:
    """Divide, and round to the nearest integer, ties to the even one."""
    quotients, rests = np.divmod(numerators, denominator)
    rests += rests
    quotients += (rests > denominator) | ((rests == denominator) & (quotients & 1 == 1))
    return quotients


def levels_away(closes: Integers, totals: Integers, ratio: tuple[int, int]) -> Integers:
    """Return close + total × ratio of each, rounded half-even, as ``rounding.away`` does."""
    numerator, denominator = ratio
    levels: Integers = closes * denominator + totals * numerator
    return half_even_column(levels, denominator)


def _closes_of(granularity: Granularity, times: Integers) -> Integers:
    """Return the close of each candle; above an hour the length of a candle changes with the clocks of New York."""
    if granularity.seconds <= Granularity.H1.seconds:
        closes: Integers = times - times % granularity.seconds + granularity.seconds
        return closes
    return np.array([granularity.close_of(time) for time in times.tolist()], dtype=np.int64)


def _decimals(units: Integers, digits: int) -> Iterator[Decimal]:
    return map(_DIGITS.multiply, units.tolist(), repeat(Decimal(1).scaleb(-digits)))


def _few_decimals(units: Integers, digits: int) -> Iterator[Decimal]:
    """Make each number once that occurs often."""
    distinct, places = np.unique(units, return_inverse=True)
    return map(list(_decimals(distinct, digits)).__getitem__, places.tolist())


def _ids(prefix: str, turns: Turns) -> Sequence[str]:
    """Hash the same texts as ``signal.signal_id``, from what they have in common on."""
    begin = sha256(prefix.encode()).copy
    texts = turns.times.astype("datetime64[s]").astype("S19").tolist()
    endings = map((b"Z|SELL", b"Z|BUY").__getitem__, turns.is_buy.tolist())
    ids = []
    for rest in map(operator.add, texts, endings):
        begun = begin()
        begun.update(rest)
        ids.append(begun.hexdigest()[:32])
    return ids
