"""Candle after candle through a strategy's rules; simple averages take a fraction of the time of a state a candle.

``Rules.advance`` is what the rules mean; this agrees with it on every candle and every field (decision 54).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from math import gcd
from typing import Final, cast

from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.candle import Candle, true_range
from ninja_daemon.core.signals.crossover import SIDES, Side, side_of
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross, StrategyState

_SPAN: Final = 4_096
"""Candles after which closes that no average needs are dropped."""

_WORTH_IT: Final = 8
"""A stepper is quicker from this many candles on, making it and its state included; with 1,000 closes from about 16."""

_Answer = Cross | StrategyState | None
_Steps = Generator[_Answer, Candle | None, None]
"""Is sent a candle and answers with its cross, or is sent nothing and answers with the state."""


class Stepper:
    """A strategy that takes one candle at a time and makes its state on demand.

    Attributes:
        step: takes in the next candle, newer than the one before; returns the turn of the side, if it is one.
    """

    __slots__ = ("_steps", "step")

    def __init__(self, rules: Rules, state: StrategyState) -> None:
        """Go on from a state, which stays what it is."""
        self._steps = _steps(rules, state)
        next(self._steps)
        # A generator's own method: it keeps everything in local variables between two candles.
        self.step = cast("Callable[[Candle], Cross | None]", self._steps.send)

    @property
    def state(self) -> StrategyState:
        """What the strategy remembers after the newest candle."""
        return cast("StrategyState", self._steps.send(None))


def advance_all(rules: Rules, state: StrategyState, candles: Sequence[Candle]) -> tuple[StrategyState, Sequence[Cross]]:
    """Take in candles, oldest first and all newer than the state's; return the state after them, and their crosses."""
    if len(candles) >= _WORTH_IT:
        stepper = Stepper(rules, state)
        found = [cross for cross in map(stepper.step, candles) if cross is not None]
        return stepper.state, found
    crosses = []
    for candle in candles:
        state, cross = rules.advance(state, candle)
        if cross is not None:
            crosses.append(cross)
    return state, crosses


def state_after(rules: Rules, candles: Sequence[Candle]) -> StrategyState | None:
    """Return the state after these candles and none before them, as ``Rules.advance`` makes it, at one go.

    Thousands of strategies of one series begin with the same history, and only sums of its end differ.

    None where the way there matters: other than simple averages, filters that ask cross by cross, a history that does
    not fill everything, or a tie at its end, whose side lies further back.
    """
    strategy, count = rules.strategy, len(candles)
    (fast_kind, fast_period), (slow_kind, slow_period) = strategy.averages
    are_simple = fast_kind is slow_kind is SimpleMovingAverage
    if not (rules.is_plain and are_simple) or count < max(strategy.warm_up, strategy.closes_held):
        return None
    closes = [candle.close for candle in candles[-strategy.closes_held :]]
    fast = SimpleMovingAverage(fast_period, fast_period, sum(closes[-fast_period:]))
    slow = SimpleMovingAverage(slow_period, slow_period, sum(closes[-slow_period:]))
    side = side_of(fast, slow)
    if side is None:
        return None
    newest = candles[-strategy.atr_period - 1 :]
    ranges = [true_range(candle, before.close) for before, candle in pairwise(newest)]
    size = strategy.atr_period
    held, window = Window(strategy.closes_held, closes), Window(size, ranges)
    return StrategyState(candles[-1], count, held, window, sum(ranges), fast, slow, side)


def _steps(rules: Rules, state: StrategyState) -> _Steps:
    """Take candles in as ``Rules.advance`` does, until everything is full and nothing but sums is left to be kept."""
    answer: _Answer = None
    while not rules.is_plain or not _is_steady(state):
        candle = yield answer
        if candle is None:
            answer = state
        else:
            state, answer = rules.advance(state, candle)
    newest = state.last
    assert newest is not None  # noqa: S101 - a full state has seen candles
    yield from _steady_steps(rules, state, newest, answer)


def _is_steady(state: StrategyState) -> bool:
    """Tell whether two simple averages and the average true range are full and the side is known."""
    fast, slow, ranges = state.fast, state.slow, state.ranges
    if not isinstance(fast, SimpleMovingAverage) or not isinstance(slow, SimpleMovingAverage):
        return False
    are_full = fast.filled == fast.period and slow.filled == slow.period and len(ranges) == ranges.size
    return are_full and state.side is not None


class _Sums:
    """What the two averages and the average true range are made of, once everything is full.

    Attributes:
        closes: the newest closes, at least as many as the slower average reaches back.
        ranges: the newest true ranges, at least as many as the average true range has.
        seen: candles taken in before the last call of ``shorten``.
    """

    __slots__ = ("_atr_period", "_fast", "_size", "_slow", "closes", "ranges", "seen")

    def __init__(self, state: StrategyState) -> None:
        """Take the numbers out of a state."""
        self._fast, self._slow = state.fast.period, state.slow.period
        self._size, self._atr_period = state.closes.size, state.ranges.size
        self.closes, self.ranges, self.seen = list(state.closes), list(state.ranges), state.seen

    def shorten(self) -> None:
        """Drop what no average needs, once in ``_SPAN`` candles."""
        del self.closes[: -self._size], self.ranges[: -self._atr_period]
        self.seen += _SPAN

    def state(self, newest: Candle, new: int, side: Side) -> StrategyState:
        """Make the state; ``new`` candles came since the last call of ``shorten``."""
        ranges = self.ranges[-self._atr_period :]
        return StrategyState(
            newest,
            self.seen + new,
            Window(self._size, self.closes[-self._size :]),
            Window(self._atr_period, ranges),
            sum(ranges),
            SimpleMovingAverage(self._fast, self._fast, sum(self.closes[-self._fast :])),
            SimpleMovingAverage(self._slow, self._slow, sum(self.closes[-self._slow :])),
            side,
        )

    def cross(self, rules: Rules, newest: Candle, side: Side) -> Cross:
        """Judge a turn of the side at the newest candle."""
        closes, fast, slow = self.closes, self._fast, self._slow
        quick, lazy, added = sum(closes[-fast:]), sum(closes[-slow:]), closes[-1]
        before = (quick - added + closes[-fast - 1], fast), (lazy - added + closes[-slow - 1], slow)
        total = sum(self.ranges[-self._atr_period :])
        return rules.cross(side, newest, ((quick, fast), (lazy, slow), self._atr_period, total, *before, None))


def _steady_steps(rules: Rules, state: StrategyState, newest: Candle, answer: _Answer) -> _Steps:
    """Keep fast − slow over the product of the periods, an integer; everything else when it is asked for."""
    fast, slow = state.fast.period, state.slow.period
    shared = gcd(fast, slow)
    by_fast, by_slow = slow // shared, fast // shared
    by_both = by_fast - by_slow
    sums = _Sums(state)
    closes, ranges = sums.closes, sums.ranges
    difference = sum(closes[-fast:]) * by_fast - sum(closes[-slow:]) * by_slow
    is_buy, left, previous = state.side is Side.BUY, _SPAN, newest.close
    while True:
        candle = yield answer
        if candle is None:
            answer = sums.state(newest, _SPAN - left, SIDES[is_buy])
            continue
        newest = candle
        _, _, high, low, close = candle
        ranges.append((previous if previous > high else high) - (previous if previous < low else low))  # noqa: FURB136
        # What the newest close adds to both sums, less what leaves either.
        difference += by_both * close - by_fast * closes[-fast] + by_slow * closes[-slow]
        closes.append(close)
        previous = close
        left -= 1
        if not left:
            sums.shorten()
            left = _SPAN
        answer = None
        if difference and (difference > 0) is not is_buy:
            is_buy = not is_buy
            answer = sums.cross(rules, newest, SIDES[is_buy])
