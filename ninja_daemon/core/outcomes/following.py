"""The open signals of a strategy, and the one step that takes them over a candle (contract 8.1 and 8.4).

A step costs the same however old the signals are. It depends on the signals, the options stored with them and the
candles alone, so it does not matter how the candles were cut, nor how often they are taken in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.open_signal import Ending, OpenSignal, Result, ending_of
from ninja_daemon.core.outcomes.outcome import Outcome, outcome_of
from ninja_daemon.core.signals.strategy import Strategy

MOST_OPEN: Final = 200
"""Open signals of a strategy; one more ends the oldest."""


class Book(NamedTuple):
    """The open signals of a strategy.

    Attributes:
        followed: open of the newest candle that they have been taken over; None before the first.
        signals: oldest first.
    """

    followed: Instant | None = None
    signals: tuple[OpenSignal, ...] = ()


class Followed(NamedTuple):
    """What some candles made of a book.

    Attributes:
        book: the open signals after the candles.
        outcomes: of those that ended, in the order of the contract.
    """

    book: Book
    outcomes: Sequence[Outcome]


def can_be_followed(one: OpenSignal) -> bool:
    """Tell whether a signal has a risk, in which its outcome is measured."""
    return one.entry != one.stop


def follow(
    strategy: Strategy, instrument: Instrument, book: Book, candles: Sequence[Candle], listed: Sequence[OpenSignal]
) -> Followed:
    """Take the open signals over candles, and begin to follow those that are listed at them.

    Args:
        strategy: whose signals they are.
        instrument: decimals of the candles' integers.
        book: the open signals before.
        candles: oldest first. Those that the book has been taken over already change nothing.
        listed: signals listed at these candles, oldest first, as they begin.
    """
    if book.followed is not None and (listed or (candles and candles[0].time <= book.followed)):
        # Taken in again, after a cursor was set back.
        candles = [one for one in candles if one.time > book.followed]
        listed = [one for one in listed if one.time > book.followed]
    if not candles:
        return Followed(book, ())
    if not book.signals and not listed:
        return Followed(Book(candles[-1].time), ())
    running, outcomes = _over(strategy, instrument, book, candles, listed)
    return Followed(Book(candles[-1].time, tuple(running)), outcomes)


def _over(
    strategy: Strategy, instrument: Instrument, book: Book, candles: Sequence[Candle], listed: Sequence[OpenSignal]
) -> tuple[list[OpenSignal], list[Outcome]]:
    """Go over candles in one unit for all prices; return what is still open, and what has ended."""
    decimals = max(instrument.decimals, *(one.decimals for one in (*book.signals, *listed)))
    factor = 10 ** (decimals - instrument.decimals)
    running = [one.at_decimals(decimals) for one in book.signals]
    waiting = deque(one.at_decimals(decimals) for one in listed)
    outcomes: list[Outcome] = []
    for each in candles:
        while waiting and waiting[0].time < each.time:
            # Of a candle that the broker does not show any more.
            running += filter(can_be_followed, (waiting.popleft(),))
        new = waiting.popleft() if waiting and waiting[0].time == each.time else None
        if running or new is not None:
            candle = each if factor == 1 else Candle(each.time, *(price * factor for price in each[1:]))
            running, ended = _step(running, candle, new)
            outcomes += [outcome_of(strategy, one, candle, ending) for one, ending in ended]
    return running, outcomes


def _step(
    running: Sequence[OpenSignal], candle: Candle, new: OpenSignal | None
) -> tuple[list[OpenSignal], list[tuple[OpenSignal, Ending]]]:
    kept: list[OpenSignal] = []
    ended: list[tuple[OpenSignal, Ending]] = []
    for one in running:
        ending = ending_of(one, candle, is_reverse=new is not None and new.side is not one.side)
        if ending is None:
            kept.append(one)
        else:
            ended.append((one, ending))
    if new is not None and can_be_followed(new) and len(kept) >= MOST_OPEN:
        ended.append((kept.pop(0), Ending(Result.EXPIRED, candle.close)))
        ended.sort(key=lambda pair: pair[0].time)
    after = [_taken_over(one, candle) for one in kept]
    if new is not None and can_be_followed(new):
        after.append(new)
    return after, ended


def _taken_over(one: OpenSignal, candle: Candle) -> OpenSignal:
    return one._replace(candles=one.candles + 1, high=max(one.high, candle.high), low=min(one.low, candle.low))
