"""When a fault strikes: the faults of a server, which may be changed at any time."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.simulator.faults.answers import Answered, CutBody, CutJson, Delay, GzipBomb, Reset, Skew, SlowBody
from ninja_daemon.simulator.faults.candles import AnswerFlaw, HistoryChange

Effect: TypeAlias = (
    Delay | SlowBody | Reset | CutBody | Skew | Answered | CutJson | GzipBomb | HistoryChange | AnswerFlaw
)


@dataclass(frozen=True, slots=True)
class BrokerFault:
    """An effect and when it strikes.

    Attributes:
        effect: what happens.
        times: how many matching requests it strikes; None for all of them.
        skip: how many matching requests are spared first.
        share: which part of the requests that are due it strikes, 0 to 1; the others are spared.
        path: a part of the path; empty fits all.
        instrument: only requests that ask for it.
        granularity: only requests that ask for it.
    """

    effect: Effect
    times: int | None = None
    skip: int = 0
    share: float = 1.0
    path: str = ""
    instrument: str | None = None
    granularity: Granularity | None = None

    def fits(self, asked: Asked) -> bool:
        """Tell whether it concerns a request at all."""
        if self.path not in asked.path:
            return False
        if self.instrument is None and self.granularity is None:
            return True
        return any(self.concerns(instrument, granularity) for instrument, granularity in asked.series)

    def concerns(self, instrument: str, granularity: Granularity) -> bool:
        """Tell whether it concerns a series of a request."""
        return self.instrument in {None, instrument} and self.granularity in {None, granularity}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fault may choose requests by.

    Attributes:
        path: of the URL, without the query.
        series: what candles are asked for, as far as it can be understood.
    """

    path: str
    series: Sequence[tuple[str, Granularity]] = ()


@dataclass(slots=True)
class _Planned:
    """A fault of a script, and how often it was looked at and struck."""

    fault: BrokerFault
    seen: int = 0
    struck: int = 0
    is_over: bool = False


class FaultScript:
    """The faults of a server, in the order in which they were added. Safe to change while requests come."""

    def __init__(self, *faults: BrokerFault, seed: int = 0) -> None:
        """Begin with these faults; ``seed`` decides what a share strikes."""
        self._lock = threading.Lock()
        self._luck = random.Random(seed)
        self._planned = [_Planned(fault) for fault in faults]

    def add(self, *faults: BrokerFault) -> None:
        """Let these strike from now on."""
        with self._lock:
            self._planned += [_Planned(fault) for fault in faults]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            for planned in self._planned:
                planned.is_over = True

    def strikes(self, fault: BrokerFault) -> int:
        """Return how many requests a fault has struck."""
        with self._lock:
            return sum(planned.struck for planned in self._planned if planned.fault is fault)

    def take(self, asked: Asked) -> list[BrokerFault]:
        """Return what strikes a request, and count it."""
        with self._lock:
            return [it.fault for it in self._planned if it.fault.fits(asked) and self._strikes_now(it)]

    def _strikes_now(self, planned: _Planned) -> bool:
        fault = planned.fault
        planned.seen += 1
        if planned.is_over or planned.seen <= fault.skip:
            return False
        if fault.times is not None and planned.struck >= fault.times:
            return False
        if fault.share < 1 and self._luck.random() >= fault.share:
            return False
        planned.struck += 1
        return True
