"""The queue in the journal's file: what only this one can meet. The rest is in tests/usecases/test_deliver.py."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.queue import queue_file
from ninja_daemon.adapters.journal.queue.inbox import LocalDoorbell, LocalInbox
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.queue.unsynced import Unsynced
from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.queues.pauses_and_silences import JournalCopy
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.intake import SEEN_MS
from ninja_daemon.core.lanes.record import LaneQuery, LeasedLane, NotNow, Settlement
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.routing import MATCH_ALL, Route, Silence
from ninja_daemon.usecases.delivery.drain import drain
from ninja_daemon.usecases.delivery.lane_worker import LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from tests.fakes.bench import DESK
from tests.fakes.channel import FakeChannel, FakeLedger
from tests.fakes.clock import FakeClock
from tests.fakes.messages import a_notice, a_signal

TO_DESK = Delivery((DESK,), (Route(MATCH_ALL, ("desk",)),), ("desk",))
TO_NOBODY_KNOWN = Delivery((DESK,), (), ("desk",))


class Place:
    """A journal, and as many openings of its file as a test wants; all on one clock."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "state" / "journal.sqlite3"
        self.clock = FakeClock()
        self.journal = SqliteJournal(self.path)
        self._files: list[LocalQueueFile] = []
        self._mark: int | None = None

    def opened(self) -> LocalQueueFile:
        """What another process would have."""
        self._files.append(LocalQueueFile(self.path, self.clock))
        return self._files[-1]

    def commits(self, *numbers: int) -> None:
        """Do what the daemon does when it has found signals."""
        signals = {a_signal(number).id: encode_signal(a_signal(number)) for number in numbers}
        after = (self._mark or 0) + 900
        assert self.journal.commit("EUR_USD_H4", self._mark, after, signals) is not None
        self._mark = after

    def close(self) -> None:
        for file in (self.journal, *self._files):
            file.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


DESK_LANE = LaneQuery("desk", most=10, provider="fake")


def lanes_of(file: LocalQueueFile) -> StoredLanes:
    return StoredLanes(LocalQueueStore(file))


def queue_of(file: LocalQueueFile) -> StoredQueue:
    return StoredQueue(LocalQueueStore(file))


def take(file: LocalQueueFile) -> LeasedLane | NotNow:
    return lanes_of(file).take(DESK_LANE, 20.0)


def taken(file: LocalQueueFile) -> LeasedLane:
    got = take(file)
    assert isinstance(got, LeasedLane)
    return got


def drained(file: LocalQueueFile, delivery: Delivery = TO_DESK, kind: Kind = Kind.SIGNAL) -> int:
    return drain(LocalInbox(file, kind), delivery, (), 0.0).moved


# --- the daemon's signals --------------------------------------------------------------------------------------------


def test_the_notifier_takes_what_the_daemon_commits_and_the_history_keeps_it(place: Place) -> None:
    place.commits(1, 2)
    file = place.opened()
    assert drained(file) == 2
    place.commits(3)
    assert drained(file) == 1
    assert [entry.id for entry in taken(file).entries] == [a_signal(number).id for number in (1, 2, 3)]
    assert list(place.journal.history(10)) == [encode_signal(a_signal(number)) for number in (1, 2, 3)]
    assert not place.journal.waiting(10)


def test_a_signal_is_either_in_the_outbox_or_in_its_lanes_whatever_fails(place: Place) -> None:
    place.commits(1, 2)
    file = place.opened()
    with file.changing() as connection:
        connection.execute("INSERT INTO queue_messages VALUES ('desk', 2, 'signal', 'x', 0, '')")
    with pytest.raises(StoreUnavailable, match="UNIQUE"):
        drained(file)
    assert len(place.journal.waiting(10)) == 2
    assert queue_of(file).depths().counters == {}
    with file.changing() as connection:
        connection.execute("DELETE FROM queue_messages")
    assert drained(file) == 2
    assert [entry.number for entry in taken(file).entries] == [1, 2]


def test_an_unrouted_signal_that_is_retried_is_routed_anew_and_listed_once(place: Place) -> None:
    place.commits(1, 2)
    file = place.opened()
    drained(file, TO_NOBODY_KNOWN)
    queue = queue_of(file)
    assert [queue.retry(letter) for letter in queue.dead_letters()] == [True, True]
    assert drained(file) == 2
    assert [entry.id for entry in taken(file).entries] == [a_signal(1).id, a_signal(2).id]
    assert len(place.journal.history(10)) == 2


def test_a_dead_letter_whose_signal_the_journal_has_lost_comes_back_all_the_same(place: Place) -> None:
    place.commits(1)
    file = place.opened()
    drained(file, TO_NOBODY_KNOWN)
    with file.changing() as connection:
        connection.execute("DELETE FROM outbox")
    (letter,) = queue_of(file).dead_letters()
    assert queue_of(file).retry(letter)
    assert not queue_of(file).retry(letter)
    assert drained(file) == 1
    assert taken(file).entries[0].id == a_signal(1).id


def test_an_id_is_known_for_seven_days(place: Place) -> None:
    file = place.opened()
    alert = encode_notice(a_notice())
    queue_of(file).push_alert(alert)
    drained(file, kind=Kind.ALERT)
    place.clock.time += SEEN_MS / 1000 - 1
    queue_of(file).push_alert(alert)
    drained(file, kind=Kind.ALERT)
    assert queue_of(file).depths().counters == {"drained": 1, "repeated": 1}
    place.clock.time += 2
    queue_of(file).push_alert(alert)
    drained(file, kind=Kind.ALERT)
    assert queue_of(file).depths().counters == {"drained": 2, "repeated": 1}


# --- waiting for something new ---------------------------------------------------------------------------------------


def test_the_doorbell_rings_at_once_for_what_waits_and_soon_for_what_comes(place: Place) -> None:
    file = place.opened()
    bell = LocalDoorbell(file)
    assert not bell.rang(1.0)
    assert sum(place.clock.waits) == pytest.approx(1.0, abs=0.11)
    place.clock.waits.clear()
    queue_of(file).push_alert("x")
    assert bell.rang(1.0)
    assert not place.clock.waits
    drained(file, kind=Kind.ALERT)
    original = place.clock.wait

    def a_signal_comes_meanwhile(stop: threading.Event, seconds: float) -> bool:
        place.commits(1)
        return original(stop, seconds)

    place.clock.wait = a_signal_comes_meanwhile  # type: ignore[method-assign]
    assert bell.rang(1.0)
    assert place.clock.waits == [0.1]


# --- several processes -----------------------------------------------------------------------------------------------


def test_a_lane_under_lease_is_closed_to_other_processes_until_it_ends(place: Place) -> None:
    place.commits(1)
    one, other = place.opened(), place.opened()
    drained(one)
    mine = taken(one)
    assert take(other) == NotNow("leased", 20.0)
    place.clock.time += 20
    theirs = taken(other)
    assert theirs.maybe_sent == theirs.entries[0].number
    assert not lanes_of(one).settle(DESK_LANE, mine, Settlement(delivered=1)).is_ours
    assert lanes_of(other).settle(DESK_LANE, theirs, Settlement(delivered=1)).is_ours
    assert not lanes_of(other).settle(DESK_LANE, theirs, Settlement(delivered=1)).is_ours
    assert queue_of(one).depths().counters == {"drained": 1, "delivered:desk": 1}


def test_a_clock_that_was_set_back_by_a_day_does_not_lock_a_lane(place: Place) -> None:
    place.commits(1)
    file = place.opened()
    drained(file)
    taken(file)
    place.clock.time -= 86_400
    assert isinstance(take(place.opened()), LeasedLane)


def is_through(file: LocalQueueFile, delivery: Delivery, workers: Sequence[LaneWorker]) -> bool:
    """Make a round as the notifier does; a file that is too busy is tried again."""
    try:
        moved = drained(file, delivery)
        states = [worker.step().state for worker in workers]
    except StoreUnavailable:
        return False
    return not moved and all(state == "empty" for state in states)


def test_four_processes_at_once_lose_and_repeat_nothing_and_keep_the_order(place: Place) -> None:
    names = ("a", "b", "c")
    delivery = Delivery(tuple(Destination(name, "fake") for name in names), (Route(MATCH_ALL, names),), names)
    place.commits(*range(100))
    channels = {name: FakeChannel() for name in names}
    ledger = FakeLedger()
    failures: list[BaseException] = []

    def work(file: LocalQueueFile) -> None:
        workers = [
            LaneWorker(
                Destination(name, "fake"),
                channel=channels[name],
                lanes=lanes_of(file),
                ledger=ledger,
                clock=place.clock,
            )
            for name in names
        ]
        try:
            while not is_through(file, delivery, workers):
                continue
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(place.opened(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert {name: channel.ids for name, channel in channels.items()} == {
        name: [a_signal(number).id for number in range(100)] for name in names
    }
    assert queue_of(place.opened()).depths().counters["drained"] == 100


# --- the file --------------------------------------------------------------------------------------------------------


def test_every_step_is_on_the_disk_before_it_is_believed(place: Place) -> None:
    with place.opened().reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_a_damaged_file_is_left_to_the_daemon_and_the_new_one_is_noticed(place: Place) -> None:
    place.commits(1)
    place.journal.close()
    place.path.write_bytes(b"no database at all" * 100)
    file = place.opened()
    with pytest.raises(StoreUnavailable, match="ninja-daemon run sets it aside"):
        drained(file)
    assert place.path.read_bytes().startswith(b"no database")
    assert not place.journal.marks()
    assert place.journal.set_aside is not None
    assert drained(file) == 0


def test_a_file_that_was_exchanged_under_an_open_one_is_noticed(place: Place) -> None:
    file = place.opened()
    assert drained(file) == 0
    place.path.rename(place.path.with_suffix(".gone"))
    for rest in ("-wal", "-shm"):
        place.path.with_name(place.path.name + rest).unlink(missing_ok=True)
    place.commits(1)
    assert drained(file) == 1


def test_a_state_directory_that_cannot_be_made_is_said_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    place = Place(tmp_path)
    with pytest.raises(StoreUnavailable, match="NINJA_STATE_DIR"):
        queue_of(place.opened()).depths()
    place.close()


def test_a_file_that_somebody_keeps_locked_is_said_and_used_again_when_he_lets_go(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_file, "_BUSY_MS", 50)
    place.commits(1)
    file = place.opened()
    with sqlite3.connect(place.path, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            drained(file)
        holder.execute("ROLLBACK")
    holder.close()
    assert drained(file) == 1


# --- what people do --------------------------------------------------------------------------------------------------


def test_a_heartbeat_counts_for_its_time_and_figures_for_ever(place: Place) -> None:
    queue = LocalQueueStore(place.opened())
    assert (queue.heartbeat(), queue.kept_figures()) == ("", "")
    queue.beat("alive", 30)
    queue.keep_figures("{}")
    place.clock.time += 29
    assert queue.heartbeat() == "alive"
    place.clock.time += 2
    assert (queue.heartbeat(), queue.kept_figures()) == ("", "{}")


def test_a_silence_ends_by_itself_or_by_its_name(place: Place) -> None:
    file = place.opened()
    queue = queue_of(file)
    queue.silence(Silence("short", MATCH_ALL, place.clock.time + 10))
    queue.silence(Silence("long", MATCH_ALL, place.clock.time + 100))
    assert {one.id for one in queue.silences()} == {"short", "long"}
    place.clock.time += 50
    assert [one.id for one in queue.silences()] == ["long"]
    assert queue.unsilence("long")
    assert not queue.unsilence("long")
    queue.silence(Silence("next", MATCH_ALL, place.clock.time + 10))
    assert not queue.unsilence("short"), "what has ended is forgotten with the next one"


def test_a_pause_ends_by_itself_or_is_ended(place: Place) -> None:
    place.commits(1)
    file = place.opened()
    queue = queue_of(file)
    drained(file)
    queue.pause("desk", None)
    assert take(file) == NotNow("paused")
    assert queue.resume("desk")
    assert not queue.resume("desk")
    queue.pause("desk", 5.0)
    assert take(file) == NotNow("paused", 5.0)
    place.clock.time += 6
    assert taken(file).young_since == place.clock.time - 1


def test_a_purged_lane_is_forgotten_until_something_comes(place: Place) -> None:
    place.commits(1, 2)
    file = place.opened()
    queue = queue_of(file)
    drained(file)
    assert queue.purge_lane("desk") == 2
    assert not queue.depths().lanes
    place.commits(3)
    drained(file)
    (lane,) = queue.depths().lanes
    assert (lane.destination, lane.waiting, lane.state, lane.oldest_age) == ("desk", 1, "ready", 0.0)


# --- what Redis says, and what it has not been told ------------------------------------------------------------------


def silenced(name: str, until: float) -> Silence:
    return Silence(name, MATCH_ALL, until)


def test_what_redis_says_is_copied_but_for_what_it_has_not_been_told(place: Place) -> None:
    copy = JournalCopy(place.opened())
    later = place.clock.now() + 3_600
    copy.queue.silence(silenced("ended elsewhere", later))
    for note in (Unsynced("silence", "ordered here"), Unsynced("lane", "held here")):
        copy.notes.add(note)
    copy.queue.silence(silenced("ordered here", later))
    copy.queue.pause("held here", None)

    copy.adopt([silenced("set elsewhere", later)], {"desk": -1, "held here": 0})

    assert {one.id for one in copy.queue.silences()} == {"ordered here", "set elsewhere"}
    assert copy.pause_left("desk") == (True, None)
    assert copy.pause_left("held here") == (True, None)
    assert sorted(copy.unsynced()) == [Unsynced("lane", "held here"), Unsynced("silence", "ordered here")]
    for note in copy.unsynced():
        copy.notes.remove(note)
    copy.adopt([], {"desk": 0, "held here": 0})
    assert (copy.queue.silences(), copy.unsynced()) == ([], [])
    assert not copy.pause_left("held here")[0]


def test_a_pause_that_has_ended_by_itself_is_copied_as_none_and_once(place: Place) -> None:
    file = place.opened()
    copy = JournalCopy(file)
    until = file.now_ms() + 60_000
    copy.adopt([], {"desk": until})
    assert copy.pause_left("desk") == (True, 60.0)
    place.clock.time += 61
    copy.adopt([], {"desk": until})
    with file.reading() as connection:
        before = connection.execute("SELECT paused, young_since FROM queue_lanes").fetchall()
    assert before == [(0, file.now_ms())]
    place.clock.time += 5
    copy.adopt([], {"desk": until})
    with file.reading() as connection:
        assert connection.execute("SELECT paused, young_since FROM queue_lanes").fetchall() == before
