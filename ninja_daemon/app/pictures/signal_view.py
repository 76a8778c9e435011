"""What the picture of a signal shows, from one answer of the broker; candle by candle, without numpy."""

from __future__ import annotations

from collections import deque

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.pictures.signal_view import CANDLES, AverageLine, SignalView
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, Fetched, WantedHistory


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
    rules = rules_of(strategy, answer.instrument)
    state = rules.empty_state()
    fast: deque[Ratio | None] = deque(maxlen=CANDLES)
    slow: deque[Ratio | None] = deque(maxlen=CANDLES)
    for candle in answer.candles:
        state, _ = rules.advance(state, candle)
        fast.append(state.fast.ratio)
        slow.append(state.slow.ratio)
    fast_kind, slow_kind = strategy.fast_kind.value.upper(), strategy.ma_type.value.upper()
    return SignalView(
        signal,
        answer.instrument.decimals,
        answer.candles[-CANDLES:],
        AverageLine(f"{fast_kind} {strategy.fast_ma}", list(fast)),
        AverageLine(f"{slow_kind} {strategy.slow_ma}", list(slow)),
    )
