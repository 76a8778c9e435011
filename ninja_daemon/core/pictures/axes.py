"""Which prices and times an axis names, and where tags go that would stand on each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.spans import DAY, HOUR, MINUTE

_STEPS: Final = (60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200)
"""Seconds between two named times of a day."""
_DAYS: Final = (1, 2, 7, 14)
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120)


class Scale(NamedTuple):
    """Where values lie between two edges of a picture.

    Attributes:
        lowest: the value at ``start``.
        highest: the value at ``end``; another than ``lowest``.
        start: where the lowest one is drawn.
        end: where the highest one is drawn.
    """

    lowest: int
    highest: int
    start: int
    end: int

    def at(self, value: int, denominator: int = 1) -> int:
        """Return where ``value / denominator`` is drawn, rounded down to a unit of length."""
        above = value - self.lowest * denominator
        return self.start + above * (self.end - self.start) // (denominator * (self.highest - self.lowest))


def nice_prices(lowest: int, highest: int, most: int) -> list[int]:
    """Return round prices within a range, at most that many: multiples of 1, 2 or 5 times a power of ten."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * power
            first = -(-lowest // step) * step
            if (highest - first) // step + 1 <= most:
                return list(range(first, highest + 1, step))
        power *= 10


def time_labels(times: Sequence[Instant], zone: tzinfo, most: int) -> list[tuple[int, str]]:
    """Return where a time axis is labelled: index of the first candle of a period, and what to call it.

    Args:
        times: opens of the candles, oldest first.
        zone: whose clock is read.
        most: labels at most; hours, days or months are stepped so that no more come out.
    """
    moments = [datetime.fromtimestamp(time, zone) for time in times]
    for period, words in _periods():
        keys = [period(moment) for moment in moments]
        starts = [index for index in range(1, len(keys)) if keys[index] != keys[index - 1]]
        if len(starts) <= most:
            return [(index, moments[index].strftime(words)) for index in starts]
    return []


def _periods() -> Sequence[tuple[Callable[[datetime], int], str]]:
    """Return the lengths of time that labels may be apart, shortest first, and how each is written."""
    within = [(_within_a_day(step), "%H:%M") for step in _STEPS]
    days = [(_days(step), "%d %b") for step in _DAYS]
    return [*within, *days, *((_months(step), "%b %Y" if step < 12 else "%Y") for step in _MONTHS)]  # noqa: PLR2004


def _within_a_day(step: int) -> Callable[[datetime], int]:
    return lambda at: at.toordinal() * DAY + (at.hour * HOUR + at.minute * MINUTE + at.second) // step * step


def _days(step: int) -> Callable[[datetime], int]:
    return lambda at: (at.toordinal() - 1) // step


def _months(step: int) -> Callable[[datetime], int]:
    return lambda at: (at.year * 12 + at.month - 1) // step


def spread(wanted: Sequence[int], height: int, top: int, bottom: int) -> list[int]:
    """Return middles for tags of one height, as near to those wanted as their order and the room allow.

    Args:
        wanted: where the middles should be, in any order.
        height: of each tag.
        top: upper end of the room.
        bottom: lower end; there must be room for all.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed = [0] * len(wanted)
    edge = top
    for index in order:
        placed[index] = max(wanted[index], edge + height // 2)
        edge = placed[index] - height // 2 + height
    edge = bottom
    for index in reversed(order):
        placed[index] = min(placed[index], edge - height + height // 2)
        edge = placed[index] - height // 2
    return placed
