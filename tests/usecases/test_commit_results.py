"""What the script answers to a commit, by the real script, and what a wake does about each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.outcome import decode_outcome
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.errors import NinjaError, StateError, TransientError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Loaded
from ninja_daemon.usecases.wake_result import Start, WakeResult
from tests.fakes.clock import FakeClock
from tests.usecases.test_catch_up import EUR_USD, STRATEGY, broker_of, candles_of, expected, wandering

CANDLES = candles_of(wandering(200))
FIRST, NEWEST = 100, 160
OTHER = replace(STRATEGY, name="OTHER")
Results = Mapping[str, Committed | NinjaError]


class Daemon:
    """A store of one daemon; before its next commits something happens, and what the script says is noted."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.store = RedisStateStore(place.client, Keys("test"), fence=1, mirror="mine")
        self.before: list[Callable[[], object]] = []
        self.results: list[str] = []

    def supposed(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        return self.store.supposed(strategies)

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded | NinjaError]:
        return self.store.load(strategies)

    def commit(self, changes: Sequence[Change]) -> Results:
        if self.before:
            self.before.pop(0)()
        return self._noted(self.store.commit(changes))

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        return self.store.unfinished(strategies)

    def last_listed(self, until: Mapping[str, int | None]) -> Mapping[str, int | None]:
        return self.store.last_listed(until)

    def commit_twice(self, changes: Sequence[Change]) -> Results:
        """As a client does that lost the first reply and repeats by itself."""
        self._noted(self.store.commit(changes))
        return self._noted(self.store.commit(changes))

    def wakes(self, newest: int = NEWEST, *strategies: Strategy) -> WakeResult:
        self._place.broker.newest[STRATEGY.series] = CANDLES[newest].time
        return catch_up(
            strategies or (STRATEGY,),
            source=self._place.broker,
            store=self,
            journal=self._place.journal,
            clock=FakeClock(STRATEGY.granularity.close_of(CANDLES[newest].time) + 0.5),
        )

    def _noted(self, results: Results) -> Results:
        self.results += [result.result for result in results.values() if isinstance(result, Committed)]
        return results


class Place:
    """One Redis, one broker, one journal."""

    def __init__(self, client: redis.Redis, journal: SqliteJournal) -> None:
        self.client, self.journal = client, journal
        self.broker = broker_of(CANDLES)

    def contents(self) -> dict[str, object]:
        """Everything that is stored, to the byte."""
        return {str(key): self.client.dump(key) for key in sorted(self.client.keys("*"))}

    def assert_exact(self, newest: int = NEWEST) -> None:
        listed = [decode_signal(text) for text in self.client.lrange("{test}:signals", 0, -1)]
        signals = expected(STRATEGY, CANDLES[: newest + 1], CANDLES[FIRST].time)
        assert len(signals) > 3
        assert [(one.id, one.time) for one in listed if one.strategy == STRATEGY.name] == signals
        assert self.client.lrange("{test}:mirror:mine", 0, -1) == self.client.lrange("{test}:signals", 0, -1)


@pytest.fixture
def place(redis_url: str, tmp_path: Path) -> Iterator[Place]:
    client = connect(redis_url, name="test")
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    yield Place(client, journal)
    journal.close()
    client.close()


@pytest.fixture
def daemon(place: Place) -> Daemon:
    made = Daemon(place)
    assert made.wakes(FIRST).results[0].error is None
    made.results.clear()
    return made


def test_already_is_as_good_as_done(daemon: Daemon, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "commit", daemon.commit_twice)
    wake = daemon.wakes()

    assert daemon.results == [CommitResult.OK, CommitResult.ALREADY]
    assert wake.results[0].error is None
    assert wake.results[0].cursor == CANDLES[NEWEST].time
    assert place.journal.marks()[STRATEGY.name] == CANDLES[NEWEST].time
    place.assert_exact()


@pytest.mark.parametrize("newest", [FIRST, FIRST + 1], ids=["no candle is new", "one is"])
def test_what_was_touched_is_found_and_mended_in_the_same_wake(daemon: Daemon, place: Place, newest: int) -> None:
    first = replace(STRATEGY, name="A")  # the one that is asked for
    assert daemon.wakes(FIRST, first, STRATEGY).results[1].error is None
    place.client.delete(place_of := f"{{test}}:ma_state:{STRATEGY.name}")

    wake = daemon.wakes(newest, first, STRATEGY)

    assert [one.error for one in wake.results] == [None, None]
    assert wake.results[1].cursor == CANDLES[newest].time
    assert place.client.hget(place_of, "time")


AVERAGES, SIDES = f"{{test}}:ma_state:{STRATEGY.name}", f"{{test}}:signal_state:{STRATEGY.name}"


@pytest.mark.parametrize("when", ["before the wake", "before its commit"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda client: client.delete(AVERAGES),
        lambda client: client.hset(AVERAGES, "fast", "3 330001"),
        lambda client: (client.delete(AVERAGES), client.rpush(AVERAGES, "x")),
        lambda client: client.delete(SIDES),
        lambda client: client.hdel(SIDES, "open", "commit"),
        lambda client: client.hset(SIDES, "evaluated", "7"),
        lambda client: (client.delete(SIDES), client.set(SIDES, "x")),
        lambda client: client.set(f"{{test}}:last_processed:{STRATEGY.name}", format_instant(CANDLES[FIRST - 3].time)),
    ],
)
def test_averages_rebuilt_upon_a_supposed_state_are_written_whole_and_right(
    daemon: Daemon, place: Place, damage: Callable[[redis.Redis], object], when: str
) -> None:
    """Such a commit (prices with a further digit) is proven by its cursor alone: all else of it is written anew."""
    first = replace(STRATEGY, name="A")  # the one that is asked for
    assert daemon.wakes(FIRST, first, STRATEGY).results[1].error is None
    for series, candles in place.broker.candles.items():
        place.broker.candles[series] = [Candle(one.time, *(10 * price for price in one[1:])) for one in candles]
    place.broker.instruments["EUR_USD"] = replace(EUR_USD, decimals=6)
    if when == "before the wake":
        damage(place.client)
    else:
        daemon.before = [lambda: damage(place.client)]

    wakes = [daemon.wakes(newest, first, STRATEGY) for newest in (FIRST + 1, FIRST + 30, NEWEST)]

    assert [one.error for wake in wakes for one in wake.results] == [None] * 6
    assert wakes[0].results[1].start is Start.REBUILT
    place.assert_exact()
    outcomes = [decode_outcome(text) for text in place.client.lrange("{test}:outcomes", 0, -1)]
    exits = {
        name: [(one.time, one.exit_time, one.result) for one in outcomes if one.strategy == name]
        for name in ("A", STRATEGY.name)
    }
    assert len(exits["A"]) > 3
    assert exits["A"] == exits[STRATEGY.name]
    stored = Daemon(place).load([STRATEGY])[STRATEGY.name]
    assert isinstance(stored, Loaded)
    assert not stored.notes
    assert stored == daemon.load([STRATEGY])[STRATEGY.name]


def test_a_field_that_a_newer_version_left_makes_one_commit_in_vain(daemon: Daemon, place: Place) -> None:
    first = replace(STRATEGY, name="A")  # the one that is asked for
    daemon.wakes(FIRST, first, STRATEGY)
    place.client.hset(AVERAGES, "more", "of it")
    daemon.results.clear()
    for newest in range(FIRST + 1, NEWEST + 1):
        daemon.wakes(newest, first, STRATEGY)
    assert daemon.results.count(CommitResult.STALE) == 1
    assert place.client.hget(AVERAGES, "more") == "of it"
    place.assert_exact()


def test_what_a_commit_in_vain_had_found_is_told_once(daemon: Daemon, place: Place) -> None:
    first = replace(STRATEGY, name="A")  # the one that is asked for
    daemon.wakes(FIRST, first, STRATEGY)
    place.client.delete(f"{{test}}:ma_state:{STRATEGY.name}")
    place.broker.candles[STRATEGY.series] = [*CANDLES[: FIRST + 1], *CANDLES[FIRST + 2 :]]
    place.broker.prices_between = True

    outcome = daemon.wakes(FIRST + 2, first, STRATEGY).results[1]

    assert (outcome.error, outcome.taken_in, list(outcome.gaps)) == (None, 1, [CANDLES[FIRST + 1].time])
    assert outcome.run is not None
    opens = [candle.time for candle in outcome.run.candles]
    assert opens == sorted(set(opens))


def test_after_commits_that_waited_nothing_is_evaluated_in_vain(
    daemon: Daemon, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[PreparedCommit] = []

    def keep(changes: Sequence[Change]) -> Results:
        waiting.extend(daemon.store.prepared(change) for change in changes)
        return {commit.strategy: Committed(CommitResult.KEPT) for commit in waiting}

    first = replace(STRATEGY, name="A")  # the one that is asked for
    daemon.wakes(FIRST, first, STRATEGY)
    monkeypatch.setattr(daemon, "commit", keep)
    daemon.wakes(FIRST + 40, first, STRATEGY)
    monkeypatch.undo()
    assert [one.result for one in daemon.store.send(waiting) if isinstance(one, Committed)] == [CommitResult.OK] * 2
    daemon.results.clear()

    wake = daemon.wakes(NEWEST, first, STRATEGY)

    assert daemon.results == [CommitResult.OK] * 2
    assert [one.fetched for one in wake.results] == [NEWEST - FIRST - 40] * 2
    place.assert_exact()


@pytest.mark.parametrize(
    ("their_newest", "answer"), [(130, CommitResult.STALE), (NEWEST, CommitResult.ALREADY)], ids=["part", "the same"]
)
def test_what_another_daemon_was_quicker_with_is_gone_on_from_in_the_same_wake(
    daemon: Daemon, place: Place, their_newest: int, answer: str
) -> None:
    def overtake() -> None:
        assert Daemon(place).wakes(their_newest).results[0].error is None
        place.broker.newest[STRATEGY.series] = CANDLES[NEWEST].time

    daemon.before = [overtake]
    wake = daemon.wakes()

    assert daemon.results[0] == answer
    assert wake.results[0].error is None
    assert wake.results[0].cursor == CANDLES[NEWEST].time
    assert not wake.fenced
    place.assert_exact()


def test_a_daemon_always_overtaken_gives_up_after_three_tries_until_the_next_wake(daemon: Daemon, place: Place) -> None:
    def other_at(newest: int) -> Callable[[], object]:
        def overtake() -> None:
            Daemon(place).wakes(newest)
            place.broker.newest[STRATEGY.series] = CANDLES[NEWEST].time

        return overtake

    daemon.before = [other_at(newest) for newest in range(FIRST + 1, FIRST + 30)]
    wake = daemon.wakes()

    assert daemon.results == [CommitResult.STALE] * 3
    assert isinstance(wake.results[0].error, TransientError)
    assert not wake.results[0].signals
    daemon.before = []
    assert daemon.wakes().results[0].error is None
    place.assert_exact()


def test_fenced_changes_nothing_and_says_so_for_the_whole_wake(daemon: Daemon, place: Place) -> None:
    before = place.contents()
    place.client.set("{test}:fence", "7")
    wake = daemon.wakes(NEWEST, STRATEGY, OTHER)

    assert wake.fenced
    assert set(daemon.results) == {CommitResult.FENCED}
    assert all(isinstance(outcome.error, TransientError) for outcome in wake.results)
    place.client.delete("{test}:fence")
    before.pop("{test}:fence")
    assert place.contents() == before
    daemon.wakes()
    place.assert_exact()


def test_being_fenced_in_a_wake_is_remembered_while_another_strategy_goes_on(
    daemon: Daemon, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_is_fenced(changes: Sequence[Change]) -> Results:
        monkeypatch.undo()
        results = dict(daemon.store.commit(changes))
        return results | {STRATEGY.name: Committed(CommitResult.FENCED)}

    daemon.wakes(FIRST, OTHER)
    place.broker.slice = 10
    monkeypatch.setattr(daemon, "commit", first_is_fenced)
    assert daemon.wakes(NEWEST, STRATEGY, OTHER).fenced


@pytest.mark.parametrize("key", ["signals", "mirror:mine", "history", f"listed:{STRATEGY.name}", "fence"])
def test_badtype_stops_what_the_key_belongs_to_and_names_it(daemon: Daemon, place: Place, key: str) -> None:
    daemon.wakes(FIRST, OTHER)
    place.client.delete(f"{{test}}:{key}")
    place.client.hset(f"{{test}}:{key}", "foreign", "1")
    before = place.contents()
    daemon.results.clear()
    wake = daemon.wakes(NEWEST, STRATEGY, OTHER)

    error = wake.results[0].error
    assert isinstance(error, StateError)
    assert f"{{test}}:{key} hash" in str(error)
    alone = key.startswith("listed:")
    assert daemon.results == [CommitResult.BADTYPE, CommitResult.OK if alone else CommitResult.BADTYPE]
    if not alone:
        assert place.contents() == before
    place.client.delete(f"{{test}}:{key}")
    daemon.wakes(NEWEST, STRATEGY, OTHER)
    place.assert_exact()


def test_qfull_takes_nothing_of_the_commit_and_waits_for_room(
    daemon: Daemon, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr("ninja_daemon.adapters.redis.state_store.QUEUE_CAP", 2)
        place.client.rpush("{test}:signals", "waits", "too")
        before = place.contents()
        wake = daemon.wakes()
        assert daemon.results == [CommitResult.QFULL]
        assert isinstance(wake.results[0].error, TransientError)
        assert "2" in str(wake.results[0].error)
        assert place.contents() == before
    place.client.delete("{test}:signals")
    daemon.wakes()
    place.assert_exact()
