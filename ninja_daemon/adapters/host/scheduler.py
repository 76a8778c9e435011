"""The schedule on APScheduler 3: a hint when to look, never the record of what was done.

APScheduler by default drops a run that is a second late, counts missed runs up, and swallows a job's exception. Here a
late run is made at once, several missed ones become one, and an exception reaches the caller, who ends the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours

LONGEST_WAIT: Final = 5.0
"""Seconds that the scheduler sleeps at most, so that a step of the machine's clock is noticed this soon."""


class CandleCloseTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler is untyped
    """Fires a little after each close of a candle in which the market was open.

    Looks at the clock alone, not at the previous run: after a step of the clock the next run is the next close of the
    new time. A run too many changes nothing, one too few would be silence.
    """

    def __init__(self, granularity: Granularity, hours: MarketHours, delay: float) -> None:
        """Fire ``delay`` seconds after each close."""
        self.granularity = granularity
        self.hours = hours
        self.delay = timedelta(seconds=delay)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next moment, later than ``now``, in UTC."""
        del previous_fire_time
        after = (now - self.delay).timestamp()
        close = self.hours.next_close(self.granularity, int(after // 1))
        return datetime.fromtimestamp(close, UTC) + self.delay


class _WakefulScheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler is untyped
    """A background scheduler that looks at the clock at least every ``LONGEST_WAIT`` seconds."""

    def _process_jobs(self) -> float:
        wait: float | None = super()._process_jobs()
        return LONGEST_WAIT if wait is None else min(wait, LONGEST_WAIT)


class Scheduler:
    """Jobs at candle closes and at intervals, each in one thread at a time."""

    def __init__(self, *, threads: int, on_error: Callable[[BaseException], None]) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            threads: jobs that may run at the same time.
            on_error: called in the job's thread with any exception that a job lets out.
        """
        # A job that still runs when it is due again is no news: the next look finds whatever it missed.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._closes: list[Job] = []
        self._scheduler = _WakefulScheduler(
            executors={"default": ThreadPoolExecutor(threads)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

        def report(event: JobExecutionEvent) -> None:
            on_error(event.exception)

        self._scheduler.add_listener(report, EVENT_JOB_ERROR)

    def at_candle_close(
        self,
        granularity: Granularity,
        hours: MarketHours,
        delay: float,
        job: Callable[[Granularity, MarketHours], None],
    ) -> None:
        """Run ``job`` ``delay`` seconds after each close."""
        trigger = CandleCloseTrigger(granularity, hours, delay)
        self._closes.append(self._scheduler.add_job(job, trigger, args=(granularity, hours)))

    def forget_closes(self) -> None:
        """Run nothing at closes any more; what runs goes on."""
        for job in self._closes:
            job.remove()
        self._closes.clear()

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Run ``job`` at once and then every that many seconds."""
        first = datetime.now(UTC)
        self._scheduler.add_job(job, IntervalTrigger(seconds=seconds, timezone=UTC), next_run_time=first)

    def soon(self, job: Callable[[], None]) -> None:
        """Run ``job`` once, as soon as a thread is free."""
        self._scheduler.add_job(job)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start no more jobs; those that run are left to end by themselves."""
        self._scheduler.shutdown(wait=False)
