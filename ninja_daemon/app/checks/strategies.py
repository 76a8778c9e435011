"""Strategies that cannot do what they seem meant to do, found from their settings alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.status.shared.averages import Averages
from ninja_daemon.core.filters.kinds import judges_of, written
from ninja_daemon.core.market.granularity import NEW_YORK, Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import WEEK

_HARDLY_EVER = 5
"""A threshold this many times below or above the present range decides the same way nearly always."""


_BEGIN: Final = 1_704_067_200
"""2024-01-01: a year with every clock change; which year it is makes no difference to hours and weekdays."""
_YEAR: Final = 53 * WEEK
_LONG: Final = 10 * _YEAR
"""Over which daily and longer candles are looked at."""


def check_strategies(strategies: Sequence[Strategy]) -> Iterator[Finding]:
    """Look at every strategy by itself, then at all of them together."""
    if not strategies:
        cure = "add [strategies.NAME] tables, or begin with the config/ninja.toml of the distribution"
        yield Finding(Level.ERROR, "strategies.none", "strategies", "there is none, so there is nothing to do", cure)
        return
    findings = [finding for strategy in strategies for finding in _one(strategy)]
    findings += _twins(strategies)
    yield from findings
    if all(finding.level < Level.WARNING for finding in findings):
        able = sum(strategy.enabled for strategy in strategies)
        cause = f"{able} of them, all able to signal" if able else "none of them is enabled"
        yield Finding(Level.OK, "strategies", "strategies", cause)


def _one(strategy: Strategy) -> Iterator[Finding]:
    subject = f"strategy {strategy.name}"
    if not strategy.enabled:
        cause = "it is not evaluated (enabled = false); its cursor and its open signals wait"
        yield Finding(
            Level.INFO, "strategy.not_enabled", subject, cause, "enabled = true and reload: it goes on from there"
        )
    if strategy.reward_to_risk < strategy.min_rr_ratio:
        ratio = f"{float(strategy.reward_to_risk):.3g}"
        cause = (
            f"it can never signal: tp_atr_multiplier / sl_atr_multiplier is {strategy.tp_atr_multiplier} / "
            f"{strategy.sl_atr_multiplier} = {ratio}, below min_rr_ratio {strategy.min_rr_ratio}"
        )
        least = strategy.sl_atr_multiplier * strategy.min_rr_ratio
        cure = f"raise tp_atr_multiplier to at least {_plain(least)}, or lower sl_atr_multiplier or min_rr_ratio"
        yield Finding(Level.WARNING, "strategy.never_signals", subject, cause, cure)
    yield from check_filters(strategy)
    if strategy.fast_ma == strategy.slow_ma and strategy.fast_type is None:
        cause = f"it can never signal: both averages have {strategy.fast_ma} candles, so they never differ"
        yield Finding(Level.WARNING, "strategy.equal_periods", subject, cause, "give fast_ma the shorter period")
    elif strategy.fast_ma > strategy.slow_ma and strategy.fast_type is None:
        cause = (
            f"its fast average ({strategy.fast_ma} candles) is longer than its slow one ({strategy.slow_ma}): BUY and "
            "SELL are mirrored"
        )
        cure = f"if that is not meant, write fast_ma = {strategy.slow_ma} and slow_ma = {strategy.fast_ma}"
        yield Finding(Level.WARNING, "strategy.mirrored", subject, cause, cure)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _twins(strategies: Sequence[Strategy]) -> Iterator[Finding]:
    same: dict[str, list[str]] = defaultdict(list)
    for strategy in strategies:
        same[strategy.settings_hash].append(strategy.name)
    for names in same.values():
        if len(names) > 1:
            cause = f"{', '.join(names)} have identical settings: each cross makes {len(names)} signals"
            yield Finding(Level.WARNING, "strategy.twins", "strategies", cause, "remove all but one of them")


def check_thresholds(averages: Mapping[Strategy, Averages | None]) -> Iterator[Finding]:
    """Compare each ``min_atr_value`` with the average true range as it is now, where one is stored."""
    idle = []
    for strategy, stored in averages.items():
        if stored is None or not stored.atr or not strategy.min_atr_value:
            continue
        if strategy.min_atr_value * _HARDLY_EVER < stored.atr:
            idle.append(strategy.name)
        elif strategy.min_atr_value > stored.atr * _HARDLY_EVER:
            cause = (
                f"its ATR filter rejects nearly everything: min_atr_value is {strategy.min_atr_value}, the average "
                f"true range {_plain(stored.atr)} now"
            )
            cure = "lower min_atr_value; it is a price difference, 0.0002 is two pips of EUR_USD"
            yield Finding(Level.WARNING, "strategy.min_atr_blocks", f"strategy {strategy.name}", cause, cure)
    if idle:
        cause = (
            f"their ATR filter hardly ever rejects anything, min_atr_value being less than a fifth of the average true "
            f"range now: {', '.join(idle)}"
        )
        yield Finding(Level.INFO, "strategy.min_atr_idle", "strategies", cause)


def check_lifetimes(strategies: Sequence[Strategy], ma_state: int, last_processed: int) -> Iterator[Finding]:
    """Say where a configured lifetime is shorter than a candle, and that it does no harm (contract 4.6)."""
    longest = max((strategy.granularity.seconds for strategy in strategies), default=0)
    given = {"CACHE_TTL_MA_STATE": ma_state, "CACHE_TTL_LAST_PROCESSED": last_processed}
    short = [f"{name} ({seconds} s)" for name, seconds in given.items() if seconds <= longest]
    if short:
        cause = (
            f"{' and '.join(short)} would not outlive the longest candle ({longest} s); they are floors, what is "
            "stored lives at least four candles and four days"
        )
        yield Finding(Level.INFO, "lifetimes", "lifetimes", cause)


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
    skipped = 3 * WEEK if granularity.seconds < Granularity.M15.seconds else 0
    opened, week = granularity.open_at(_BEGIN), _BEGIN + WEEK
    while opened < end:
        close = granularity.next_close(opened)
        if strategy.market_hours.opens_between(opened, close):
            yield close
        opened = close
        if opened >= week:
            opened += skipped
            week = opened + WEEK


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
