"""Candle after candle through a strategy's rules; with simple averages several times as quickly as a state a candle.

``Rules.advance`` is what the rules mean; this agrees with it on every candle and every field (decision 54).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from math import gcd
from typing import Final, cast

from ninja_daemon.core.averages.simple import SimpleMovingAverage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Cross, Rules, StrategyState

_SPAN: Final = 4_096
"""Candles after which what no average reaches any more is let go."""

_WORTH_IT: Final = 8
"""From so many candles on a stepper is quicker, its making and its state included; over 1,000 closes from about 16."""

_Answer = Cross | StrategyState | None
_Steps = Generator[_Answer, Candle | None, None]
"""Is sent a candle and answers with its cross, or is sent nothing and answers with the state."""


class Stepper:
    """A strategy that is fed one candle at a time and makes its state when somebody asks for it.

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


def _steps(rules: Rules, state: StrategyState) -> _Steps:
    """Take candles in as ``Rules.advance`` does, until everything is full and nothing but sums is left to be kept."""
    answer: _Answer = None
    while not _is_steady(state):
        candle = yield answer
        if candle is None:
            answer = state
        else:
            state, answer = rules.advance(state, candle)
    yield from _steady_steps(rules, state, answer)


def _is_steady(state: StrategyState) -> bool:
    """Tell whether two simple averages and the average true range are full and the side is known."""
    fast, slow, ranges = state.fast, state.slow, state.ranges
    if not isinstance(fast, SimpleMovingAverage) or not isinstance(slow, SimpleMovingAverage):
        return False
    are_full = fast.filled == fast.period and slow.filled == slow.period and len(ranges) == ranges.size
    return are_full and state.side is not None


def _steady_steps(rules: Rules, state: StrategyState, answer: _Answer) -> _Steps:
    """Keep the closes, the true ranges, and fast − slow over the product of the periods, an integer.

    The sums themselves are made where they are asked for: at a turn of the side, and for the state.
    """
    size, atr_period = state.closes.size, state.ranges.size
    fast, slow = state.fast.period, state.slow.period
    closes, ranges = list(state.closes), list(state.ranges)
    shared = gcd(fast, slow)
    by_fast, by_slow = slow // shared, fast // shared
    difference = sum(closes[-fast:]) * by_fast - sum(closes[-slow:]) * by_slow
    by_both = by_fast - by_slow
    is_buy = state.side is Side.BUY
    newest = state.last
    assert newest is not None  # noqa: S101 - a full state has seen candles
    seen, left = state.seen, _SPAN
    previous = newest.close
    add_close, add_range = closes.append, ranges.append
    while True:
        candle = yield answer
        if candle is None:
            answer = StrategyState(
                newest,
                seen + _SPAN - left,
                Window(size, closes[-size:]),
                Window(atr_period, ranges[-atr_period:]),
                sum(ranges[-atr_period:]),
                SimpleMovingAverage(fast, fast, sum(closes[-fast:])),
                SimpleMovingAverage(slow, slow, sum(closes[-slow:])),
                Side.BUY if is_buy else Side.SELL,
            )
            continue
        newest = candle
        _, _, high, low, close = candle
        # Compared by hand, as in true_range: a call of max or min takes three times as long.
        if previous > high:  # noqa: PLR1730
            high = previous
        if previous < low:  # noqa: PLR1730
            low = previous
        add_range(high - low)
        # What the newest close adds to both sums, less what leaves either.
        difference += by_both * close - by_fast * closes[-fast] + by_slow * closes[-slow]
        add_close(close)
        previous = close
        left -= 1
        if not left:
            del closes[:-size], ranges[:-atr_period]
            seen, left = seen + _SPAN, _SPAN
        if not difference or (difference > 0) is is_buy:
            answer = None
            continue
        is_buy = not is_buy
        answer = rules.cross(
            Side.BUY if is_buy else Side.SELL,
            candle,
            (sum(closes[-fast:]), fast),
            (sum(closes[-slow:]), slow),
            (atr_period, sum(ranges[-atr_period:])),
        )
