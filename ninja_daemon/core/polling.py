"""When to ask the broker after a close: learned from when candles turned complete before (decision 52).

A broker calls a candle complete a little after its close: at once, some seconds later, or with the next price. A look
tells only "not yet" or "since the last look". These spans feed a distribution of the delay over a scale of bins. The
next looks are placed where they cost least; a request is worth some tenths of a second of latency. Pure: time comes in
as seconds after the close, a plan goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ninja_daemon.core.completion_delays import BRIEF, NEWEST, Experience, LookPlan, NewlyComplete
from ninja_daemon.core.histogram import LATENCY_BOUNDS, Histogram


class Watch:
    """One close that is being waited for: when to look, and what was found when."""

    def __init__(self, plan: LookPlan, border: float, patience: float) -> None:
        """Wait for what closed at ``border`` (epoch seconds) for ``patience`` seconds."""
        self.plan = plan
        self.found: list[NewlyComplete] = []
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
        return now - self._border >= self._patience - BRIEF

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
            self.found.append(NewlyComplete(self._earlier, later, found))
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
        unseen: seconds for which a candle was complete before it was looked at, estimated as well.
        spread: seconds from the close until each series' candle was seen complete.
    """

    closes: int = 0
    looks: int = 0
    last: float = 0.0
    average: float = 0.0
    unseen: float = 0.0
    spread: Histogram = field(default_factory=lambda: Histogram(LATENCY_BOUNDS))

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
        share = max(1 / self.closes, NEWEST)
        self.last = watch.found[-1].later
        self.average += share * (average - self.average)
        self.unseen += share * (unseen / series - self.unseen)


class LookSchedule:
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
