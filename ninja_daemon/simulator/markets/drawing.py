"""How the prices of a random market are drawn: arrays of whole numbers, the same on every machine.

Candles are rows of six columns: time, open, high, low, close, volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.markets.listings import Nature

Integers: TypeAlias = npt.NDArray[np.int64]

TIME, OPEN, HIGH, LOW, CLOSE, VOLUME = range(6)

# A drawn number is the sum of four uniform ones of 16 bits, less its mean: close to normal, and whole.
_DRAW_MEAN: Final = 4 * 65_535 // 2
DRAW_SIGMA: Final = 37_837


@dataclass(frozen=True, slots=True)
class TradingDays:
    """Trading days of the whole market: when each starts, and whether there is trade.

    Attributes:
        starts: 17:00 in New York, one a calendar day, and the end of the last.
        is_open: whether the day has prices.
        is_stray: whether it is a Friday evening with a stray price or two after the close.
    """

    starts: Integers
    is_open: npt.NDArray[np.bool_]
    is_stray: npt.NDArray[np.bool_]

    def index(self, times: Integers) -> npt.NDArray[np.intp]:
        """Return the place of the trading day around each time."""
        return np.searchsorted(self.starts, times, side="right") - 1


def drawn_days(key: str, nature: Nature, calendar: TradingDays) -> Integers:
    """Draw every trading day: a walk that is folded back when it strays an eighth from its level."""
    starts = calendar.starts[:-1]
    noise = drawn(starts, key_of(f"{key}:days"))
    more = drawn(starts, key_of(f"{key}:ranges"))
    # Calm and stormy months: 60 to 160 percent of the usual.
    months = np.arange(len(starts), dtype=np.int64) // 23
    sigma = nature.daily * (60 + (drawn(months, key_of(f"{key}:months")) % np.uint64(101)).astype(np.int64)) // 100
    moves = np.where(calendar.is_open & ~calendar.is_stray, sigma * normal(noise) // DRAW_SIGMA, 0)
    lowest, highest = nature.level * 7 // 8, nature.level * 9 // 8
    close = folded(nature.level + np.cumsum(moves), lowest, highest)
    before = np.concatenate(([nature.level], close[:-1]))
    rested = np.concatenate(([False], ~calendar.is_open[:-1]))
    jump = np.where(rested, sigma // 6, sigma // 60) * normal(more) // DRAW_SIGMA
    open_ = folded(before + jump, lowest, highest)
    above = sigma * (noise & np.uint64(0xFF)).astype(np.int64) // 400
    below = sigma * (more & np.uint64(0xFF)).astype(np.int64) // 400
    volume = nature.volume * (70 + (noise >> np.uint64(58)).astype(np.int64)) // 100
    stray = calendar.is_stray
    open_ = np.where(stray, close, open_)
    high = np.where(stray, close, np.maximum(open_, close) + above)
    low = np.where(stray, close, np.minimum(open_, close) - below)
    volume = np.where(stray, 1 + (noise % np.uint64(3)).astype(np.int64), volume)
    return np.column_stack((starts, open_, high, low, close, volume))[calendar.is_open]


def split(parents: Integers, times: Integers, weights: Integers, noise: npt.NDArray[np.uint64]) -> Integers:
    """Draw the children of candles, so that joined they are the parents again, to the last price and volume."""
    _, open_, high, low, close, volume = (parents[:, column, np.newaxis] for column in range(6))
    spent = np.cumsum(weights, axis=1)
    total = spent[:, -1:]
    volumes = np.diff(volume * spent // total, axis=1, prepend=0)
    present = volumes > 0

    # A walk from open to close whose speed follows the weights, of a range like the parent's, folded into it.
    pace = np.sqrt(weights).astype(np.int64)
    whole_pace = np.maximum(1, np.sqrt(total).astype(np.int64))
    share = (spent << 16) // total
    walk = np.cumsum(normal(noise) * pace, axis=1)
    bridge = walk - ((walk[:, -1:] * share) >> 16)
    size = high - low
    path = open_ + (((close - open_) * share) >> 16) + bridge * size // (DRAW_SIGMA * whole_pace * 7 // 5)
    closes = folded(path, low, high)

    usual = size * pace // (whole_pace * 7 // 5 + 1)
    bits = [((noise >> np.uint64(shift)) & np.uint64(0xFF)).astype(np.int64) for shift in (5, 21, 37)]
    before = np.concatenate((open_, closes[:, :-1]), axis=1)
    opens = folded(before + (usual * (bits[0] - 128) >> 9), low, high)
    first = present & (np.cumsum(volumes, axis=1) == volumes)
    opens = np.where(first, open_, opens)
    highs = np.minimum(high, np.maximum(opens, closes) + (usual * bits[1] >> 9))
    lows = np.maximum(low, np.minimum(opens, closes) - (usual * bits[2] >> 9))
    lines = np.arange(len(parents))
    highs[lines, np.where(present, highs, -1).argmax(axis=1)] = high[:, 0]
    lows[lines, np.where(present, lows, np.iinfo(np.int64).max).argmin(axis=1)] = low[:, 0]
    return np.column_stack([part[present] for part in (times, opens, highs, lows, closes, volumes)])


def joined_rows(rows: Integers, opens: Integers) -> Integers:
    """Join neighbouring candles that belong to the same open."""
    if not len(rows):
        return rows
    begins = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.append(begins[1:], len(rows)) - 1
    return np.column_stack(
        (
            opens[begins],
            rows[begins, OPEN],
            np.maximum.reduceat(rows[:, HIGH], begins),
            np.minimum.reduceat(rows[:, LOW], begins),
            rows[ends, CLOSE],
            np.add.reduceat(rows[:, VOLUME], begins),
        )
    )


def window(rows: Integers, start: Instant, end: Instant) -> Integers:
    """Return the candles that open in a window."""
    first, last = np.searchsorted(rows[:, TIME], (start, end))
    return rows[first:last]


def folded(values: Integers, low: Integers | int, high: Integers | int) -> Integers:
    """Reflect what lies outside of a range back into it, as often as needed."""
    size = high - low
    beyond = (values - low) % np.maximum(2 * size, 1)
    reflected: Integers = low + np.minimum(beyond, 2 * size - beyond)
    return reflected


@lru_cache(maxsize=1024)
def key_of(name: str) -> np.uint64:
    """Return what sets the draws of one purpose apart from those of all others."""
    return np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))


def drawn(times: Integers, key: np.uint64) -> npt.NDArray[np.uint64]:
    """Return 64 drawn bits for each time: SplitMix64 (Steele, Lea and Flood 2014) as a hash of the time."""
    bits = times.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15) + key
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    mixed: npt.NDArray[np.uint64] = bits ^ (bits >> np.uint64(31))
    return mixed


def normal(bits: npt.NDArray[np.uint64]) -> Integers:
    """Return close to normal whole numbers with a standard deviation of ``DRAW_SIGMA``."""
    parts = [((bits >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64) for shift in (0, 16, 32, 48)]
    centred: Integers = parts[0] + parts[1] + parts[2] + parts[3] - _DRAW_MEAN
    return centred
