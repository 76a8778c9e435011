"""Redis comes and goes under a daemon that goes on: the list is what it would have been, the journal said the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.kept_commits import KeptCommits
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.usecases.ports import Change, Committed
from ninja_daemon.usecases.wake_result import WakeResult
from tests.end_to_end.settings import nasty, oracle
from tests.end_to_end.stage import Stage
from tests.oracle import Rules, read_candles, signals_after, signals_until
from tests.servers import RedisServer

SERIES = "EUR_USD_H4"
FIRST = 300
LEASE = 15.0


class Coming:
    """A daemon's stage whose Redis a test stops, starts and damages."""

    def __init__(self, stage: Stage, server: RedisServer, candles: Sequence[Mapping[str, str]]) -> None:
        self.stage, self.server, self.candles = stage, server, candles
        self.newest = FIRST
        self.alerts: list[str] = []
        # The same for all lives: to a real successor its predecessor is a dead process, and this process is not dead.
        self.token = holder_token("run")
        self.open()

    def open(self, *, is_shared: bool = False) -> None:
        """Begin as a process that knows nothing but what lies on disk and in Redis."""
        self.stage.store.mirror_to("mine")
        self.store = FailoverStore(
            self.stage.store,
            self.stage.journal,
            clock=self.stage.clock,
            is_shared=is_shared,
            push_alert=lambda *alert: self.alerts.append(str(alert[2])),
        )

    def restart(self) -> None:
        """Die and begin again, as the daemon does: with the lease, or with what the journal says of it."""
        self.store.close()
        self.stage.restart()
        self.open()
        if not self.renews():
            self.store.led_here()

    def renews(self) -> bool:
        """The daemon's tick; False while Redis is away."""
        try:
            return self.store.lease(self.token, LEASE).held
        except StoreUnavailable:
            return False

    def goes_to(self, newest: int) -> None:
        """Let a candle be the newest, with the ticks that come before its close."""
        self.renews()
        self.newest = newest
        self.stage.show(self.candles[newest], "H4")
        self.renews()

    def wakes(self) -> WakeResult:
        return self.stage.wake(self.store)

    def goes_away(self) -> None:
        self.server.stop()

    def comes_back(self) -> None:
        self.server.start()

    def loses_a_reply(self) -> None:
        """Let what is written next reach Redis and its reply get lost, after which Redis answers again."""
        store, inner = self.store, self.store._inner
        broke = "the connection broke while the reply was on its way"

        class Lossy:
            def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
                store._inner = inner
                inner.commit(changes)
                raise StoreUnavailable(broke)

            def send(self, commits: Sequence[PreparedCommit]) -> Sequence[Committed | NinjaError]:
                store._inner = inner
                inner.send(commits)
                raise StoreUnavailable(broke)

            def __getattr__(self, name: str) -> object:
                return getattr(inner, name)

        store._inner = Lossy()  # type: ignore[assignment]

    def forgets(self) -> None:
        """Let the averages vanish from Redis."""
        self.stage.client.delete(*(self.stage.keys.ma_state(one.name) for one in RULES))

    def waiting(self) -> int:
        return KeptCommits(self.stage.journal).count()

    def outbox(self) -> list[str]:
        """Every signal that this machine's notifier was given while Redis was away."""
        return list(self.stage.journal.history(10_000))

    def assert_exact(self, rules: Sequence[Rules], file: Path) -> None:
        """The list is the oracle's, and what was given to the notifier before is part of it, to the byte."""
        after, until = self.candles[FIRST]["time"], self.candles[self.newest]["time"]
        self.stage.assert_listed(
            {one.name: signals_until(signals_after(oracle(file, one).signals, after), until) for one in rules}
        )
        by_id = {json.loads(text)["id"]: text for text in self.stage.listed()}
        assert len(by_id) == len(self.stage.listed())
        # A Redis that came back empty has lost the copies of what was taken before.
        copies: Any = self.stage.client.lrange(self.stage.keys.mirror("mine"), 0, -1)
        assert copies
        assert copies == self.stage.listed()[-len(copies) :]
        for text in self.outbox():
            assert json.loads(text)["id"] in by_id
        self.stage.assert_outcomes(file.parent, rules)


@pytest.fixture
def coming(make_stage: Callable[..., Stage], fresh_redis: RedisServer, candles_dir: Path) -> Iterator[Coming]:
    stage = make_stage(RULES, candles_dir)
    made = Coming(stage, fresh_redis, read_candles(candles_dir / f"{SERIES}.csv"))
    made.goes_to(FIRST)
    assert made.renews()
    made.wakes()
    yield made
    made.store.close()


RULES = nasty(SERIES)[:3]


def test_a_cross_while_redis_is_away_is_in_the_journal_and_later_on_the_list(coming: Coming, candles_dir: Path) -> None:
    coming.goes_to(FIRST + 1)
    coming.goes_away()
    for place in range(FIRST + 1, FIRST + 40):
        coming.goes_to(place)
        wake = coming.wakes()
        assert [outcome.error for outcome in wake.results] == [None] * len(RULES)
    found = coming.outbox()
    assert len(found) > 10
    assert coming.store.away is not None
    assert coming.waiting() <= 2 * len(RULES), "commits are joined"
    coming.comes_back()
    assert coming.renews()
    assert coming.waiting() == 0
    # What was handed to the notifier is what is listed, without asking the broker again.
    assert sorted(found) == sorted(coming.stage.listed())
    (replayed,) = coming.store.replayed()
    assert (replayed.signals, replayed.derived_again) == (len(found), ())
    coming.goes_to(FIRST + 41)
    coming.wakes()
    assert coming.stage.evaluated(RULES[0].name) == 41
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_daemon_that_dies_while_redis_is_away_goes_on_from_its_journal(coming: Coming, candles_dir: Path) -> None:
    coming.goes_to(FIRST + 10)
    coming.wakes()
    coming.goes_away()
    for place in (FIRST + 20, FIRST + 25, FIRST + 40):
        coming.restart()
        coming.goes_to(place)
        assert [outcome.error for outcome in coming.wakes().results] == [None] * len(RULES)
    coming.restart()
    coming.comes_back()
    assert coming.renews()
    coming.goes_to(FIRST + 50)
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_strategy_with_waiting_commits_never_bypasses_them(coming: Coming, candles_dir: Path) -> None:
    coming.goes_away()
    coming.goes_to(FIRST + 20)
    coming.wakes()
    coming.comes_back()
    # Redis answers, but what waits cannot be made: the list is no list.
    client = coming.stage.client
    client.rename(coming.stage.keys.signals, "aside") if client.exists(coming.stage.keys.signals) else None
    client.set(coming.stage.keys.signals, "no list")
    coming.goes_to(FIRST + 30)
    coming.wakes()
    assert coming.waiting() >= len(RULES)
    cursors = {client.get(coming.stage.keys.last_processed(one.name)) for one in RULES}
    assert cursors == {coming.candles[FIRST]["time"]}
    client.delete(coming.stage.keys.signals)
    assert coming.renews()
    assert coming.waiting() == 0
    coming.goes_to(FIRST + 31)
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


@pytest.mark.parametrize("seconds", [1, 2])
def test_an_obstacle_to_a_kept_commit_is_named_and_nothing_overtakes_it(
    coming: Coming, candles_dir: Path, seconds: int
) -> None:
    coming.goes_away()
    coming.goes_to(FIRST + 20)
    coming.wakes()
    found = len(coming.outbox())
    coming.comes_back()
    client = coming.stage.client
    client.delete(coming.stage.keys.signals)
    client.set(coming.stage.keys.signals, "no list")
    for _ in range(seconds):
        assert coming.renews()
        assert coming.store.replayed() == []
    coming.goes_to(FIRST + 30)
    errors = [str(outcome.error) for outcome in coming.wakes().results]
    assert all("wrong type" in error and "signals" in error for error in errors), errors
    assert len(coming.outbox()) == found, "no signal goes past a list that is none"
    client.delete(coming.stage.keys.signals)
    assert coming.renews()
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_full_list_and_a_newer_leader_keep_commits_waiting(coming: Coming, candles_dir: Path) -> None:
    coming.goes_away()
    coming.goes_to(FIRST + 20)
    coming.wakes()
    waiting = coming.waiting()
    coming.comes_back()
    client, keys = coming.stage.client, coming.stage.keys
    client.set(keys.fence, "99")
    inner = coming.store._inner
    inner.fence = 1
    coming.store._replay()
    assert coming.waiting() == waiting
    client.delete(keys.fence)
    client.rpush(keys.signals, *(["{}"] * 10_000))
    coming.store._replay()
    assert coming.waiting() > 0
    client.lrem(keys.signals, 0, "{}")
    assert coming.renews()
    assert coming.waiting() == 0
    coming.goes_to(FIRST + 21)
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_commit_of_which_it_is_not_known_whether_it_was_made_keeps_its_name(
    coming: Coming, candles_dir: Path
) -> None:
    coming.goes_away()
    coming.goes_to(FIRST + 20)
    coming.wakes()
    assert coming.waiting() == len(RULES)
    coming.comes_back()
    coming.loses_a_reply()
    assert not coming.renews()
    coming.goes_away()
    coming.goes_to(FIRST + 25)
    coming.wakes()
    assert coming.waiting() == 2 * len(RULES), "none is joined to one that Redis may know"
    coming.comes_back()
    assert coming.renews()
    (replayed,) = coming.store.replayed()
    assert replayed.derived_again == (), "ALREADY, not STALE"
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_redis_that_comes_back_empty_gets_the_same_signals_again(coming: Coming, candles_dir: Path) -> None:
    coming.goes_to(FIRST + 20)
    coming.wakes()
    before = coming.stage.listed()
    coming.stage.drain()
    coming.goes_away()
    coming.goes_to(FIRST + 40)
    coming.wakes()
    found = coming.outbox()
    coming.comes_back()
    coming.stage.client.flushall()
    assert coming.renews()
    assert {name for one in coming.store.replayed() for name in one.derived_again} == {one.name for one in RULES}
    coming.wakes()
    assert len(before) > 5
    assert sorted(json.loads(text)["id"] for text in found) == sorted(
        json.loads(text)["id"] for text in coming.stage.listed()[len(before) :]
    )
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_daemon_whose_lease_had_run_out_does_not_go_on_alone(coming: Coming) -> None:
    coming.goes_to(FIRST + 1)
    coming.stage.clock.time += LEASE + 1
    coming.goes_away()
    with pytest.raises(StoreUnavailable):
        coming.wakes()
    assert coming.outbox() == []


def test_a_machine_that_was_not_the_last_leader_does_not_go_on_alone(coming: Coming) -> None:
    coming.stage.client.set(coming.stage.keys.leader, "run|elsewhere|x|1|a", ex=30)
    coming.renews()
    coming.goes_away()
    coming.restart()
    coming.goes_to(FIRST + 20)
    with pytest.raises(StoreUnavailable):
        coming.wakes()
    assert coming.outbox() == []


@pytest.mark.parametrize("kind", ["run", "once"])
def test_one_that_stands_by_takes_nothing_from_the_active_one_of_the_same_machine(coming: Coming, kind: str) -> None:
    assert coming.renews()
    beside = FailoverStore(
        coming.stage.store, coming.stage.journal, clock=coming.stage.clock, is_shared=False, push_alert=lambda *_: None
    )
    assert not beside.lease(f"{kind}|somewhere|x|1|a", LEASE).held
    coming.goes_away()
    coming.restart()
    coming.goes_to(FIRST + 20)
    assert not [outcome.error for outcome in coming.wakes().results if outcome.error is not None]


def test_one_that_has_led_and_stands_by_now_lets_its_successor_go_on_alone(coming: Coming) -> None:
    assert coming.renews()
    first, former = coming.store, coming.token
    coming.stage.client.delete(coming.stage.keys.leader)
    coming.open()
    coming.token = "run|here|x|2|b"
    assert coming.renews()
    assert not first.lease(former, LEASE).held, "it has slept over its lease"
    coming.stage.clock.time += 61
    coming.renews()
    coming.goes_away()
    coming.restart()
    coming.goes_to(FIRST + 20)
    assert not [outcome.error for outcome in coming.wakes().results if outcome.error is not None]


def test_a_shared_redis_is_trusted_to_have_no_other_leader_for_two_minutes_only(coming: Coming) -> None:
    coming.store.close()
    coming.stage.restart()
    coming.open(is_shared=True)
    assert coming.renews()
    coming.goes_away()
    for later, may in ((119.0, True), (2.0, False)):
        coming.store.close()
        coming.stage.restart()
        coming.open(is_shared=True)
        coming.stage.clock.time += later
        assert coming.store.led_here() is may


def test_a_full_disk_makes_strategies_wait_and_loses_nothing(
    coming: Coming, candles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming.goes_away()
    with monkeypatch.context() as patch:
        patch.setattr("ninja_daemon.adapters.journal.kept_commits.MOST_ROWS", 0)
        coming.goes_to(FIRST + 20)
        errors = [outcome.error for outcome in coming.wakes().results]
        assert all(isinstance(error, StoreUnavailable) and "journal is full" in str(error) for error in errors)
    coming.goes_to(FIRST + 25)
    assert [outcome.error for outcome in coming.wakes().results] == [None] * len(RULES)
    coming.comes_back()
    coming.goes_to(FIRST + 30)
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_journal_that_is_full_makes_strategies_wait_and_loses_nothing(
    coming: Coming, candles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming.goes_to(FIRST + 5)
    coming.wakes()
    with monkeypatch.context() as patch:
        patch.setattr(coming.stage.journal, "_most_pages", 1)
        coming.stage.journal.close()
        coming.goes_away()
        coming.goes_to(FIRST + 200)
        for _ in range(2):
            errors = [outcome.error for outcome in coming.wakes().results]
            assert all(isinstance(error, StoreUnavailable) and "full" in str(error) for error in errors)
    coming.stage.journal.close()
    coming.comes_back()
    coming.goes_to(FIRST + 201)
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_a_journal_that_is_damaged_is_set_aside_and_everything_derived_again(coming: Coming, candles_dir: Path) -> None:
    coming.goes_away()
    coming.goes_to(FIRST + 20)
    coming.wakes()
    coming.stage.journal.close()
    damaged = coming.stage.journal.path
    damaged.write_bytes(b"no database" * 1_000)
    for place in (FIRST + 30, FIRST + 40):
        coming.goes_to(place)
        coming.wakes()
    assert coming.stage.journal.set_aside is not None
    coming.comes_back()
    coming.renews()
    coming.goes_to(FIRST + 45)
    coming.wakes()
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")


def test_alerts_go_by_the_journal_while_redis_is_away(coming: Coming) -> None:
    coming.store.alert("test", "warning", "by Redis", 0.0)
    assert coming.alerts == []
    coming.goes_away()
    coming.store.alert("test", "warning", "by the journal", 0.0)
    assert coming.alerts == ["by the journal"]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_and_goes_the_list_is_the_oracles(coming: Coming, candles_dir: Path, seed: int) -> None:
    chance = random.Random(seed)
    when_up = (coming.goes_away, coming.restart, coming.loses_a_reply, coming.forgets, lambda: None)
    when_away = (coming.comes_back, coming.restart, lambda: None)
    for _ in range(60):
        coming.goes_to(coming.newest + chance.choice((1, 1, 1, 2, 5, 30)))
        chance.choice(when_up if coming.server.running else when_away)()
        if chance.random() < 0.8:
            coming.wakes()
    if not coming.server.running:
        coming.comes_back()
    for _ in range(2):
        coming.goes_to(coming.newest + 1)
        coming.wakes()
    assert coming.waiting() == 0
    assert len(coming.outbox()) > 10
    coming.assert_exact(RULES, candles_dir / f"{SERIES}.csv")
