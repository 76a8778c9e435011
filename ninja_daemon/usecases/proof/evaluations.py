"""What is noted of scheduled closes, and the one verdict of each (contract 9.1).

The notes say what candles cannot tell: when a candle was taken in and by whom, or since when and why none was.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.proof.noted import Evaluation, Notes

SEEN_EVERY: Final = 60
"""Seconds between two notes that a daemon works."""
NO_PRICES: Final = "the broker has no candle of it: there was no price"
NO_DAEMON: Final = "no daemon worked at that time"
NOT_NOTED: Final = "taken in; when was not noted"
NOT_ENABLED: Final = "enabled = false in the configuration"
NOT_YET: Final = "not taken in yet"


class Became(Enum):
    """What became of a scheduled close."""

    EVALUATED = "evaluated"
    NO_CANDLE = "no candle"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True, slots=True)
class CloseVerdict:
    """What became of one scheduled close.

    Attributes:
        time: open of the candle that closed.
        close: when it closed.
        became: the verdict.
        evaluation: the note of its evaluation; None when there is none.
        why: why it was not evaluated, or why there is no note of it; empty otherwise.
        since: since when that reason held; None when that is not known.
    """

    time: Instant
    close: Instant
    became: Became
    evaluation: Evaluation | None = None
    why: str = ""
    since: Instant | None = None


def scheduled(strategy: Strategy, since: Instant, until: Instant) -> Iterator[tuple[Instant, Instant]]:
    """Go through open and close of the candles that close after ``since``, up to and including ``until``."""
    hours, granularity = strategy.market_hours, strategy.granularity
    close = hours.next_close(granularity, since)
    while close <= until:
        yield granularity.open_at(close - 1), close
        close = hours.next_close(granularity, close)


class CloseJudge:
    """Gives scheduled closes of one strategy their verdicts."""

    def __init__(
        self, strategy: Strategy, notes: Notes, cursor: Instant | None, known: Container[Instant] | None = None
    ) -> None:
        """Prepare.

        Args:
            strategy: whose closes.
            notes: what is noted of it.
            cursor: open of the last candle taken in; None before the first.
            known: opens of the candles that the broker has; None where nobody asked it.
        """
        self._strategy = strategy
        self._notes = notes
        self._cursor = cursor
        self._known = known
        self._first = min(notes.evaluations, default=None)

    def each(self, since: Instant, until: Instant) -> Iterator[CloseVerdict]:
        """Judge the closes after ``since``, up to and including ``until``, one after the other."""
        return (self._verdict(time, close) for time, close in scheduled(self._strategy, since, until))

    def _verdict(self, time: Instant, close: Instant) -> CloseVerdict:
        evaluation = self._notes.evaluations.get(time)
        if evaluation is not None:
            return CloseVerdict(time, close, Became.EVALUATED, evaluation)
        if self._cursor is not None and time <= self._cursor:
            return self._behind_cursor(time, close)
        # A process that noted an absence may have ended since.
        is_present = any(one.since <= close <= one.until + SEEN_EVERY for one in self._notes.presences)
        for absence in reversed(self._notes.absences):
            holds = absence.since <= close and (absence.until is None or close < absence.until)
            if holds and (is_present or absence.why == NOT_ENABLED or not self._notes.presences):
                return CloseVerdict(time, close, Became.NOT_EVALUATED, why=absence.why, since=absence.since)
        if is_present:
            return CloseVerdict(time, close, Became.NOT_EVALUATED, why=NOT_YET)
        return CloseVerdict(time, close, Became.NOT_EVALUATED, why=NO_DAEMON, since=self._last_seen(close))

    def _behind_cursor(self, time: Instant, close: Instant) -> CloseVerdict:
        """Judge a close that the cursor has passed: its candle was taken in, or there is none."""
        is_before_notes = self._first is None or self._first >= time
        if is_before_notes if self._known is None else time in self._known:
            return CloseVerdict(time, close, Became.EVALUATED, why=NOT_NOTED)
        return CloseVerdict(time, close, Became.NO_CANDLE, why=NO_PRICES)

    def _last_seen(self, close: Instant) -> Instant | None:
        return max((int(one.until) for one in self._notes.presences if one.until < close), default=None)
