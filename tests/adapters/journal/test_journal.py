"""The journal's file: what waits for the disk, and what is there after a kill."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.core.errors import JournalUnavailable

NORMAL: Final = "PRAGMA synchronous = NORMAL"
FULL: Final = "PRAGMA synchronous = FULL"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.sqlite3")) as journal:
        yield journal


def statements(journal: SqliteJournal, work: Callable[[], object]) -> list[str]:
    """Return what the file is told meanwhile: how durable to be, and when to write."""
    told = list[str]()
    with journal.session() as connection:
        connection.set_trace_callback(told.append)
    work()
    with journal.session() as connection:
        connection.set_trace_callback(None)
    return [one for one in told if one.startswith(("PRAGMA", "COMMIT", "ROLLBACK"))]


def level(journal: SqliteJournal) -> int:
    with journal.session() as connection:
        return int(connection.execute("PRAGMA synchronous").fetchone()[0])


def test_marks_do_not_wait_for_the_disk_and_signals_do(journal: SqliteJournal) -> None:
    assert statements(journal, lambda: journal.remember({"A": 100, "B": 200})) == [NORMAL, "COMMIT", FULL]
    assert statements(journal, lambda: journal.commit("A", 100, 160, {"id": "{}"})) == ["COMMIT"]
    assert journal.marks() == {"A": 160, "B": 200}
    assert level(journal) == 2


def test_marks_that_cannot_be_written_leave_the_file_as_durable_as_it_was(journal: SqliteJournal) -> None:
    journal.remember({"A": 100})
    with journal.session() as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON marks BEGIN SELECT raise(ABORT, 'full'); END")

    with pytest.raises(JournalUnavailable, match="full"):
        journal.remember({"A": 160, "B": 100})

    assert journal.marks() == {"A": 100}
    assert level(journal) == 2


def test_a_process_that_is_killed_right_behind_its_marks_has_left_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    program = (
        "import os, signal, sys, pathlib\n"
        "from ninja_daemon.adapters.journal.journal import SqliteJournal\n"
        "SqliteJournal(pathlib.Path(sys.argv[1])).remember({'A': 100})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=30)

    assert ended.returncode == -9
    with closing(SqliteJournal(path)) as journal:
        assert journal.marks() == {"A": 100}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()


def test_a_strategy_is_forgotten_unless_its_commits_wait_for_redis(journal: SqliteJournal) -> None:
    journal.remember({"one": 900, "two": 1_800})
    assert [journal.forget("one"), journal.forget("one")] == [True, False]
    assert journal.marks() == {"two": 1_800}
    with journal.session() as connection:
        connection.execute("INSERT INTO spool (strategy, target, is_open, body) VALUES ('two', 1800, 1, '')")
    with pytest.raises(JournalUnavailable, match="wait in the journal for Redis"):
        journal.forget("two")
    assert journal.marks() == {"two": 1_800}
