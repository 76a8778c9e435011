"""What a calendar said when is kept, so that no later reading changes what was decided by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ninja_daemon.adapters.journal.history.news import SqliteNews, news_path
from ninja_daemon.core.filters.quiet_around import Quiet, quiet_times
from ninja_daemon.core.market.news import NewsEvent

DAY = 86_400
RATE = NewsEvent(10 * DAY, "USD", "high", "Rate")
QUIET = Quiet(("high", "low"), 3_600, 3_600)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteNews]:
    made = SqliteNews(news_path(tmp_path, "redis", "ninja"))
    yield made
    made.close()


def standing(file: SqliteNews) -> list[NewsEvent]:
    return [known.event for known in file.calendar(DAY).events if known.until is None]


def test_an_event_that_is_put_off_was_known_at_its_old_time_until_then(file: SqliteNews) -> None:
    later = RATE._replace(time=RATE.time + 1_800)
    file.take([RATE, RATE._replace(time=12 * DAY)], 1_000, 900)
    file.take([later, RATE._replace(time=12 * DAY)], 5_000, 4_900)
    assert [(one.event.time, one.since, one.until) for one in file.calendar(DAY).events] == [
        (RATE.time, 1_000, 5_000),
        (later.time, 5_000, None),
        (12 * DAY, 1_000, None),
    ]
    assert file.calendar(7).begun == 1_000
    assert file.last_reading() == (5_000, 4_900)


def test_a_reading_says_nothing_of_what_lies_outside_of_it_or_is_past(file: SqliteNews) -> None:
    next_week, past = RATE._replace(time=17 * DAY), RATE._replace(time=1 * DAY)
    file.take([past, RATE, next_week], 1_000, 1_000)
    file.take([RATE, RATE._replace(time=11 * DAY)], 2 * DAY, 2 * DAY)
    assert {past, next_week} <= set(standing(file))
    file.take([], 3 * DAY, 3 * DAY)
    assert len(standing(file)) == 4
    file.take([next_week._replace(time=9 * DAY), next_week], 4 * DAY, 4 * DAY)
    assert RATE not in standing(file)


def test_an_address_is_asked_once_in_a_while_by_all_who_share_the_file(file: SqliteNews) -> None:
    other = SqliteNews(file.path)
    assert file.may_ask(1_000, 3_600)
    assert not other.may_ask(4_599, 3_600)
    assert other.may_ask(4_600, 3_600)
    assert file.may_ask(100, 3_600)  # the clock was set back
    other.close()


EVENTS = st.builds(
    NewsEvent,
    st.integers(0, 40).map(lambda hours: hours * 1_800),
    st.sampled_from(("USD", "EUR")),
    st.sampled_from(("high", "low")),
    st.sampled_from(("Rate", "Jobs")),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=st.lists(st.tuples(st.lists(EVENTS, max_size=8), st.integers(1, 9_000)), min_size=2, max_size=6))
def test_no_later_reading_changes_a_verdict(tmp_path: Path, readings: list[tuple[list[NewsEvent], int]]) -> None:
    path, at, verdicts = tmp_path / "calendar.sqlite3", 0, dict[int, NewsEvent | None]()
    path.unlink(missing_ok=True)
    file = SqliteNews(path)
    for events, pause in readings:
        at += pause
        file.take(events, at, at)
        times = quiet_times(QUIET, "EUR_USD", file.calendar(DAY))
        assert {close: times.at(close) for close in verdicts} == verdicts
        # What closes until the next reading is judged by this one.
        verdicts |= {close: times.at(close) for close in range(at, at + pause, 1_700)}
        verdicts = {close: event for close, event in verdicts.items() if close < at + 1}
    file.close()
