"""The outcomes of all signals of a whole history at once, in numpy: what ``following.follow`` makes of each candle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.following import MOST_OPEN, Book, Followed, can_be_followed
from ninja_daemon.core.outcomes.open_signal import Ending, OpenSignal, Result, ending_of, opened, terms_of
from ninja_daemon.core.outcomes.outcome import Outcome, outcome_of
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy

_FIRST_LOOK: Final = 64
"""Candles that are searched at first for the end of a signal; then twice as many each time."""


def outcomes_over(
    strategy: Strategy, instrument: Instrument, candles: CandleColumns, signals: Sequence[Signal]
) -> Followed:
    """Follow signals over the candles that come after them.

    Args:
        strategy: whose signals they are; its options hold for all of them.
        instrument: decimals of the candles' integers, in which the signals' prices are written, too.
        candles: the whole history, oldest first.
        signals: all signals listed at these candles, oldest first.
    """
    if not len(candles):
        return Followed(Book(), ())
    all_opened = [
        opened(each, terms_of(strategy, instrument, each)).at_decimals(instrument.decimals) for each in signals
    ]
    return opened_over(strategy, candles, all_opened)


def opened_over(strategy: Strategy, candles: CandleColumns, all_opened: Sequence[OpenSignal]) -> Followed:
    """Follow signals as they began, each under its own terms and in the candles' decimals; see ``outcomes_over``."""
    rows: list[int] = np.searchsorted(candles.time, [one.time for one in all_opened]).tolist()
    last_rows = _last_rows(all_opened, rows, len(candles))
    followed = [place for place, one in enumerate(all_opened) if can_be_followed(one)]
    ends = {place: _first_reached(all_opened[place], candles, rows[place] + 1, last_rows[place]) for place in followed}
    return _closed(strategy, candles, all_opened, rows, ends, _forced(followed, rows, ends))


def _closed(
    strategy: Strategy,
    candles: CandleColumns,
    all_opened: Sequence[OpenSignal],
    rows: Sequence[int],
    ends: Mapping[int, int],
    forced: Mapping[int, int],
) -> Followed:
    """Close the signals at the candles where they end; the others stay open."""
    sides = {row: one.side for row, one in zip(rows, all_opened, strict=True)}
    outcomes: list[tuple[int, int, Outcome]] = []
    left: list[OpenSignal] = []
    for place in ends:
        row, end = rows[place], forced.get(place, ends[place])
        one = _taken_over(all_opened[place], candles, row + 1, min(end, len(candles)))
        if end >= len(candles):
            left.append(one)
            continue
        candle = candles.candle(end)
        ending = _ending(one, candle, sides.get(end, one.side), is_forced=place in forced)
        outcomes.append((end, place, outcome_of(strategy, one, candle, ending)))
    outcomes.sort(key=lambda entry: entry[:2])
    return Followed(Book(int(candles.time[-1]), tuple(left)), [outcome for _, _, outcome in outcomes])


def _ending(one: OpenSignal, candle: Candle, side: Side, *, is_forced: bool) -> Ending:
    """Return how a signal ends at a candle, at which a signal to ``side`` was listed."""
    if is_forced:
        return Ending(Result.EXPIRED, candle.close)
    ending = ending_of(one, candle, is_reverse=side is not one.side)
    assert ending is not None  # noqa: S101 - the row was chosen because it ends there
    return ending


def joined(parts: Sequence[CandleColumns]) -> CandleColumns:
    """Return the candles of parts that follow each other as one."""
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, name) for part in parts] for name in Candle._fields)
    return CandleColumns(*(np.concatenate(column) for column in columns)) if parts else CandleColumns.of(())


def _last_rows(all_opened: Sequence[OpenSignal], rows: Sequence[int], count: int) -> list[int]:
    """Return the candle at which each signal ends at the latest, by age or by a signal to the other side."""
    last_rows = [0] * len(rows)
    next_of = {Side.BUY: count, Side.SELL: count}
    for place in reversed(range(len(rows))):
        one = all_opened[place]
        other = Side.SELL if one.side is Side.BUY else Side.BUY
        reverse = next_of[other] if one.terms.exit_on_reverse else count
        last_rows[place] = min(count, rows[place] + one.terms.max_candles, reverse)
        next_of[one.side] = rows[place]
    return last_rows


def _first_reached(one: OpenSignal, candles: CandleColumns, start: int, last: int) -> int:
    """Return the first candle from ``start`` on that reaches stop or target; ``last`` when none before it does."""
    look = _FIRST_LOOK
    while start < last:
        stop = min(start + look, last)
        low, high = candles.low[start:stop], candles.high[start:stop]
        if one.side is Side.BUY:
            reached = (low <= one.stop) | (high >= one.target)
        else:
            reached = (high >= one.stop) | (low <= one.target)
        place = int(reached.argmax())
        if reached[place]:
            return start + place
        start, look = stop, 2 * look
    return last


def _forced(followed: Sequence[int], rows: Sequence[int], ends: dict[int, int]) -> dict[int, int]:
    """Return the candles at which signals end because too many are open."""
    forced: dict[int, int] = {}
    running: list[int] = []
    for place in followed:
        # Signals that end at this candle were closed before.
        running = [other for other in running if ends[other] > rows[place]]
        if len(running) >= MOST_OPEN:
            forced[running.pop(0)] = rows[place]
        running.append(place)
    return forced


def _taken_over(one: OpenSignal, candles: CandleColumns, start: int, stop: int) -> OpenSignal:
    """Return a signal after the candles from ``start`` up to, not including, ``stop``."""
    if stop <= start:
        return one
    high, low = int(candles.high[start:stop].max()), int(candles.low[start:stop].min())
    return one._replace(candles=stop - start, high=max(one.high, high), low=min(one.low, low))
