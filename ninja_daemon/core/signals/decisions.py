"""What the rules decided at each candle of a history, with the numbers behind it (contract 9).

Nothing here decides: ``history.evaluate`` does. Every number is exact until it is written as a price.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.filters.filter import Shown
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.state import Cross

if TYPE_CHECKING:  # the page shows one decision without numpy
    from ninja_daemon.core.market.candle_columns import CandleColumns
    from ninja_daemon.core.signals.history import BatchResult

_NEAR: Final = 10
"""A gap is near when it is at most this part of the average true range: about what one candle moves it."""


class Verdict(NamedTuple):
    """What one filter compared at a cross.

    Attributes:
        name: of the filter, as it is counted.
        value: what the candles or the settings gave.
        limit: what it had to reach.
        passed: whether it did.
    """

    name: str
    value: Shown
    limit: Shown
    passed: bool


class Decision(NamedTuple):
    """One candle and what came of it. Prices are integers of the instrument.

    Attributes:
        fast: the fast average after the candle, None while it is not full.
        slow: the slow average.
        ranges_held: true ranges behind the average true range.
        range_total: the average true range times ``Strategy.range_whole``.
        side_before: side before the candle, None before there was one.
        side_after: side after it.
        cross: the turn of the side, if the candle made one.
    """

    candle: Candle
    fast: Ratio | None
    slow: Ratio | None
    ranges_held: int
    range_total: int
    side_before: Side | None
    side_after: Side | None
    cross: Cross | None

    @property
    def gap(self) -> Fraction | None:
        """The fast average less the slow one in price units; None while one of them is not full."""
        if self.fast is None or self.slow is None:
            return None
        return Fraction(*self.fast) - Fraction(*self.slow)

    def gap_pips(self, instrument: Instrument) -> Decimal | None:
        """Return the gap in pips with four digits, rounded half-even; the side is decided by the exact one."""
        gap = self.gap
        if gap is None:
            return None
        return Decimal(round(gap * 10_000 / 10**instrument.pip_digits)).scaleb(-4)

    def is_near(self, range_whole: int) -> bool:
        """Tell whether the averages nearly met: a gap of at most a tenth of the average true range."""
        gap = self.gap
        return gap is not None and abs(gap) * _NEAR * range_whole <= self.range_total

    def signal_id(self, rules: Rules) -> str | None:
        """Return the id of the candle's signal; None when it has none."""
        cross = self.cross
        if cross is None or cross.rejected_by is not None:
            return None
        return signal_id(rules.strategy, cross.candle.time, cross.side)


def decisions(candles: CandleColumns, result: BatchResult, start: int, stop: int) -> Iterator[Decision]:
    """Go through what was decided at the candles from ``start`` up to, not including, ``stop``.

    Args:
        candles: a history from its first candle.
        result: the rules over it.
    """
    crosses = {cross.candle.time: cross for cross in result.crosses}
    for index in range(start, stop):
        candle = candles.candle(index)
        before = int(result.sides[index - 1]) if index else 0
        after = int(result.sides[index])
        yield Decision(
            candle,
            result.fast.ratio(index),
            result.slow.ratio(index),
            int(result.ranges_held[index]),
            int(result.range_totals[index]),
            Side(before) if before else None,
            Side(after) if after else None,
            crosses.get(candle.time),
        )


def verdicts(rules: Rules, decision: Decision) -> tuple[Verdict, ...]:
    """Return what each filter compared at a cross, up to the one that rejected it; nothing where there is no cross."""
    cross = decision.cross
    if cross is None:
        return ()
    made: list[Verdict] = []
    for one, judge in rules.judges:
        value, limit = judge.compared(cross.moment)
        made.append(Verdict(one.name, value, limit, passed=one is not cross.rejected_by))
        if one is cross.rejected_by:
            break
    return tuple(made)
