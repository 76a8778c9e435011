"""What is noted of candles and closes (contract 9.1): what candles cannot tell, and the candles as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.rounding import half_even
from ninja_daemon.core.signals.crossover import Side


class Seen(NamedTuple):
    """A candle as it was when it was taken in: its first complete version, which is final (contract 4.1).

    Attributes:
        candle: prices are integers.
        decimals: of these.
        series: whose candle it is, as ``Series`` writes itself.
    """

    candle: Candle
    decimals: int
    series: str


class Apart(NamedTuple):
    """Two averages after a candle; their gap is worked out when somebody reads it.

    Attributes:
        fast: the fast one, as a sum and what it is divided by.
        slow: the slow one.
        unit: price units of the sums in a pip.
    """

    fast: Ratio
    slow: Ratio
    unit: int

    @property
    def gap(self) -> int:
        """The fast one less the slow one, in ten-thousandths of a pip, rounded half-even."""
        (over, under), (less, by) = self.fast, self.slow
        return half_even((over * by - less * under) * 10_000, under * by * self.unit)


class Evaluation(NamedTuple):
    """A candle that was taken in.

    Attributes:
        strategy: name of the strategy.
        time: open of the candle.
        at: when it was noted, behind the commit (epoch seconds).
        by: the process, as ``host:pid``.
        start: where the averages came from: ``stored``, ``rebuilt`` or ``first``.
        side: side after the candle; None where there was none, or where the notes do not tell it.
        cross: the side that the candle turned to, if it did.
        rejected_by: name of the filter that rejected the cross.
        signal_id: id of its signal.
        seen: the candle; None in notes of versions that did not keep it.
        gap: the fast average less the slow one after it, in ten-thousandths of a pip, or the averages themselves;
            None where it was not noted.
    """

    strategy: str
    time: Instant
    at: float
    by: str
    start: str
    side: Side | None = None
    cross: Side | None = None
    rejected_by: str | None = None
    signal_id: str | None = None
    seen: Seen | None = None
    gap: int | Apart | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which a strategy's closes were not evaluated.

    Attributes:
        strategy: name of the strategy.
        since: the first close that was not evaluated.
        until: when that was over (epoch seconds); None while it goes on.
        why: the reason, in words.
    """

    strategy: str
    since: Instant
    until: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Presence:
    """A time in which a daemon worked, in epoch seconds; it may have worked up to ``SEEN_EVERY`` longer."""

    by: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Notes:
    """What is noted of one strategy over a span.

    Attributes:
        evaluations: by the candle's open.
        absences: in their order.
        presences: of every daemon of this machine, in their order.
    """

    evaluations: Mapping[Instant, Evaluation]
    absences: Sequence[Absence] = ()
    presences: Sequence[Presence] = ()
