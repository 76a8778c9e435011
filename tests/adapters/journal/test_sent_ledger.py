"""What this machine remembers to have sent."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.sent_ledger import KEPT, SqliteSentLedger, ledger_path
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.usecases.delivery.delivery_ports import Begun
from ninja_daemon.usecases.lifetimes import LANE_LEASE


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteSentLedger]:
    made = SqliteSentLedger(tmp_path / "state" / "sent.sqlite3")
    yield made
    made.close()


def known(ledger: SqliteSentLedger, destination: str, ids: Sequence[str]) -> frozenset[str]:
    return ledger.begin(destination, ids, 1_000.0).sent


def test_what_was_sent_is_known_by_destination_and_id(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["a", "b"], "m1", 1_000.0)
    assert known(ledger, "desk", ["a", "b", "c"]) == {"a", "b"}
    assert known(ledger, "other", ["a"]) == frozenset()
    assert ledger.message_id("desk", "a") == "m1"
    assert ledger.message_id("desk", "z") == ""


def test_it_outlives_the_process(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["a"], "m1", 1_000.0)
    again = SqliteSentLedger(ledger.path)
    assert known(again, "desk", ["a"]) == {"a"}
    again.close()


def test_entries_are_kept_for_a_week(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["old"], "", 1_000_000.0)
    ledger.remember("desk", ["kept"], "", 1_000_000.0 + KEPT - 5_000)
    ledger.remember("desk", ["new"], "", 1_000_000.0 + KEPT + 60)
    assert known(ledger, "desk", ["old", "kept", "new"]) == {"kept", "new"}


def test_several_threads_and_processes_may_write(ledger: SqliteSentLedger) -> None:
    other = SqliteSentLedger(ledger.path)

    def write(mine: SqliteSentLedger, name: str) -> None:
        for number in range(25):
            mine.remember(name, [f"{number}"], "", 1_000.0)

    jobs = [(ledger, "a"), (ledger, "b"), (other, "c"), (other, "d")]
    threads = [threading.Thread(target=write, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, name in jobs:
        assert len(known(ledger, name, [f"{number}" for number in range(25)])) == 25
    other.close()


def test_a_damaged_file_is_set_aside_and_begun_anew(ledger: SqliteSentLedger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"not a database at all" * 100)
    assert known(ledger, "desk", ["a"]) == frozenset()
    ledger.remember("desk", ["a"], "", 1_000.0)
    assert known(ledger, "desk", ["a"]) == {"a"}
    assert ledger.set_aside is not None
    assert ledger.set_aside.exists()


def test_a_place_that_cannot_be_written_is_said_and_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    ledger = SqliteSentLedger(blocked / "sent.sqlite3")
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="must be writable"):
            known(ledger, "desk", ["a"])
    blocked.unlink()
    assert known(ledger, "desk", ["a"]) == frozenset()
    ledger.close()


def test_each_redis_and_namespace_has_a_file_of_its_own(tmp_path: Path) -> None:
    paths = {ledger_path(tmp_path, label, name) for label in ("a:1/0", "a:1/1") for name in ("x", "y")}
    assert len(paths) == 4


def test_a_file_of_a_newer_version_is_left_alone(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["a"], "", 1.0)
    with ledger.session() as connection:
        connection.execute("PRAGMA user_version = 2")
    ledger.close()
    with pytest.raises(JournalUnavailable, match="a newer version"):
        known(ledger, "desk", ["a"])
    assert ledger.set_aside is None


# --- what is being sent ----------------------------------------------------------------------------------------------

NOW = 1_000.0


@pytest.fixture
def other(ledger: SqliteSentLedger) -> Iterator[SqliteSentLedger]:
    """The ledger as another process of this machine has it open."""
    made = SqliteSentLedger(ledger.path)
    yield made
    made.close()


def test_what_another_process_is_sending_is_not_begun(ledger: SqliteSentLedger, other: SqliteSentLedger) -> None:
    assert ledger.begin("desk", ["a"], NOW) == Begun()
    assert other.begin("desk", ["b", "a"], NOW).is_elsewhere
    assert not other.begin("club", ["a"], NOW).is_elsewhere
    assert ledger.begin("desk", ["b"], NOW) == Begun(), "one who waits has noted nothing"


def test_what_was_sent_meanwhile_is_known_at_once(ledger: SqliteSentLedger, other: SqliteSentLedger) -> None:
    ledger.begin("desk", ["a"], NOW)
    ledger.remember("desk", ["a"], "m", NOW)
    assert other.begin("desk", ["a", "b"], NOW) == Begun(sent=frozenset({"a"}))


def test_what_was_not_sent_after_all_is_as_if_it_had_never_begun(
    ledger: SqliteSentLedger, other: SqliteSentLedger
) -> None:
    ledger.begin("desk", ["a"], NOW)
    ledger.ended("desk", ["a"], NOW, "503", maybe_sent=False)
    assert other.begin("desk", ["a"], NOW) == Begun()


def test_what_may_have_been_sent_is_said_to_anybody_at_once(ledger: SqliteSentLedger, other: SqliteSentLedger) -> None:
    ledger.begin("desk", ["a"], NOW)
    ledger.ended("desk", ["a"], NOW, "503", maybe_sent=True)
    assert other.begin("desk", ["a", "b"], NOW) == Begun(maybe_sent=frozenset({"a"}))


def test_what_nobody_has_ended_for_long_may_have_been_sent(ledger: SqliteSentLedger, other: SqliteSentLedger) -> None:
    ledger.begin("desk", ["a"], NOW)
    assert other.begin("desk", ["a"], NOW + LANE_LEASE - 0.1).is_elsewhere
    assert other.begin("desk", ["a"], NOW + LANE_LEASE) == Begun(maybe_sent=frozenset({"a"}))


def test_what_a_dead_process_was_sending_may_have_been_sent(ledger: SqliteSentLedger) -> None:
    program = (
        "import sys; from pathlib import Path; from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger; "
        "SqliteSentLedger(Path(sys.argv[1])).begin('desk', ['a'], 1000.0)"
    )
    subprocess.run([sys.executable, "-c", program, str(ledger.path)], check=True, timeout=30)
    assert ledger.begin("desk", ["a"], NOW) == Begun(maybe_sent=frozenset({"a"}))


def test_only_what_is_sent_now_is_noted(ledger: SqliteSentLedger, other: SqliteSentLedger) -> None:
    ledger.remember("desk", ["b"], "m", NOW)
    assert ledger.begin("desk", ["a", "b", "c"], NOW) == Begun(sent=frozenset({"b"}))
    assert other.begin("desk", ["c"], NOW) == Begun(), "behind one that was sent nothing is sent yet"
    assert other.begin("desk", ["a"], NOW).is_elsewhere


def test_a_note_costs_no_wait_for_the_disk_and_an_entry_does(ledger: SqliteSentLedger) -> None:
    ledger.begin("desk", ["a"], NOW)
    with ledger.session() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
