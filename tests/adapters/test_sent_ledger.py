"""What this machine remembers to have sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninja_daemon.adapters.sent_ledger import KEPT, SqliteSentLedger, ledger_path
from ninja_daemon.core.errors import JournalUnavailable


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteSentLedger]:
    made = SqliteSentLedger(tmp_path / "state" / "sent.sqlite3")
    yield made
    made.close()


def test_what_was_sent_is_known_by_destination_and_id(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["a", "b"], "m1", 1_000.0)
    assert ledger.known("desk", ["a", "b", "c"]) == {"a", "b"}
    assert ledger.known("other", ["a"]) == frozenset()
    assert ledger.message_id("desk", "a") == "m1"
    assert ledger.message_id("desk", "z") == ""


def test_it_outlives_the_process(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["a"], "m1", 1_000.0)
    again = SqliteSentLedger(ledger.path)
    assert again.known("desk", ["a"]) == {"a"}
    again.close()


def test_entries_are_kept_for_a_week(ledger: SqliteSentLedger) -> None:
    ledger.remember("desk", ["old"], "", 1_000_000.0)
    ledger.remember("desk", ["kept"], "", 1_000_000.0 + KEPT - 5_000)
    ledger.remember("desk", ["new"], "", 1_000_000.0 + KEPT + 60)
    assert ledger.known("desk", ["old", "kept", "new"]) == {"kept", "new"}


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
        assert len(ledger.known(name, [f"{number}" for number in range(25)])) == 25
    other.close()


def test_a_damaged_file_is_set_aside_and_begun_anew(ledger: SqliteSentLedger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"not a database at all" * 100)
    assert ledger.known("desk", ["a"]) == frozenset()
    ledger.remember("desk", ["a"], "", 1_000.0)
    assert ledger.known("desk", ["a"]) == {"a"}
    assert ledger.set_aside is not None
    assert ledger.set_aside.exists()


def test_a_place_that_cannot_be_written_is_said_and_tried_again(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    ledger = SqliteSentLedger(blocked / "sent.sqlite3")
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="must be writable"):
            ledger.known("desk", ["a"])
    blocked.unlink()
    assert ledger.known("desk", ["a"]) == frozenset()
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
        ledger.known("desk", ["a"])
    assert ledger.set_aside is None
