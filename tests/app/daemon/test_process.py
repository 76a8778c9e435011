"""The daemon's jobs, called as the scheduler calls them, on a clock that stands still."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from ninja_daemon.adapters.host.scheduler import CandleCloseTrigger
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.app.monitoring import all_is_well
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.core.completion_delays import LONGEST_DELAY
from ninja_daemon.core.errors import (
    BrokerDenied,
    BrokerUnavailable,
    CandleRejected,
    ConfigError,
    JournalUnavailable,
    NinjaError,
    StoreUnavailable,
)
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.polling import Watch
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched, Traffic, Wanted, WantedHistory
from ninja_daemon.usecases.ports import Lease
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

START = 1_600_000_200
FIFTEEN = Strategy("FIFTEEN", "EUR_USD", Granularity.M15, 2, 4, atr_period=2, market_hours=MarketHours.ALWAYS)
OTHER = replace(FIFTEEN, name="OTHER", instrument="GBP_USD")


@dataclass
class SlowBroker(FakeBroker):
    """Shows its newest candles only after it has been asked for newer ones that many times."""

    asks_before_new: int = 0

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        self.asks_before_new -= 1
        if self.asks_before_new >= 0:
            shown = {request: super(SlowBroker, self).newer([request])[request] for request in wanted}
            return {
                request: answer._replace(candles=(), forming=None) if isinstance(answer, Fetched) else answer
                for request, answer in shown.items()
            }
        return super().newer(wanted)


def candles(count: int) -> list[Candle]:
    closes = [110_000 + (40 if number // 6 % 2 else -40) * (number % 6) for number in range(count)]
    return [Candle(START + 900 * number, close, close + 5, close - 5, close) for number, close in enumerate(closes)]


@dataclass
class Stage:
    """A daemon, its broker and its clock."""

    daemon: Daemon
    broker: SlowBroker
    clock: FakeClock
    client: redis.Redis
    keys: Keys
    store: FailoverStore
    journal: SqliteJournal

    def close_of(self, number: int, strategy: Strategy = FIFTEEN) -> None:
        """Let candle number ``number`` be the newest complete one, and the clock stand at its close."""
        for series in self.broker.candles:
            self.broker.newest[series] = START + 900 * number
        self.clock.time = START + 900 * (number + 1)
        self.daemon.on_close(strategy.granularity, strategy.market_hours)

    def cursor(self, strategy: Strategy = FIFTEEN) -> int | None:
        store = RedisStateStore(self.client, self.keys)
        return store.load([strategy])[strategy.name].cursor


def spooling(redis_store: RedisStateStore, journal: SqliteJournal, clock: FakeClock) -> FailoverStore:
    return FailoverStore(redis_store, journal, clock=clock, is_shared=False, push_alert=lambda *_: None)


@pytest.fixture
def stage(redis_url: str, tmp_path: Path) -> Iterator[Stage]:
    client = connect(redis_url, name="test")
    clock = FakeClock(START + 900 * 30 + 1.0)
    broker = SlowBroker(
        {name: Instrument(name, 5, -4) for name in ("EUR_USD", "GBP_USD")},
        {FIFTEEN.series: candles(200), OTHER.series: candles(200)},
    )
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    keys = Keys("test")
    store = spooling(RedisStateStore(client, keys), journal, clock)
    daemon = Daemon(
        [FIFTEEN, OTHER],
        source=broker,
        store=store,
        journal=journal,
        clock=clock,
        on_crash=lambda error: pytest.fail(str(error)),
    )
    stage = Stage(daemon, broker, clock, client, keys, store, journal)
    for series in broker.candles:
        broker.newest[series] = START + 900 * 29
    yield stage
    journal.close()
    client.close()


def begin(stage: Stage) -> None:
    stage.daemon.renew_lease()
    stage.daemon.retry()


def test_a_daemon_that_becomes_active_catches_up_at_once(stage: Stage) -> None:
    with capture_logs() as logs:
        begin(stage)

    assert stage.cursor() == START + 900 * 29
    assert [entry["event_id"] for entry in logs if "event_id" in entry][:1] == ["leader.active"]


def test_a_wake_says_one_summary_line(stage: Stage) -> None:
    begin(stage)
    with capture_logs() as logs:
        stage.close_of(30)

    (line,) = [entry for entry in logs if entry.get("event_id") == "wake"]
    assert line["event"].startswith("incremental fetch: 2 new candles for 2 strategies in ")
    assert line["hit_ratio"] == "50.0%"


def test_the_broker_is_asked_until_it_marks_the_candle_complete(stage: Stage) -> None:
    begin(stage)
    stage.broker.asks_before_new = 3
    stage.clock.waits.clear()

    stage.close_of(30)

    assert stage.cursor() == START + 900 * 30
    assert len(stage.clock.waits) == 4
    assert 1.0 < sum(stage.clock.waits) < 5.0


def test_patience_ends_and_the_strategy_is_tried_again_later(stage: Stage) -> None:
    begin(stage)
    stage.broker.asks_before_new = 10_000
    stage.close_of(30)
    waited = sum(stage.clock.waits)
    assert LONGEST_DELAY <= waited <= LONGEST_DELAY + 10
    assert stage.cursor() == START + 900 * 29

    stage.broker.asks_before_new = 0
    stage.clock.time += 15
    stage.daemon.retry()

    assert stage.cursor() == START + 900 * 30


def test_a_candle_that_forms_after_the_close_proves_a_quiet_period(stage: Stage) -> None:
    begin(stage)
    stage.broker.forming = dict.fromkeys(stage.broker.candles, START + 900 * 31)
    stage.clock.waits.clear()
    for series in stage.broker.candles:
        stage.broker.newest[series] = START + 900 * 29
    stage.clock.time = START + 900 * 31

    stage.daemon.on_close(Granularity.M15, MarketHours.ALWAYS)

    assert len(stage.clock.waits) == 1


def test_looks_come_sooner_when_candles_are_always_complete_at_once(stage: Stage) -> None:
    begin(stage)
    for number in range(30, 60):
        stage.close_of(number)
    stage.clock.waits.clear()

    stage.close_of(60)
    stage.daemon.renew_lease()

    assert sum(stage.clock.waits) < 0.1
    figures = stage.daemon.figures.completion_delay["M15"]
    assert (figures.closes, figures.looks) == (31, 31)
    assert figures.last < 0.1
    bins, total = figures.spread.cumulated()
    assert dict(bins)["+Inf"] == 2 * 31, "two series at each close"
    assert total >= figures.last
    beat = json.loads(stage.client.get(stage.keys.heartbeat) or "{}")
    assert beat["completion_delay"]["M15"]["closes"] == 31
    assert beat["completion_delay"]["M15"]["last"] == round(figures.last, 3)


def test_a_broker_that_was_away_teaches_nothing_wrong(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(stage)
    watched: list[Watch] = []
    monkeypatch.setattr(stage.daemon._look_schedule, "learn", lambda _, watch: watched.append(watch))
    stage.broker.failing = dict.fromkeys(stage.broker.candles, BrokerUnavailable("away"))
    waited = stage.clock.wait

    def back_after_half_a_minute(stop: threading.Event, seconds: float) -> bool:
        if stage.clock.time > START + 900 * 31 + 30:
            stage.broker.failing.clear()
        return waited(stop, seconds)

    monkeypatch.setattr(stage.clock, "wait", back_after_half_a_minute)
    stage.close_of(30)

    assert stage.cursor() == START + 900 * 30
    (found,) = watched[-1].found
    assert found.earlier == 0.0
    assert found.later > 30


def test_a_closed_market_costs_nothing(stage: Stage) -> None:
    """From Friday's last close to Sunday evening no request is sent, while lease and heartbeat go on."""
    friday = parse_instant("2020-09-18T21:00:00Z")  # 17:00 in New York
    series = FIFTEEN.series
    opens = range(friday - 900 * 60, friday, 900)
    stage.broker.candles = {series: [Candle(at, 110_000, 110_005, 109_995, 110_000 + at // 900 % 7) for at in opens]}
    stage.broker.newest.clear()
    weekly = replace(FIFTEEN, market_hours=MarketHours.FX)
    daemon = Daemon(
        [weekly],
        source=stage.broker,
        store=stage.store,
        journal=stage.journal,
        clock=stage.clock,
        on_crash=lambda error: pytest.fail(str(error)),
    )
    stage.clock.time = friday
    daemon.renew_lease()
    daemon.on_close(weekly.granularity, weekly.market_hours)
    asked = len(stage.broker.asked)
    assert asked

    trigger = CandleCloseTrigger(weekly.granularity, weekly.market_hours, 0.0)
    next_run = trigger.get_next_fire_time(None, datetime.fromtimestamp(stage.clock.time, UTC))
    while stage.clock.time < next_run.timestamp():
        stage.clock.time += 600
        daemon.renew_lease()
        daemon.retry()

    assert next_run.isoformat() == "2020-09-20T21:15:00+00:00"
    assert len(stage.broker.asked) == asked


def test_one_series_that_fails_holds_up_no_other_and_is_said_once(stage: Stage) -> None:
    begin(stage)
    stage.broker.failing[OTHER.series] = BrokerUnavailable("the broker did not answer within 20 s")
    with capture_logs() as logs:
        stage.close_of(30)

    assert stage.cursor() == START + 900 * 30
    assert stage.cursor(OTHER) == START + 900 * 29
    said = [entry for entry in logs if "did not answer" in entry["event"]]
    assert 1 <= len(said) <= 2
    assert said[0]["strategies"] == "OTHER"

    del stage.broker.failing[OTHER.series]
    stage.clock.time += 20
    with capture_logs() as logs:
        stage.daemon.retry()
    assert stage.cursor(OTHER) == START + 900 * 30
    assert any("the broker answers again" in entry["event"] for entry in logs)


def test_trouble_with_the_account_is_told_once_an_hour_and_to_the_operator(
    stage: Stage,
) -> None:
    stage.broker.doubt = "the account does not list EUR_USD"
    with capture_logs() as logs:
        begin(stage)
        for number in range(30, 38):
            stage.close_of(number)
        stage.broker.doubt = ""
        stage.close_of(38)

    told = [entry["event"] for entry in logs if entry.get("event_id") == "broker.doubt"]
    assert told == ["the account does not list EUR_USD"] * 2, "in two hours: at the beginning, and an hour later"
    assert [entry["event"] for entry in logs if entry.get("event_id") == "broker.up"] == [
        "the broker's account answers as it should"
    ]
    (alert,) = stage.client.lrange(stage.keys.alerts, 0, -1)
    assert json.loads(alert)["kind"] == "broker_account"
    assert stage.cursor() == START + 900 * 38


def test_a_token_that_is_refused_is_an_alert_for_the_operator(stage: Stage) -> None:
    begin(stage)
    for series in stage.broker.candles:
        stage.broker.failing[series] = BrokerDenied("Insufficient authorization to perform request.")
    stage.close_of(30)
    stage.close_of(31)

    (alert,) = stage.client.lrange(stage.keys.alerts, 0, -1)
    assert json.loads(alert)["kind"] == "broker_denied"


def test_a_second_daemon_stands_by_and_does_nothing(stage: Stage) -> None:
    stage.client.set(stage.keys.leader, "run|elsewhere|x|1|a", ex=30)
    with capture_logs() as logs:
        begin(stage)
        stage.close_of(30)

    assert stage.broker.asked == []
    assert stage.cursor() is None
    assert any(entry.get("event_id") == "leader.standby" for entry in logs)


def test_a_standby_leaves_the_word_to_the_one_who_works(stage: Stage) -> None:
    begin(stage)
    told = json.loads(stage.client.get(stage.keys.heartbeat) or "")
    assert told["state"] == "active", "from the first word on"
    stage.client.set(stage.keys.leader, "run|elsewhere|x|1|a", ex=30)
    stage.client.set(stage.keys.heartbeat, "of the other")
    stage.daemon.renew_lease()
    assert stage.client.get(stage.keys.heartbeat) == "of the other"


def test_a_leader_that_was_overtaken_stops_working(stage: Stage) -> None:
    begin(stage)
    stage.client.set(stage.keys.fence, "99")
    stage.close_of(30)
    assert stage.cursor() == START + 900 * 29
    asked = len(stage.broker.asked)

    stage.close_of(31)

    assert len(stage.broker.asked) == asked


def test_the_heartbeat_tells_what_waits_and_why(stage: Stage) -> None:
    begin(stage)
    stage.broker.failing[OTHER.series] = BrokerUnavailable("the broker did not answer")
    stage.close_of(30)
    stage.daemon.renew_lease()

    beat = json.loads(stage.client.get(stage.keys.heartbeat) or "{}")
    assert (beat["state"], beat["waiting"]) == ("active", {"OTHER": "the broker did not answer"})
    assert beat["evaluated"] == 1
    assert 0 < stage.client.ttl(stage.keys.heartbeat) <= 60


def test_a_first_look_without_any_answer_is_told_before_it_ends(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(stage.broker), "traffic", Traffic({0: 2}, 0, 2, 0))
    stage.daemon.renew_lease()
    beat = json.loads(stage.client.get(stage.keys.heartbeat) or "{}")
    said = "the broker has not answered yet (2 requests); the first look goes on"
    assert beat["waiting"] == {strategy.name: said for strategy in stage.daemon.strategies}


def test_candles_missed_while_a_job_ran_long_are_taken_in_by_the_same_job(stage: Stage) -> None:
    begin(stage)
    stage.broker.newest = {}
    stage.clock.time = START + 900 * 31

    stage.daemon.on_close(Granularity.M15, MarketHours.ALWAYS)

    assert stage.cursor() == START + 900 * 199


def test_a_close_during_a_long_first_start_is_not_left_to_the_next_close(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = FakeBroker.history

    def and_then_a_candle_closes(
        self: FakeBroker, wanted: Collection[WantedHistory]
    ) -> Mapping[WantedHistory, Fetched | NinjaError]:
        answer = asked(self, wanted)
        stage.close_of(30)  # its job finds the strategies at work
        return answer

    monkeypatch.setattr(FakeBroker, "history", and_then_a_candle_closes)
    begin(stage)
    assert stage.cursor() == START + 900 * 29

    stage.daemon.retry()

    assert stage.cursor() == START + 900 * 30


def test_stopping_gives_the_lease_back(stage: Stage) -> None:
    stage.daemon.start()
    stage.daemon.renew_lease()

    assert stage.daemon.stop()
    assert stage.client.get(stage.keys.leader) is None


def test_a_candle_that_comes_minutes_late_is_taken_in_before_the_next_close(stage: Stage) -> None:
    begin(stage)
    stage.broker.asks_before_new = 10_000
    stage.close_of(30)
    for _ in range(20):
        stage.clock.time += 5
        stage.daemon.retry()
    asked = len(stage.broker.asked)
    stage.broker.asks_before_new = 0

    for _ in range(13):
        stage.clock.time += 5
        stage.daemon.retry()

    assert stage.cursor() == START + 900 * 30
    assert len(stage.broker.asked) - asked <= 4


def test_a_candle_that_never_comes_is_explained_and_left_after_an_hour(stage: Stage) -> None:
    begin(stage)
    stage.broker.asks_before_new = 10_000
    with capture_logs() as logs:
        stage.close_of(30)
    assert any(entry.get("event_id") == "candle.missing" for entry in logs)
    stage.daemon.renew_lease()
    beat = json.loads(stage.client.get(stage.keys.heartbeat) or "{}")
    assert beat["waiting"]["FIFTEEN"].startswith("the candle that closed at 20")
    # The same close, seen an hour later: the schedule of a timeframe longer than this one would still wait for it.
    slow = replace(FIFTEEN, granularity=Granularity.D)
    stage.daemon._wakes.try_later(slow, int(stage.clock.time) - 3_700)

    assert slow.name not in stage.daemon._retries


def test_a_refused_candle_is_tried_again_at_growing_distances_only(stage: Stage) -> None:
    begin(stage)
    stage.broker.failing[OTHER.series] = CandleRejected("a candle must be possible")
    stage.close_of(30)
    asked = len(stage.broker.asked)
    for _ in range(24):
        stage.clock.time += 5
        stage.daemon.retry()

    assert 2 <= len(stage.broker.asked) - asked <= 4
    assert stage.cursor() == START + 900 * 30


def test_when_redis_is_back_everything_is_tried_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(stage)

    def away(*_: object, **__: object) -> None:
        message = "Redis cannot be reached"
        raise StoreUnavailable(message)

    with monkeypatch.context() as patch:
        for name in ("load", "lease"):
            patch.setattr(RedisStateStore, name, away)
        with capture_logs() as logs:
            stage.close_of(30)
            for _ in range(8):
                stage.daemon.renew_lease()
        assert sum("Redis cannot be reached" in entry["event"] for entry in logs) == 1
    asked = len(stage.broker.asked)
    with capture_logs() as logs:
        stage.daemon.renew_lease()
        stage.daemon.retry()

    assert len(stage.broker.asked) > asked
    assert stage.cursor() == START + 900 * 30
    assert any(entry["event"] == "Redis is back" for entry in logs)


def test_the_operator_hears_of_a_redis_that_is_away_for_longer_than_a_restart(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(stage)
    told: list[str] = []
    monkeypatch.setattr(stage.store, "_push_alert", lambda kind, *_: told.append(kind))

    def away(*_: object, **__: object) -> None:
        message = "Redis cannot be reached"
        raise StoreUnavailable(message)

    with monkeypatch.context() as patch:
        patch.setattr(RedisStateStore, "lease", away)
        for seconds, kinds in ((0, []), (60, []), (5, ["redis_away"]), (5, ["redis_away"])):
            stage.clock.time += seconds
            stage.daemon.renew_lease()
            assert told == kinds
    stage.daemon.renew_lease()

    (text,) = stage.client.lrange(stage.keys.alerts, 0, -1)
    assert json.loads(text)["kind"] == "redis_back"


# --- whether the outside may be told that all is well ----------------------------------------------------------------


def well(stage: Stage) -> bool:
    return all_is_well(stage.daemon, Liveness(stage.clock))


def lose_redis(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> Lease:
        message = "Redis cannot be reached"
        raise StoreUnavailable(message)

    monkeypatch.setattr(RedisStateStore, "lease", away)
    stage.daemon.renew_lease()


def test_a_daemon_that_works_is_well_and_one_that_waits_for_the_broker_is_not(stage: Stage) -> None:
    begin(stage)
    assert well(stage)
    stage.broker.failing[OTHER.series] = BrokerUnavailable("no answer")
    stage.close_of(30)
    assert not well(stage)
    stage.broker.failing.clear()
    stage.close_of(31)
    assert well(stage)


def test_a_pause_of_prices_is_well_and_a_feed_that_has_died_is_not(stage: Stage) -> None:
    begin(stage)
    stage.broker.asks_before_new = 10_000
    stage.close_of(30)
    assert set(stage.daemon.figures.reasons()) == {"FIFTEEN", "OTHER"}
    assert well(stage)
    stage.clock.time = START + 900 * 31 + 3_600
    assert well(stage)
    stage.clock.time += 2 * 3_600
    assert not well(stage)
    stage.broker.asks_before_new = 0
    stage.close_of(43)
    assert stage.daemon.figures.reasons() == {}
    assert well(stage)


def test_a_daemon_that_has_become_the_standby_waits_for_nothing(stage: Stage) -> None:
    begin(stage)
    stage.broker.failing[OTHER.series] = BrokerUnavailable("no answer")
    stage.close_of(30)
    assert not well(stage)
    stage.client.set(stage.keys.leader, "run|elsewhere|x|1|a")
    stage.daemon.renew_lease()
    assert not stage.daemon.is_active
    assert well(stage)


def test_what_a_lost_redis_held_up_is_not_called_a_missing_candle(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(stage)

    def away(*_: object, **__: object) -> Mapping[str, object]:
        message = "Redis cannot be reached"
        raise StoreUnavailable(message)

    monkeypatch.setattr(FailoverStore, "supposed", away)
    monkeypatch.setattr(FailoverStore, "load", away)
    with capture_logs() as logs:
        stage.close_of(30)
    assert not [entry for entry in logs if entry.get("event_id") == "candle.missing"]
    assert set(stage.daemon.figures.reasons().values()) == {"Redis cannot be reached"}
    monkeypatch.undo()
    stage.close_of(31)
    assert stage.cursor() == START + 900 * 31
    assert "FIFTEEN" not in stage.daemon.figures.reasons()


def test_a_daemon_that_was_overtaken_stands_by_and_misses_nothing(stage: Stage) -> None:
    begin(stage)
    stage.client.set(stage.keys.fence, "99")
    with capture_logs() as logs:
        stage.close_of(30)
    assert [entry.get("event_id") for entry in logs if entry["event_id"] in {"candle.missing", "leader.standby"}] == [
        "leader.standby"
    ]
    assert not stage.daemon.is_active
    assert stage.daemon.figures.reasons() == {}


def test_one_series_may_pause_for_a_day_while_others_have_prices(stage: Stage) -> None:
    begin(stage)
    stage.daemon.figures.lacks([FIFTEEN], {FIFTEEN.name: int(stage.clock.time)})
    since = stage.clock.time
    for hours in (3, 23):
        stage.clock.time = since + 3_600 * hours
        stage.daemon.figures.news_at = int(stage.clock.time)
        assert well(stage)
    stage.clock.time = since + 3_600 * 26
    stage.daemon.figures.news_at = int(stage.clock.time)
    assert list(stage.daemon.troubles()) == ["FIFTEEN"]
    assert not well(stage)


def test_an_active_daemon_is_well_without_redis_as_long_as_its_journal_can_be_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(stage)
    lose_redis(stage, monkeypatch)
    assert well(stage)

    def unreadable() -> int:
        message = "damaged"
        raise JournalUnavailable(message)

    monkeypatch.setattr(stage.store, "kept_commits", unreadable)
    assert not well(stage)


def test_a_daemon_started_while_redis_is_away_that_may_not_work_is_not_well(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_redis(stage, monkeypatch)
    assert not stage.daemon.is_active
    assert not well(stage)


def test_a_daemon_that_stands_by_is_well_until_redis_goes_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.client.set(stage.keys.leader, "run|elsewhere|pid:[1]|1|x", px=60_000)
    stage.daemon.renew_lease()
    assert well(stage)
    lose_redis(stage, monkeypatch)
    assert not well(stage)


def test_a_worker_that_hangs_is_not_well(stage: Stage) -> None:
    begin(stage)
    liveness = Liveness(stage.clock)
    liveness.beat("close of M15")
    assert all_is_well(stage.daemon, liveness)
    stage.clock.time += 61
    assert not all_is_well(stage.daemon, liveness)


def test_a_standby_accepts_other_settings_for_a_minute_and_of_one_pass_for_ever(stage: Stage) -> None:
    stage.client.set(stage.keys.leader, "once|elsewhere|x|1|a")
    stage.client.set(stage.keys.settings, json.dumps({"holder": "once|elsewhere|x|1|a", "strategies": {"X": "1"}}))
    stage.daemon.renew_lease()
    stage.client.set(stage.keys.leader, "run|elsewhere|x|1|a")
    stage.daemon.renew_lease()  # it has not said yet what it watches
    stage.client.set(stage.keys.settings, json.dumps({"holder": "run|elsewhere|x|1|a", "strategies": {"X": "1"}}))
    stage.daemon.renew_lease()
    stage.clock.time += 59
    stage.daemon.renew_lease()
    stage.clock.time += 2
    with pytest.raises(ConfigError, match="only there: X"):
        stage.daemon.renew_lease()


def test_a_daemon_says_what_it_watches_again_when_its_lease_is_a_new_one(stage: Stage) -> None:
    begin(stage)
    stage.client.flushall()
    stage.daemon.renew_lease()
    assert stage.client.exists(stage.keys.settings)
