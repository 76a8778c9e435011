"""When to ask the broker after a close: learned from when candles turned complete before (decision 52).

A broker calls a candle complete a little after its close: at once, some seconds later, or with the next price. A look
tells only "not yet" or "since the last look". These spans feed a distribution of the delay over a scale of bins. The
next looks are placed where they cost least; a request is worth some tenths of a second of latency. Pure: time comes in
as seconds after the close, a plan goes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, NamedTuple

from ninja_daemon.core.histogram import LATENCY_BOUNDS, Spread

LONGEST_DELAY: Final = 90.0
"""Seconds after a close up to which looks are planned (the longest delay seen was 45 s)."""
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
_BRIEF: Final = 0.02
"""Two looks closer than this count as one (seconds)."""
_NEWEST: Final = 0.1
"""Share of a close in the running averages, at least."""


def _scale() -> tuple[float, ...]:
    ends = [_SHORTEST]
    while ends[-1] * _GROWTH < LONGEST_DELAY:
        ends.append(ends[-1] * _GROWTH)
    return (*ends, LONGEST_DELAY)


_ENDS: Final = _scale()
"""Where each bin of delays ends, in seconds after the close."""
_STARTS: Final = (0.0, *_ENDS[:-1])
_EVEN: Final = (1 / len(_ENDS),) * len(_ENDS)
_AT_ONCE: Final = 0.5
_UNKNOWN: Final = (_AT_ONCE, *((1 - _AT_ONCE) / (len(_ENDS) - 1),) * (len(_ENDS) - 1))
"""The distribution before any look: complete at the close (as documented) is as likely as at any time later. So the
first look of all happens at the close, and a broker that keeps its word causes no wait."""


class Found(NamedTuple):
    """Candles that were complete at one look and had not been at the one before.

    Attributes:
        earlier: seconds after the close at which they were not complete yet; 0 at the first look.
        later: seconds after the close at which they were.
        series: how many.
    """

    earlier: float
    later: float
    series: int


class Plan(NamedTuple):
    """When to look, in seconds after the close.

    Attributes:
        looks: ascending; the last is at ``LONGEST_DELAY``.
        is_probe: the first look is earlier than it would pay, to find out whether candles are complete by then.
    """

    looks: tuple[float, ...]
    is_probe: bool

    def next_after(self, elapsed: float) -> float:
        """Return when to look next, not at once again; behind the plan at the widest step."""
        return next((look for look in self.looks if look > elapsed + _BRIEF), elapsed + _WIDEST_STEP)


@dataclass(frozen=True, slots=True)
class Experience:
    """What is known of the delays of one timeframe's candles.

    Attributes:
        shares: of the delays in each bin.
        closes: how many went into it.
        weight: how much experience that is.
        quick: closes in a row that were over with the first look.
        probe_after: so many of these are followed by a probe; each probe that was too early doubles it.
    """

    shares: tuple[float, ...] = _UNKNOWN
    closes: int = 0
    weight: int = 0
    quick: int = 0
    probe_after: int = 1

    def plan(self, series: int) -> Plan:
        """Place the looks for a close at which so many series are due."""
        looks = _cheapest(self.shares, series)
        if self.quick < self.probe_after or looks[0] <= _SHORTEST:
            return Plan(looks, is_probe=False)
        early = max((end for end in _ENDS if end <= _PROBE * looks[0]), default=_SHORTEST)
        return Plan((early, *looks), is_probe=True)

    def after(self, plan: Plan, found: Sequence[Found], *, at_first_look: bool) -> Experience:
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

    def _told(self, found: Found) -> Experience:
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


class Watch:
    """One close that is being waited for: when to look, and what was found when."""

    def __init__(self, plan: Plan, border: float, patience: float) -> None:
        """Wait for what closed at ``border`` (epoch seconds) for ``patience`` seconds."""
        self.plan = plan
        self.found: list[Found] = []
        self.looks = 0
        self._border = border
        self._patience = patience
        self._earlier = 0.0
        self._left: int | None = None

    def pause(self, now: float) -> float:
        """Return the seconds until the next look; none when it is late already."""
        elapsed = now - self._border
        if not self.looks and elapsed >= self.plan.looks[0]:
            return 0.0
        return max(0.0, min(self.plan.next_after(elapsed), self._patience) - elapsed)

    def is_over(self, now: float) -> bool:
        """Tell whether a look at this moment is the last one."""
        return now - self._border >= self._patience - _BRIEF

    def looked(self, at: float, *, found: int, left: int, is_certain: bool) -> None:
        """Take in what a look came to.

        Args:
            at: when it began.
            found: series whose candle was complete, and had not been known before.
            left: how many are still waited for.
            is_certain: the broker answered for all of them; else nothing is known of those that are left.
        """
        later = at - self._border
        self.looks += 1
        self._left = left if self._left is None else self._left
        if found and later > self._earlier:
            self.found.append(Found(self._earlier, later, found))
        if is_certain:
            self._earlier = max(self._earlier, later)

    @property
    def was_quick(self) -> bool:
        """Whether the first look left nothing to wait for."""
        return self._left == 0


@dataclass(slots=True)
class CompletionDelay:
    """What the closes of one timeframe have come to, since the start of the process.

    Attributes:
        closes: at which at least one candle was seen to turn complete.
        looks: at the broker, in these.
        last: seconds after the last close at which its candles were first seen complete; of the last of them.
        average: the same for each series, the newest closes counting most.
        unseen: seconds for which a candle was complete before it was looked at, estimated; likewise.
        spread: seconds from the close until each series' candle was seen complete.
    """

    closes: int = 0
    looks: int = 0
    last: float = 0.0
    average: float = 0.0
    unseen: float = 0.0
    spread: Spread = field(default_factory=lambda: Spread(LATENCY_BOUNDS))

    def add(self, watch: Watch, experience: Experience) -> None:
        """Count a close."""
        series = sum(each.series for each in watch.found)
        average = sum(each.series * each.later for each in watch.found) / series
        unseen = sum(
            each.series * (each.later - experience.mean_between(each.earlier, each.later)) for each in watch.found
        )
        for each in watch.found:
            self.spread.add(each.later, each.series)
        self.closes += 1
        self.looks += watch.looks
        share = max(1 / self.closes, _NEWEST)
        self.last = watch.found[-1].later
        self.average += share * (average - self.average)
        self.unseen += share * (unseen / series - self.unseen)


class Looks:
    """The experience of a process, by timeframe. Each timeframe is watched by one thread at a time."""

    def __init__(self) -> None:
        """Begin with none."""
        self.delays: dict[str, CompletionDelay] = {}
        self._experience: dict[str, Experience] = {}

    def watch(self, timeframe: str, series: int, border: float, patience: float) -> Watch:
        """Begin to wait for the candles of a timeframe that closed at ``border``."""
        return Watch(self._known(timeframe).plan(series), border, patience)

    def learn(self, timeframe: str, watch: Watch) -> None:
        """Remember what a close has shown."""
        if not watch.found:
            return
        experience = self._known(timeframe)
        self.delays.setdefault(timeframe, CompletionDelay()).add(watch, experience)
        self._experience[timeframe] = experience.after(watch.plan, watch.found, at_first_look=watch.was_quick)

    def _known(self, timeframe: str) -> Experience:
        """Return a timeframe's own experience; one that has none begins with that of the most experienced one."""
        own = self._experience.get(timeframe)
        if own is not None:
            return own
        return max(list(self._experience.values()), key=lambda each: each.weight, default=Experience())
