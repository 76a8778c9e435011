"""The schedule: when it fires, and that a job's error is not swallowed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, strategies as st

from ninja_daemon.adapters.host.scheduler import LONGEST_WAIT, CandleCloseTrigger, Scheduler, _WakefulScheduler
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours

DELAY = 0.5


def times_after(granularity: Granularity, hours: MarketHours, start: str, count: int) -> list[str]:
    trigger = CandleCloseTrigger(granularity, hours, DELAY)
    now, fired = datetime.fromisoformat(start), []
    for _ in range(count):
        now = trigger.get_next_fire_time(None, now)
        fired.append(now.isoformat())
    return fired


def test_it_fires_after_each_close_and_sleeps_over_a_weekend_of_a_clock_change() -> None:
    assert times_after(Granularity.H4, MarketHours.FX, "2026-03-06T17:00:00+00:00", 4) == [
        "2026-03-06T18:00:00.500000+00:00",
        "2026-03-06T22:00:00.500000+00:00",
        "2026-03-09T01:00:00.500000+00:00",
        "2026-03-09T05:00:00.500000+00:00",
    ]


def test_a_daily_schedule_closes_on_friday_and_opens_with_mondays_candle() -> None:
    assert times_after(Granularity.D, MarketHours.FX, "2026-10-29T22:00:00+00:00", 3) == [
        "2026-10-30T21:00:00.500000+00:00",
        "2026-11-02T22:00:00.500000+00:00",
        "2026-11-03T22:00:00.500000+00:00",
    ]


@given(
    st.sampled_from(list(Granularity)),
    st.sampled_from(list(MarketHours)),
    st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - hypothesis wants them naive
    st.integers(-12, 14),
)
def test_it_always_fires_later_than_now_and_in_utc(
    granularity: Granularity, hours: MarketHours, now: datetime, offset: int
) -> None:
    aware = now.replace(tzinfo=timezone(timedelta(hours=offset)))

    fires = CandleCloseTrigger(granularity, hours, DELAY).get_next_fire_time(None, aware)

    assert fires is not None
    assert fires > aware
    assert fires.utcoffset() == timedelta(0)
    assert granularity.is_border(int(fires.timestamp()))


def test_after_a_step_of_the_clock_it_goes_by_the_new_time() -> None:
    trigger = CandleCloseTrigger(Granularity.M1, MarketHours.ALWAYS, DELAY)
    before = datetime(2026, 1, 5, 12, 0, 0, 500_000, tzinfo=UTC)
    stepped_back = datetime(2026, 1, 5, 11, 0, 30, tzinfo=UTC)

    assert trigger.get_next_fire_time(before, stepped_back) == datetime(2026, 1, 5, 11, 1, 0, 500_000, tzinfo=UTC)


def test_the_scheduler_never_sleeps_longer_than_five_seconds() -> None:
    scheduler = _WakefulScheduler(timezone=UTC)
    scheduler.start(paused=True)
    try:
        assert scheduler._process_jobs() <= LONGEST_WAIT
    finally:
        scheduler.shutdown()


def test_an_error_of_a_job_reaches_the_caller() -> None:
    errors: list[BaseException] = []
    seen = threading.Event()

    def note(error: BaseException) -> None:
        errors.append(error)
        seen.set()

    def fail() -> None:
        message = "nobody expected this"
        raise RuntimeError(message)

    scheduler = Scheduler(threads=1, on_error=note)
    scheduler.every(60, fail)
    scheduler.start()
    try:
        assert seen.wait(5)
    finally:
        scheduler.stop()
    assert str(errors[0]) == "nobody expected this"
