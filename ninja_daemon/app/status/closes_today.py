"""How many of today's closes were dealt with, and how near a cross was: a silence that can be shown to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from ninja_daemon.core.completion_delays import LONGEST_DELAY
from ninja_daemon.core.market.granularity import new_york_day_start, trading_day
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import DAY, HOUR, MINUTE
from ninja_daemon.usecases.ports import Loaded

NearestByName: TypeAlias = Mapping[str, tuple[Decimal, Instant]]
"""By strategy, how near its averages were in pips, and the open of that candle."""


class NearestGap(NamedTuple):
    """Where the averages were nearest to each other.

    Attributes:
        pips: between them, not below zero.
        close: of that candle.
    """

    pips: Decimal
    close: Instant


@dataclass(frozen=True, slots=True)
class ScheduledCloses:
    """The scheduled closes of a span.

    Attributes:
        due: how many there were since the first start.
        dealt_with: those whose candle was taken in, or which had none.
        is_missing: one of the others is late by a candle, or by the longest that a candle takes to complete.
        nearest: None where nothing is noted on this machine.
    """

    due: int
    dealt_with: int
    is_missing: bool
    nearest: NearestGap | None = None

    def words(self, when: str) -> str:
        """Say it: ``evaluated 5 of 5 closes today, nearest cross 4.1 pips at 14:00``."""
        said = f"evaluated {self.dealt_with} of {self.due} closes {when}"
        if self.nearest is None:
            return said
        at = format_instant(self.nearest.close)[11:16]
        return f"{said}, nearest cross {self.nearest.pips:.1f} pips at {at}"


def today(now: float) -> Instant:
    """Return the midnight of UTC that was last."""
    return int(now) // DAY * DAY


def closes_today(
    strategy: Strategy,
    loaded: Loaded,
    now: float,
    noted: NearestByName,
    *,
    counted: bool,
) -> ScheduledCloses | None:
    """Count the closes of a strategy since midnight, UTC; see ``closes_since``."""
    return closes_since(strategy, loaded, today(now), now, nearest_of(strategy, noted), counted=counted)


def nearest_of(strategy: Strategy, noted: NearestByName) -> NearestGap | None:
    """Return what is noted of a strategy, by gap and open of the candle."""
    found = noted.get(strategy.name)
    return None if found is None else NearestGap(found[0], strategy.granularity.close_of(found[1]))


def closes_since(
    strategy: Strategy,
    loaded: Loaded,
    since: Instant,
    now: float,
    nearest: NearestGap | None = None,
    *,
    counted: bool = True,
) -> ScheduledCloses | None:
    """Count the closes of a strategy; None where it is not enabled, or was not started yet.

    A cursor passes only what was taken in or had no price, so all closes up to it are dealt with; ``nearest`` is noted.

    Args:
        strategy: which one.
        loaded: what is stored of it.
        since: beginning of the span.
        now: its end, epoch seconds.
        counted: what is stored holds counts, which tell what was before the first start.
    """
    if loaded.cursor is None or not strategy.enabled:
        return None
    granularity, until = strategy.granularity, int(now)
    last = min(until, granularity.close_of(loaded.cursor))
    done, open_ = closes_between(strategy, since, last), closes_between(strategy, max(since, last), until)
    if counted:
        done = min(done, loaded.counts.evaluated)
    missed = strategy.market_hours.next_close(granularity, max(since, last))
    patience = min(LONGEST_DELAY, max(granularity.seconds, MINUTE))
    return ScheduledCloses(done + open_, done, open_ > 0 and now - missed >= patience, nearest)


def closes_between(strategy: Strategy, after: Instant, until: Instant) -> int:
    """Count the scheduled closes after one instant, up to and including another."""
    return sum(_closes_of_days(strategy, after, until))


def _closes_of_days(strategy: Strategy, after: Instant, until: Instant) -> Iterable[int]:
    hours, granularity, at = strategy.market_hours, strategy.granularity, after
    while at < until:
        if granularity.seconds <= HOUR:
            # Short candles divide the hour, so those of an open day need not be gone through.
            end = min(until, _day_end(at))
            yield (end // granularity.seconds - at // granularity.seconds) * hours.is_open(at)
            at = end
        else:
            at = hours.next_close(granularity, at)
            yield at <= until


def _day_end(at: Instant) -> Instant:
    return new_york_day_start(trading_day(at) + timedelta(days=1))
