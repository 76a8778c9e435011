"""The daily sign of life."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.alert import decode_notice
from ninja_daemon.app.notifier.daily_report import DailyReporter, report_text
from ninja_daemon.app.status.closes_today import NearestGap, closes_since
from ninja_daemon.app.status.strategy_figures import strategy_figures
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.messages.timed_report import TimedReport, due_since
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from ninja_daemon.usecases.ports import Counts, Loaded

BERLIN = TimedReport(8 * 60, "Europe/Berlin", ("ops",))
STRATEGIES = (
    Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 3, 5),
    Strategy("GBP_JPY_H4", "GBP_JPY", Granularity.H4, 3, 5),
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


def loaded(evaluated: int, crosses: int) -> Loaded:
    return Loaded(None, "", None, None, None, Counts(evaluated=evaluated, crosses=crosses, signals=crosses))


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2026-07-01T07:59:59", "2026-06-30"),
        ("2026-07-01T08:00:00", "2026-07-01"),
        ("2026-07-01T23:59:59", "2026-07-01"),
        ("2026-03-29T08:00:00", "2026-03-29"),
        ("2026-10-25T07:59:00", "2026-10-24"),
    ],
)
def test_a_report_is_due_from_its_hour_on_the_readers_clock(clock: str, day: str) -> None:
    assert due_since(BERLIN, at(clock))[0] == day


def test_the_report_counts_since_the_last_one() -> None:
    figures = [strategy_figures(one, loaded(130, 4), at("2026-07-01T08:00:00")) for one in STRATEGIES]
    text = report_text(figures, {"day": "2026-06-30", "evaluated": 248, "crosses": 7, "signals": 8})
    assert "2 strategies, since the last report: 12 candles evaluated, 1 crosses, 0 signals." in text


def test_without_redis_the_report_says_who_is_behind_and_claims_no_counts() -> None:
    figures = [strategy_figures(one, loaded(0, 0), at("2026-07-01T08:00:00")) for one in STRATEGIES]
    assert report_text(figures, {}, counted=False) == "2 strategies.\nEvery strategy is up to date."


def test_counts_that_were_lost_meanwhile_are_never_negative() -> None:
    figures = [strategy_figures(one, loaded(3, 0), at("2026-07-01T08:00:00")) for one in STRATEGIES]
    assert "6 candles evaluated, 0 crosses" in report_text(figures, {"evaluated": 10_000, "crosses": 5})


def test_the_report_says_of_each_strategy_how_many_closes_were_evaluated() -> None:
    at_noon = parse_instant("2026-07-01T12:00:00Z")
    texts = []
    for open_of_last in ("2026-07-01T05:00:00Z", "2026-07-01T01:00:00Z"):
        stored = loaded(130, 4)._replace(cursor=parse_instant(open_of_last))
        nearest = NearestGap(Decimal("4.1"), parse_instant("2026-07-01T09:00:00Z"))
        closes = closes_since(STRATEGIES[0], stored, at_noon - 86_400, at_noon, nearest)
        texts.append(report_text([replace(strategy_figures(STRATEGIES[0], stored, at_noon), closes=closes)], {}))
    assert "EUR_USD_H4: evaluated 6 of 6 closes in 24 h, nearest cross 4.1 pips at 09:00." in texts[0]
    assert "EUR_USD_H4: MISSING, evaluated 5 of 6 closes in 24 h, nearest cross 4.1 pips at 09:00." in texts[1]


@pytest.fixture
def queue(redis_url: str) -> Iterator[StoredQueue]:
    client = connect(redis_url, name="test")
    yield StoredQueue(RedisQueueStore(client, QueueKeys("t")))
    client.close()


def load(strategies: Sequence[Strategy]) -> dict[str, Loaded]:
    return {one.name: loaded(10, 1) for one in strategies}


def test_it_is_sent_once_a_day_however_many_notifiers_there_are(queue: StoredQueue, redis_url: str) -> None:
    first = DailyReporter(BERLIN, STRATEGIES, load, queue)
    second = DailyReporter(BERLIN, STRATEGIES, load, queue)
    assert first.tick(at("2026-07-01T08:00:01"))
    assert not second.tick(at("2026-07-01T08:00:02"))
    assert not first.tick(at("2026-07-02T07:59:59"))
    assert second.tick(at("2026-07-02T08:00:00"))
    client = connect(redis_url, name="test")
    sent = [decode_notice(str(text)) for text in client.lrange(QueueKeys("t").alerts, 0, -1)]
    client.close()
    assert [notice.id for notice in sent] == ["daily-2026-07-01", "daily-2026-07-02"]
    assert {notice.topic for notice in sent} == {"heartbeat"}
    assert json.loads(queue.kept_figures())["evaluated"] == 20


def test_figures_that_cannot_be_read_do_not_stop_it(queue: StoredQueue) -> None:
    queue.keep_figures("not json")
    assert DailyReporter(BERLIN, STRATEGIES, load, queue).tick(at("2026-07-01T08:00:01"))
