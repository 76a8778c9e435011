"""The picture of one listed signal, with candles of one history request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from ninja_daemon.app.pictures.signal_view import fetched_view
from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.pictures.signal_picture import signal_picture
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.signal import Signal, signal_id
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource

_FEWEST_DIGITS: Final = 4


def found_signal(signals: Sequence[Signal], wanted: str) -> Signal:
    """Return the listed signal of an id, or of the beginning of one.

    Raises:
        PictureRefused: no signal has it, or more than one.
    """
    found = [signal for signal in signals if signal.id.startswith(wanted)] if len(wanted) >= _FEWEST_DIGITS else []
    if len(found) != 1:
        count = "none has it" if not found else f"{len(found)} have it"
        message = (
            f"the id must be that of one listed signal or at least its first {_FEWEST_DIGITS} digits, was "
            f"{wanted[:40]!r}: {count}; `ninja-daemon signals` shows them"
        )
        raise PictureRefused(message)
    return found[0]


def picture_of_signal(
    source: CandleSource,
    strategies: Sequence[Strategy],
    known: tuple[Signal, Outcome | None],
    theme: Theme,
    zone: tzinfo,
) -> str:
    """Draw a listed signal as SVG text.

    Args:
        source: where the candles come from: one request.
        strategies: those of the configuration; one of them must have made the signal.
        known: the signal, and how it ended.
        theme: colours.
        zone: whose clock the time axis goes by.

    Raises:
        PictureRefused: the strategy is gone or has other settings now, or the broker's candles do not end at the
            signal's.
        NinjaError: the broker did not answer.
    """
    signal, outcome = known
    strategy = _its_strategy(strategies, signal)
    return signal_picture(replace(fetched_view(source, strategy, signal), outcome=outcome), theme, zone)


def _its_strategy(strategies: Sequence[Strategy], signal: Signal) -> Strategy:
    for strategy in strategies:
        if strategy.name == signal.strategy:
            if signal_id(strategy, signal.time, signal.side) == signal.id:
                return strategy
            message = (
                f"the strategy {signal.strategy} has other settings now than when it made the signal of "
                f"{format_instant(signal.time)}: a picture would show other averages than those that crossed"
            )
            raise PictureRefused(message)
    message = f"the strategy {signal.strategy} is not in the configuration: its averages are not known"
    raise PictureRefused(message)
