"""Limits that thousands of strategies met, each at a size that showed it; counts, no seconds."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal import kept_commits
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.kept_commits import JournalPart, KeptCommits
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.sharing.lease import RedisLease
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.app.settings.strategies import MOST_STRATEGIES
from ninja_daemon.core.errors import JournalUnavailable, NinjaError
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals import strategy
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.signal import id_prefix
from ninja_daemon.usecases.candle_ports import Fetched, WantedHistory
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.wake_result import Start
from tests.app.stored import EUR_USD, M15, START, candles
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

MANY = 5_100


def commit(number: int, candle: int) -> PreparedCommit:
    before, after = (format_instant(START + 900 * place) for place in (candle - 1, candle))
    fields = {"time": after}
    return PreparedCommit(f"s{number}", f"={before}", after, f"c{candle}", 60_000, "", "x", fields, fields, ())


def test_an_outage_of_two_candles_fits_the_journal_for_thousands(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path / "journal.sqlite3")) as journal:
        kept = KeptCommits(journal)
        for candle in (1, 2):
            kept.keep([commit(number, candle) for number in range(MANY)], unsure=False)
        assert kept.count() == MANY, "the second candle's commits are joined to the first's"


def test_a_journal_that_is_full_keeps_nothing_of_a_wake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_commits, "MOST_ROWS", 10)
    with closing(SqliteJournal(tmp_path / "journal.sqlite3")) as journal:
        kept = KeptCommits(journal)
        kept.keep([commit(number, 1) for number in range(6)], unsure=False)
        with pytest.raises(JournalUnavailable, match="the journal is full"):
            kept.keep([commit(number, 1) for number in range(6, 12)], unsure=False)
        assert kept.count() == 6


def test_a_shard_sees_and_makes_its_own_commits_only(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path / "journal.sqlite3")) as journal:
        first = KeptCommits(journal, JournalPart(0, {"s0", "s2"}.__contains__))
        second = KeptCommits(journal, JournalPart(1, {"s1"}.__contains__))
        first.keep([commit(number, 1) for number in range(3)], unsure=False)
        assert (first.count(), second.count()) == (2, 1)
        assert [one.strategy for one in second.begin()] == ["s1"]
        assert set(first.reached()) == {"s0", "s2"}
        first.lead(7)
        assert (first.led_at(), second.led_at(), KeptCommits(journal).led_at()) == (7, None, None)


class CountingJournal(SqliteJournal):
    """Counts how often the table of marks is read."""

    reads = 0

    def marks(self) -> Mapping[str, int]:
        self.reads += 1
        return super().marks()


def test_a_start_while_redis_is_away_reads_the_marks_once(tmp_path: Path) -> None:
    strategies = [replace(M15, name=f"s{number}") for number in range(300)]
    with closing(CountingJournal(tmp_path / "journal.sqlite3")) as journal:
        journal.remember({one.name: START for one in strategies})
        KeptCommits(journal).lead(int(FakeClock().now()))
        inner = RedisStateStore(connect(f"unix://{tmp_path}/none", name="test"), Keys("test"))
        store = FailoverStore(inner, journal, clock=FakeClock(), is_shared=False, push_alert=lambda *_: None)
        assert store.led_here()
        loaded = store.load(strategies)
        assert all(not isinstance(one, NinjaError) and one.cursor == START for one in loaded.values())
        assert journal.reads == 1
        store.close()


def test_what_is_worked_out_once_a_strategy_has_room_for_all_that_a_file_may_hold() -> None:
    sizes = [one.cache_info().maxsize for one in (rules_of, id_prefix, strategy._settings_hash)]
    assert min(size or 0 for size in sizes) >= MOST_STRATEGIES


class CountingBroker(FakeBroker):
    """Keeps which histories were asked for."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.histories: list[WantedHistory] = []

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        self.histories.extend(wanted)
        return super().history(wanted)


def test_a_first_start_asks_one_history_a_series(redis_url: str, tmp_path: Path) -> None:
    chance, closes = random.Random(5), [110_000]
    for _ in range(200):
        closes.append(closes[-1] + chance.randint(-50, 50))
    strategies = [replace(M15, name=f"s{slow}", slow_ma=slow) for slow in range(9, 29)]
    client, clock = connect(redis_url, name="test"), FakeClock(START + 900 * 200 + 1.0)
    together, alone = (RedisStateStore(client, Keys(namespace)) for namespace in ("together", "alone"))
    for store, groups in ((together, [strategies]), (alone, [[one] for one in strategies])):
        with closing(SqliteJournal(tmp_path / f"journal{len(groups)}.sqlite3")) as journal:
            broker = CountingBroker({"EUR_USD": EUR_USD}, {M15.series: candles(closes)})
            broker.newest[M15.series] = START + 900 * 199
            for group in groups:
                wake = catch_up(group, source=broker, store=store, journal=journal, clock=clock)
                assert {one.start for one in wake.results} == {Start.FIRST}
            assert len(broker.histories) == len(groups)
    found, must = together.load(strategies), alone.load(strategies)
    assert [found[one.name].state for one in strategies] == [must[one.name].state for one in strategies]
    client.close()


def test_what_a_holder_of_thirty_thousand_declares_is_read_again(redis_url: str) -> None:
    client = connect(redis_url, name="test")
    lease, settings = RedisLease(client, Keys("test")), {f"strategy_{number:05}": "0" * 16 for number in range(30_000)}
    lease.declare("me", settings)
    assert lease.declared("me") == settings
    client.close()
