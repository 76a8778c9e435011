"""What the picture of a signal shows, from one answer of the broker; candle by candle, without numpy."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.pictures.signal_view import CANDLES, AverageLine, SignalView
from ninja_daemon.core.signals.rules import Rules, rules_of
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched, WantedHistory

SESSIONS: Final = "sessions"
"""The filter whose hours a picture shades."""


def fetched_view(source: CandleSource, strategy: Strategy, signal: Signal) -> SignalView:
    """Ask for the candles of a signal and return what its picture shows.

    Raises:
        NinjaError: the broker did not answer, or not with candles.
    """
    wanted = WantedHistory(strategy.series, signal.time, strategy.warm_up + CANDLES - 1)
    answer = source.history([wanted])[wanted]
    if not isinstance(answer, Fetched):
        raise answer
    if answer.rejected is not None:
        raise answer.rejected
    return view_of(signal, strategy, answer)


def view_of(signal: Signal, strategy: Strategy, answer: Fetched) -> SignalView:
    """Take an answer's candles in, as the daemon does, and keep the last of them with both averages."""
    drawn = averaged(strategy, answer.instrument, answer.candles)
    return SignalView(signal, answer.instrument.decimals, drawn.candles, drawn.fast, drawn.slow, shaded=drawn.shaded)


class Averaged(NamedTuple):
    """The last candles of a history with what the rules made of them.

    Attributes:
        candles: ``CANDLES`` at most, oldest first.
        fast: the fast average.
        slow: the slow average.
        shaded: which of them close within the strategy's sessions; empty where it has none.
        crosses: turns of the side among them; filters that look at more than candles are not asked.
        states: the states before and after the last candle.
    """

    candles: Sequence[Candle]
    fast: AverageLine
    slow: AverageLine
    shaded: Sequence[bool]
    crosses: Sequence[Cross]
    states: tuple[StrategyState, StrategyState]


def averaged(strategy: Strategy, instrument: Instrument, candles: Sequence[Candle]) -> Averaged:
    """Take candles in, as the daemon does."""
    rules = rules_of(strategy, instrument)
    before = state = rules.empty_state()
    fast: deque[Ratio | None] = deque(maxlen=CANDLES)
    slow: deque[Ratio | None] = deque(maxlen=CANDLES)
    shown, crosses = candles[-CANDLES:], []
    for candle in candles:
        before = state
        state, cross = rules.advance(state, candle)
        fast.append(state.fast.ratio)
        slow.append(state.slow.ratio)
        if cross is not None and candle.time >= shown[0].time:
            crosses.append(cross)
    fast_kind, slow_kind = strategy.fast_kind.value.upper(), strategy.ma_type.value.upper()
    return Averaged(
        shown,
        AverageLine(f"{fast_kind} {strategy.fast_ma}", list(fast)),
        AverageLine(f"{slow_kind} {strategy.slow_ma}", list(slow)),
        _shaded(rules, shown),
        crosses,
        (before, state),
    )


def _shaded(rules: Rules, candles: Sequence[Candle]) -> Sequence[bool]:
    """Tell which candles close within the sessions that a strategy asks for."""
    close_of = rules.strategy.granularity.close_of
    for one, judge in rules.judges:
        if one.name == SESSIONS and judge.passes_at is not None:
            return [judge.passes_at(close_of(candle.time)) for candle in candles]
    return ()
