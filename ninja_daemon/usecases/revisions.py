"""Candles that the broker changes after they were complete: counted, never evaluated again (contract 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched
from ninja_daemon.usecases.ports import Counts

_LOOKED_BACK: Final = 2
"""Number of candles before the cursor that are compared again. Must equal what CandleSource returns in
``before_cursor``."""


class ShownCandles(NamedTuple):
    """The candles at and before the cursor as the broker shows them now.

    Attributes:
        fetched: the broker's answer.
        factor: what its prices are multiplied by to have the digits of the stored averages.
    """

    fetched: Fetched
    factor: int

    @property
    def at_cursor(self) -> Candle | None:
        """The cursor's candle, None when the broker has none there."""
        candle = self.fetched.at_cursor
        return None if candle is None else scaled(candle, self.factor)

    @property
    def closes_before(self) -> list[int]:
        """Closes of the candles before the cursor's, newest first."""
        before, factor = self.fetched.before_cursor, self.factor
        return [candle.close * factor for candle in before] if before else []


def scaled(candle: Candle, factor: int) -> Candle:
    """Return a candle with its integer prices multiplied."""
    if factor == 1:
        return candle
    return Candle(candle.time, *(price * factor for price in candle[1:]))


def is_revised(before: StrategyState, known: Sequence[int], now: ShownCandles) -> bool:
    """Tell whether the broker shows candles at or just behind the cursor otherwise than it did.

    The cursor's candle is compared with the one that was taken in; those before it with what the broker showed when
    they were last looked at, so that a candle that appears late is noticed, and a changed one is counted once.
    """
    at_cursor = now.at_cursor
    if at_cursor is None or before.last is None or before.last.time != at_cursor.time:
        return False
    return at_cursor != before.last or any(shown != then for shown, then in zip(now.closes_before, known, strict=False))


def known_before(strategy: Strategy, state: StrategyState, counts: Counts) -> Sequence[int]:
    """Return the closes before the cursor's as they were last shown, else as they were taken in; newest first."""
    shown = counts.shown_before
    if len(shown) == _LOOKED_BACK or strategy.source is not Source.CLOSE:  # what was taken in need not be closes
        return shown
    taken_in = [state.closes.back(steps) for steps in range(1, min(_LOOKED_BACK + 1, len(state.closes)))]
    return (*shown, *taken_in[len(shown) :])


def shown_before(
    before: StrategyState, known: Sequence[int], now: ShownCandles, candles: Sequence[Candle]
) -> tuple[int, ...]:
    """Return the closes before the newest of the candles taken in, as far as they are known; newest first."""
    shown, at_cursor = now.closes_before, now.at_cursor
    closes = [candle.close for candle in candles[-2 : -2 - _LOOKED_BACK : -1]] if len(candles) > 1 else []
    if at_cursor is not None:
        closes.append(at_cursor.close)
    elif before.last is not None:
        closes.append(before.last.close)
    return (*closes, *shown, *known[len(shown) :])[:_LOOKED_BACK]
