"""A SQLite file that several processes find damaged at the same time, or that is exchanged while it is open."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal import sqlite_file
from ninja_daemon.adapters.journal.sqlite_file import SqliteFile
from ninja_daemon.core.errors import JournalUnavailable

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word TEXT)"
DAMAGE = b"no database at all" * 500


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words.sqlite3"


def write(file: SqliteFile, word: str) -> None:
    with file.session() as connection:
        connection.execute("INSERT INTO words VALUES (?)", (word,))


def words(file: SqliteFile) -> list[str]:
    with file.session() as connection:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY word")]


def set_aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.damaged-*"))


def write_together(files: Sequence[SqliteFile]) -> None:
    """Have each file's first use at the same moment, in a thread of its own."""
    together = threading.Barrier(len(files))

    def begin(number: int) -> None:
        together.wait()
        write(files[number], f"{number}")

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_may_begin_the_same_new_file(tmp_path: Path) -> None:
    for turn in range(30):
        files = [SqliteFile(tmp_path / f"{turn}.sqlite3", SCHEMA) for _ in range(4)]
        write_together(files)
        assert words(files[0]) == ["0", "1", "2", "3"]
        for file in files:
            file.close()


def test_of_many_that_find_damage_one_sets_it_aside_and_all_use_the_new_file(path: Path) -> None:
    path.write_bytes(DAMAGE)
    files = [SqliteFile(path, SCHEMA) for _ in range(8)]
    write_together(files)
    assert [aside.read_bytes() for aside in set_aside(path)] == [DAMAGE]
    assert words(files[0]) == [f"{number}" for number in range(8)]
    assert sum(file.set_aside is not None for file in files) == 1
    for file in files:
        file.close()


def test_who_comes_late_to_a_damage_leaves_the_new_file_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(DAMAGE)
    late, first = SqliteFile(path, SCHEMA), SqliteFile(path, SCHEMA)
    begun_anew = late._begun_anew

    def after_the_first_one() -> object:
        write(first, "kept")
        return begun_anew()

    monkeypatch.setattr(late, "_begun_anew", after_the_first_one)
    assert words(late) == ["kept"]
    assert late.set_aside is None
    assert len(set_aside(path)) == 1
    first.close()
    late.close()


def test_two_damages_within_a_second_are_both_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.journal.sqlite_file.time.time", lambda: 1_000.0)
    for number in range(3):
        path.write_bytes(DAMAGE + b"%d" % number)
        file = SqliteFile(path, SCHEMA)
        assert words(file) == []
        file.close()
    assert [aside.read_bytes()[-1:] for aside in set_aside(path)] == [b"0", b"1", b"2"]


def test_a_file_that_was_exchanged_while_it_was_open_is_opened_anew(path: Path) -> None:
    file, other = SqliteFile(path, SCHEMA), SqliteFile(path, SCHEMA)
    write(file, "before")
    path.rename(path.with_suffix(".gone"))
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    write(other, "after")
    assert words(file) == ["after"]
    file.close()
    other.close()


def test_somebody_who_sets_it_aside_for_ever_is_said_and_not_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
    file, other = SqliteFile(path, SCHEMA), SqliteFile(path, SCHEMA)
    with other._directory_locked(fcntl.LOCK_EX), pytest.raises(JournalUnavailable, match="another process"):
        write(file, "x")
    write(file, "x")
    assert words(file) == ["x"]
    file.close()
