"""The week's results and the record's head: when they come, what they say, and that each comes once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history.record import entries_of
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.stored.alert import decode_notice
from ninja_daemon.adapters.stored.open_signals import encode_terms
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.notifier.timed_reports import TimedReporter, head_text, results_text, timed_reporters
from ninja_daemon.app.queues.opening import local_queue_file, record_file
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.routing import MATCH_ALL, Route
from ninja_daemon.core.messages.timed_report import TimedReport, Topic, due_since
from ninja_daemon.core.outcomes.open_signal import Terms
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from tests.fakes.bench import Bench, LocalGround
from tests.fakes.messages import a_signal, an_outcome

SATURDAY = TimedReport(9 * 60, "Europe/Berlin", ("club",), 5)
SERIES = Series("EUR_USD", Granularity.H4, PriceSide.MID)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return read_environment({"NINJA_STATE_DIR": str(tmp_path / "state"), "CACHE_ENABLED": "false"}, tmp_path)


@pytest.fixture
def queue(environment: Environment) -> Iterator[StoredQueue]:
    with closing(local_queue_file(environment)) as file:
        yield StoredQueue(LocalQueueStore(file))


def recorded(environment: Environment, days: list[float], open_: int = 0) -> None:
    """Record signals that ended at these instants, and some that are open."""
    signals = [a_signal(number) for number in range(len(days) + open_)]
    outcomes = [
        an_outcome(number, exit_time=int(end), r=Decimal(-1) if number % 2 else Decimal("1.5"))
        for number, end in enumerate(days)
    ]
    terms = [encode_terms(one.id, SERIES, Terms(False, 1_000, Decimal(0), -4)) for one in signals]
    entries = entries_of(list(map(encode_signal, signals)), [*terms, *map(encode_outcome, outcomes)])
    with closing(record_file(environment)) as record:
        record.append(entries)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-28T07:59:59", "2026-11-21"),
        ("2026-11-28T08:00:00", "2026-11-28"),
        ("2026-12-04T23:00:00", "2026-11-28"),
        ("2026-03-28T08:00:00", "2026-03-28"),
        ("2026-04-04T06:59:59", "2026-03-28"),
        ("2026-04-04T07:00:00", "2026-04-04"),
    ],
)
def test_a_weekly_report_is_due_on_its_day_by_the_readers_clock(now: str, day: str) -> None:
    assert due_since(SATURDAY, at(now))[0] == day


def test_the_results_are_those_of_the_week_with_the_honest_sentence(environment: Environment) -> None:
    until = at("2026-11-28T08:00:00")
    recorded(environment, [until - 8 * 86_400, until - 7 * 86_400 + 1, until - 60, until, until + 1], open_=1)
    text = results_text(environment, until)
    assert text.splitlines() == [
        "3 signals ended, -0.5 R.",
        "EUR_USD_H4: -0.5 R, 1 of 3 in profit",
        "Since the beginning 5 ended, +2.5 R: too few closed signals for a verdict (5, 30 at least).",
    ]


def test_a_report_is_put_on_the_list_once_a_process_and_dropped_if_it_was_there(
    environment: Environment, queue: StoredQueue
) -> None:
    recorded(environment, [])
    delivery = Delivery((), (Route(MATCH_ALL, ()),), ("ops",), results=SATURDAY)
    ground = LocalGround(local_queue_file(environment).path)
    with closing(ground.file):
        bench = Bench(ground)
        for _ in range(2):
            (reporter,) = timed_reporters(environment, delivery, queue)
            assert reporter.tick(at("2026-11-28T08:00:05"))
            assert not reporter.tick(at("2026-11-28T08:00:10"))
        assert bench.drains(delivery, kind=Kind.ALERT).lanes == {"club"}
        assert bench.counters() == {"drained": 1, "repeated": 1}


def test_the_head_of_the_record_is_told_with_the_way_to_check_it(environment: Environment, queue: StoredQueue) -> None:
    daily = TimedReport(0, "UTC", ("club",))
    empty = TimedReporter(Topic.RECORD, daily, lambda _: head_text(environment), queue)
    assert not empty.tick(at("2026-11-28T08:00:00")), "no record, nothing to tell"
    recorded(environment, [at("2026-11-27T08:00:00")])
    with closing(record_file(environment)) as record:
        head = record.head()
    assert TimedReporter(Topic.RECORD, daily, lambda _: head_text(environment), queue).tick(at("2026-11-29T08:00:00"))
    with closing(local_queue_file(environment)) as file, file.reading() as connection:
        (text,) = connection.execute("SELECT alert FROM queue_alerts").fetchone()
    notice = decode_notice(text)
    assert (notice.id, notice.topic) == ("record-2026-11-29", "record")
    assert f"Line {head.lines} of the record ends in {head.chain}." in notice.text


def test_a_record_that_was_changed_gives_no_results_and_says_so(environment: Environment) -> None:
    recorded(environment, [0.0])
    with closing(record_file(environment)) as record, record.session() as connection:
        connection.execute("UPDATE record SET line = '{}' WHERE n = 1")
    with pytest.raises(StateUnreadable, match="verify"):
        results_text(environment, 1.0)
