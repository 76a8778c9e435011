"""Proof that the filters of a strategy that go by the close alone can ever pass together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import combinations
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.core.filters.kinds import judges_of, written
from ninja_daemon.core.market.granularity import NEW_YORK, Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy

_BEGIN: Final = 1_704_067_200
"""2024-01-01: a year with every clock change; which year it is makes no difference to hours and weekdays."""
_WEEK: Final = 7 * 86_400
_YEAR: Final = 53 * _WEEK
_LONG: Final = 10 * _YEAR
"""Over which daily and longer candles are looked at."""


def check_filters(strategy: Strategy) -> Iterator[Finding]:
    """Try every close of a year, ten for long candles; a minute is as fine as any filter of this kind goes."""
    anything = Instrument(strategy.instrument, 5, -4)
    rules = {
        one.name: judge.passes_at
        for one, judge in judges_of(strategy, anything, strategy.filters)
        if judge.passes_at is not None
    }
    for count in range(1, len(rules) + 1):
        for names in combinations(rules, count):
            passes = [rules[name] for name in names]
            if not any(all(one(close) for one in passes) for close in _closes(strategy)):
                yield _never(strategy, names)
                return


def _closes(strategy: Strategy) -> Iterator[Instant]:
    granularity = strategy.granularity
    if granularity.seconds < Granularity.M1.seconds:  # sessions begin and end on full minutes
        granularity = Granularity.M1
    end = _BEGIN + (_LONG if granularity.seconds >= Granularity.D.seconds else _YEAR)
    # Weeks enough for every mixture of summer and winter times, where there are many closes in each.
    skipped = 3 * _WEEK if granularity.seconds < Granularity.M15.seconds else 0
    opened, week = granularity.open_at(_BEGIN), _BEGIN + _WEEK
    while opened < end:
        close = granularity.next_close(opened)
        if strategy.market_hours.opens_between(opened, close):
            yield close
        opened = close
        if opened >= week:
            opened += skipped
            week = opened + _WEEK


def _never(strategy: Strategy, names: Sequence[str]) -> Finding:
    settings = written(strategy.filters)
    shown = " and ".join(f"{name} = {settings[name]}" for name in names)
    timeframe = strategy.granularity.name
    cause = f"it can never signal: no {timeframe} candle passes {shown}"
    cure = "choose hours and days in which one of its candles closes"
    if strategy.granularity.seconds > Granularity.H1.seconds:
        opened = strategy.granularity.open_at(_BEGIN)
        walls: list[str] = []
        while (wall := f"{datetime.fromtimestamp(opened, NEW_YORK):%H:%M}") not in walls:
            walls.append(wall)
            opened = strategy.granularity.next_close(opened)
        cure += f"; {timeframe} candles close at {', '.join(sorted(walls))} in New York"
    return Finding(Level.WARNING, "strategy.filters_never_pass", f"strategy {strategy.name}", cause, cure)
