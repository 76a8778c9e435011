"""How soon after their close candles turn complete, learned look by look, and the cheapest looks for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

_SHORTEST: Final = 0.04
_GROWTH: Final = 1.08
_SERIES_COST: Final = 0.12
"""Seconds of latency that asking for one more series once more is worth."""
_LOOK_COST: Final = 0.08
"""Seconds of mean latency that one more look is worth, however many series are asked for in it."""
_DOUBT: Final = 0.02
"""Probability mass spread evenly over all bins, so that delays never seen before can still be learned."""
_LEAST_STEP: Final = 0.5
_WIDEST_STEP: Final = 10.0
_STEP_SHARE: Final = 0.6
_SLOWEST: Final = 1 / 40
_BEGINNING: Final = 4
_MOST_AT_ONCE: Final = 4
"""Series of one close that count as experience: their delays have much in common."""
_PROBE: Final = 0.6
_RAREST_PROBE: Final = 16
BRIEF: Final = 0.02
"""Two looks closer than this count as one (seconds)."""
NEWEST: Final = 0.1
"""Share of a close in the running averages, at least."""
_AT_ONCE: Final = 0.5
LONGEST_DELAY: Final = 90.0
"""Seconds after a close up to which looks are planned (the longest delay seen was 45 s)."""


def _scale() -> tuple[float, ...]:
    ends = [_SHORTEST]
    while ends[-1] * _GROWTH < LONGEST_DELAY:
        ends.append(ends[-1] * _GROWTH)
    return (*ends, LONGEST_DELAY)


_ENDS: Final = _scale()
"""Where each bin of delays ends, in seconds after the close."""
_STARTS: Final = (0.0, *_ENDS[:-1])
_EVEN: Final = (1 / len(_ENDS),) * len(_ENDS)
_UNKNOWN: Final = (_AT_ONCE, *((1 - _AT_ONCE) / (len(_ENDS) - 1),) * (len(_ENDS) - 1))
"""The distribution before any look: complete at the close (as documented) is as likely as at any time later. So the
first look of all happens at the close, and a broker that keeps its word causes no wait."""


class NewlyComplete(NamedTuple):
    """Candles that were complete at one look and had not been at the one before.

    Attributes:
        earlier: seconds after the close at which they were not complete yet; 0 at the first look.
        later: seconds after the close at which they were.
        series: how many.
    """

    earlier: float
    later: float
    series: int


class LookPlan(NamedTuple):
    """When to look, in seconds after the close.

    Attributes:
        looks: ascending; the last is at ``LONGEST_DELAY``.
        is_probe: the first look is earlier than it would pay, to find out whether candles are complete by then.
    """

    looks: tuple[float, ...]
    is_probe: bool

    def next_after(self, elapsed: float) -> float:
        """Return when to look next, not at once again; behind the plan at the widest step."""
        return next((look for look in self.looks if look > elapsed + BRIEF), elapsed + _WIDEST_STEP)


@dataclass(frozen=True, slots=True)
class Experience:
    """What is known of the delays of one timeframe's candles.

    Attributes:
        shares: of the delays in each bin.
        closes: how many went into it.
        weight: how much experience that is.
        quick: closes in a row that were over with the first look.
        probe_after: that many of these are followed by a probe; each probe that was too early doubles it.
    """

    shares: tuple[float, ...] = _UNKNOWN
    closes: int = 0
    weight: int = 0
    quick: int = 0
    probe_after: int = 1

    def plan(self, series: int) -> LookPlan:
        """Place the looks for a close at which that many series are due."""
        looks = _cheapest(self.shares, series)
        if self.quick < self.probe_after or looks[0] <= _SHORTEST:
            return LookPlan(looks, is_probe=False)
        early = max((end for end in _ENDS if end <= _PROBE * looks[0]), default=_SHORTEST)
        return LookPlan((early, *looks), is_probe=True)

    def after(self, plan: LookPlan, found: Sequence[NewlyComplete], *, at_first_look: bool) -> Experience:
        """Return the experience after a close.

        Args:
            plan: what was followed.
            found: what came of it; nothing for a close of which nothing can be said.
            at_first_look: the first look found all that were due.
        """
        told = self
        for each in found:
            told = told._told(each)
        if told is self:
            return self
        told = replace(told, closes=self.closes + 1)
        if not plan.is_probe:
            return replace(told, quick=self.quick + 1 if at_first_look else 0)
        if at_first_look:
            sooner = max(1, self.probe_after // 2)
            return replace(told, quick=sooner, probe_after=sooner)
        return replace(told, quick=0, probe_after=min(_RAREST_PROBE, 2 * self.probe_after))

    def _told(self, found: NewlyComplete) -> Experience:
        likely = [
            share * max(0.0, min(end, found.later) - max(start, found.earlier)) / (end - start)
            for share, start, end in zip(_doubted(self.shares), _STARTS, _ENDS, strict=True)
        ]
        total = sum(likely)
        if total <= 0:
            return self
        count = min(found.series, _MOST_AT_ONCE)
        weight = self.weight + count
        kept = (1 - max(1 / (weight + _BEGINNING), _SLOWEST)) ** count
        shares = tuple(kept * share + (1 - kept) * new / total for share, new in zip(self.shares, likely, strict=True))
        return replace(self, shares=shares, weight=weight)

    def mean_between(self, earlier: float, later: float) -> float:
        """Return where between two looks a candle has turned complete, in the mean, as far as is known."""
        likely = [
            (share * (high - low) / (end - start), (low + high) / 2)
            for share, start, end in zip(_doubted(self.shares), _STARTS, _ENDS, strict=True)
            if (high := min(end, later)) > (low := max(start, earlier))
        ]
        total = sum(share for share, _ in likely)
        return sum(share * middle for share, middle in likely) / total if total > 0 else later


def _doubted(shares: Sequence[float]) -> list[float]:
    return [(1 - _DOUBT) * share + _DOUBT * even for share, even in zip(shares, _EVEN, strict=True)]


@lru_cache(maxsize=64)
def _cheapest(shares: tuple[float, ...], series: int) -> tuple[float, ...]:
    """Return the looks whose requests and latency together cost least, worked out from the last one back.

    Steps are bounded besides, so that what has never been seen is found about as soon as by a fixed ladder.
    """
    likely, bins = _doubted(shares), len(_ENDS)
    before, moment, seen = [0.0], [0.0], [0.0]
    for share, raw, start, end in zip(likely, shares, _STARTS, _ENDS, strict=True):
        before.append(before[-1] + share)
        moment.append(moment[-1] + share * (start + end) / 2)
        seen.append(seen[-1] + raw)
    cost, following = [0.0] * (bins + 1), [bins] * (bins + 1)
    for here in range(bins - 1, -1, -1):
        missing = min(1.0, max(0.0, seen[-1] - seen[here]))
        look = _SERIES_COST * (before[-1] - before[here]) + _LOOK_COST * (1 - (1 - missing) ** series)
        best, chosen = float("inf"), bins
        for there in range(here + 1, bins + 1):
            at = _ENDS[there - 1]
            if here and there > here + 1 and at > _ENDS[here - 1] + _widest_step(_ENDS[here - 1]):
                break
            latency = (before[there] - before[here]) * at - (moment[there] - moment[here])
            if latency + cost[there] < best:
                best, chosen = latency + cost[there], there
        cost[here], following[here] = best + look, chosen
    looks, here = [], 0
    while here < bins:
        here = following[here]
        looks.append(_ENDS[here - 1])
    return tuple(looks)


def _widest_step(at: float) -> float:
    return min(_WIDEST_STEP, max(_LEAST_STEP, _STEP_SHARE * at))
