"""The daemon's own engine over history: what a strategy would have signalled. Nothing is stored, nothing delivered.

Everything is as contract section 4 says, with two agreements that only a replay needs:

* The first candle of the data is the first candle of all: it has no true range, the averages fill from there, and the
  first difference that is not a tie sets the side and signals nothing.
* A signal counts as found when its candle closed: ``late`` is false and ``created_at`` is ``close_time``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ninja_daemon.core.filters.filter import Filter
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.following import Followed
from ninja_daemon.core.outcomes.history import joined, outcomes_over
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.signal_columns import signals_of
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.stepper import Stepper
from ninja_daemon.core.signals.turns import Turns, find_turns, rejections

_AT_ONCE: Final = 524_288
"""Candles that are taken in at once where only turns are looked for, which goes block by block."""
_BLOCK: Final = 131_072
"""The same of the general way: fewer cost more in calls than they save in the processor's cache."""


class Engine(StrEnum):
    """Which of the two implementations of the rules takes the candles in; they agree on every candle."""

    BATCH = "batch"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class Span:
    """The candles that are reported, by their opens, both ends included. What lies before them is taken in as warm-up.

    Attributes:
        since: open of the first one; None for the first of the data.
        until: open of the last one; None for the last of the data.
    """

    since: Instant | None = None
    until: Instant | None = None


@dataclass(slots=True)
class Replayed:
    """What one strategy made of the candles.

    Attributes:
        rules: the strategy and its instrument.
        warm_up: candles taken in before those reported.
        candles: candles reported.
        first: open of the first of them, None when there is none.
        last: open of the last of them.
        crosses: turns of the side among them.
        rejected: those that are not signals, by filter.
        signals: the others, oldest first.
        followed: what became of these, once ``follow_to_the_end`` was called.
    """

    rules: Rules
    warm_up: int = 0
    candles: int = 0
    first: Instant | None = None
    last: Instant | None = None
    crosses: int = 0
    rejected: dict[Filter, int] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    followed: Followed | None = None
    _turns: list[Turns] = field(default_factory=list)

    def take(self, candles: CandleColumns, crosses: Iterable[Cross], since: Instant | None) -> None:
        """Report what lies in the span of the candles and of their crosses."""
        self._take_candles(candles, since)
        self.finish()
        for cross in crosses:
            if since is None or cross.candle.time >= since:
                self._count(cross)

    def take_turns(self, candles: CandleColumns, turns: Turns, since: Instant | None) -> None:
        """Report the same of turns that came as columns."""
        self._take_candles(candles, since)
        mine = turns if since is None else turns.where(turns.times >= since)
        rejected, is_signal = rejections(self.rules, mine)
        self.crosses += len(mine)
        for reason, count in rejected.items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count
        self._turns.append(mine.where(is_signal))

    def finish(self) -> None:
        """Make the signals of the turns that came as columns, all at one go: in small lots they cost twice as much."""
        if self._turns:
            self.signals += signals_of(self.rules, Turns.joined(self._turns))
            self._turns.clear()

    def _take_candles(self, candles: CandleColumns, since: Instant | None) -> None:
        before = 0 if since is None else int(candles.time.searchsorted(since))
        self.warm_up += before
        if before < len(candles):
            self.candles += len(candles) - before
            self.first = int(candles.time[before]) if self.first is None else self.first
            self.last = int(candles.time[-1])

    def _count(self, cross: Cross) -> None:
        self.crosses += 1
        if cross.rejected_by is not None:
            self.rejected[cross.rejected_by] = self.rejected.get(cross.rejected_by, 0) + 1
            return
        close = self.rules.strategy.granularity.close_of(cross.candle.time)
        self.signals.append(signal_of(self.rules, cross, close))


def replay(
    all_rules: Sequence[Rules],
    history: Iterable[CandleColumns],
    span: Span = Span(),
    engine: Engine = Engine.BATCH,
) -> Sequence[Replayed]:
    """Run strategies of one series over its history, which may come in parts and is gone through once.

    Args:
        all_rules: the strategies, bound to the instrument in whose decimals the candles are.
        history: the candles, oldest first.
        span: what is reported.
        engine: how it is computed.
    """
    run = _by_step if engine is Engine.STEP else _by_batch
    reports = [Replayed(rules) for rules in all_rules]
    states = [rules.empty_state() for rules in all_rules]
    for part in history:
        candles = part
        if span.until is not None:
            candles = part.part(0, int(part.time.searchsorted(span.until, side="right")))
        for start in range(0, len(candles), _AT_ONCE):
            some = candles.part(start, start + _AT_ONCE)
            for index, report in enumerate(reports):
                states[index] = run(report, some, states[index], span.since)
        if len(candles) < len(part):
            break
    for report in reports:
        report.finish()
    return reports


def follow_to_the_end(reports: Iterable[Replayed], history: Sequence[CandleColumns], span: Span) -> None:
    """Find out what became of the signals that were reported, over the candles after each up to the span's end."""
    candles = joined(history)
    if span.until is not None:
        candles = candles.part(0, int(candles.time.searchsorted(span.until, side="right")))
    for report in reports:
        report.followed = outcomes_over(report.rules.strategy, report.rules.instrument, candles, report.signals)


def _by_batch(report: Replayed, candles: CandleColumns, state: StrategyState, since: Instant | None) -> StrategyState:
    found = find_turns(report.rules, candles, state)
    if found is not None:
        turns, after = found
        report.take_turns(candles, turns, since)
        return after
    for start in range(0, len(candles), _BLOCK):
        block = candles.part(start, start + _BLOCK)
        result = evaluate(report.rules, block, state)
        report.take(block, result.crosses, since)
        state = result.state
    return state


def _by_step(report: Replayed, candles: CandleColumns, state: StrategyState, since: Instant | None) -> StrategyState:
    stepper = Stepper(report.rules, state)
    report.take(candles, [cross for cross in map(stepper.step, candles) if cross is not None], since)
    return stepper.state
