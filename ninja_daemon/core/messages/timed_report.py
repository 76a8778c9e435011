"""Messages that come by the clock: the daily report, the week's results, the head of the record, near crosses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo


class Topic(StrEnum):
    """What a timed report is about: the ``kind`` of its notice."""

    HEARTBEAT = "heartbeat"
    RESULTS = "results"
    RECORD = "record"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class TimedReport:
    """When a report is sent, and to whom.

    Attributes:
        minute: minute of the day at which it is sent.
        time_zone: IANA name of the zone of that clock.
        to: destinations.
        weekday: day of the week on which it is sent, Monday is 0; None for every day.
    """

    minute: int
    time_zone: str
    to: tuple[str, ...]
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class NearDigest:
    """When a digest of near crosses is sent, and to whom.

    Attributes:
        within_pips: how near the averages must be to each other.
        before: seconds before a close.
        to: destinations.
    """

    within_pips: Decimal
    before: float
    to: tuple[str, ...]


def due_since(report: TimedReport, now: float) -> tuple[str, float]:
    """Return the date of the newest report that is due, and when it became due (epoch seconds)."""
    zone = ZoneInfo(report.time_zone)
    today = datetime.fromtimestamp(now, zone).date()
    clock = time(report.minute // 60, report.minute % 60)
    for day in (today - timedelta(days=back) for back in range(8)):
        at = datetime.combine(day, clock, zone).timestamp()
        if at <= now and report.weekday in {None, day.weekday()}:
            return day.isoformat(), at
    return today.isoformat(), now  # A clock change can push all of them behind now only in theory.
