"""The notes of evaluations in their file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history.evaluation_rows import Batch, QuietRow
from ninja_daemon.adapters.journal.history.evaluations import KEPT_SECONDS, SqliteEvaluations
from ninja_daemon.adapters.journal.sqlite_transactions import add_columns
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.proof.noted import Absence, Evaluation, Presence, Seen

NOW = 1_700_000_000.0
TIME = 1_699_999_200


def taken_in(time: int = TIME, at: float = NOW, by: str = "one:1", strategy: str = "A") -> Evaluation:
    return Evaluation(strategy, time, at, by, "stored", Side.BUY, Side.BUY, None, "ab" * 16)


def quiet(time: int = TIME, strategy: str = "A") -> QuietRow:
    """A candle whose averages are 1.10010 and 1.10000, at ten price units a pip: 1 pip apart."""
    candle = (time, 110_000, 110_020, 109_990, 110_005)
    return (strategy, "EUR_USD M15", 5, 10, Side.BUY, *candle, 40 * 110_010, 40, 140 * 110_000, 140)


def of_quiet(time: int = TIME, at: float = NOW, strategy: str = "A") -> Evaluation:
    """What such a row says."""
    seen = Seen(Candle(time, 110_000, 110_020, 109_990, 110_005), 5, "EUR_USD M15")
    return Evaluation(strategy, time, at, "one:1", "stored", Side.BUY, seen=seen, gap=10_000)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteEvaluations]:
    made = SqliteEvaluations(tmp_path / "evaluations.sqlite3")
    yield made
    made.close()


def test_a_note_comes_back_as_it_was_written(file: SqliteEvaluations) -> None:
    rejected = Evaluation("A", TIME + 900, NOW + 1, "one:1", "rebuilt", None, Side.SELL, "min_atr_value", None)
    file.note(Batch(NOW, "one:1", [taken_in(), rejected]))
    assert file.notes("A", TIME, TIME + 900).evaluations == {TIME: taken_in(), TIME + 900: rejected}
    assert file.notes("A", TIME, TIME).evaluations == {TIME: taken_in()}
    assert not file.notes("B", TIME, TIME + 900).evaluations


def test_the_first_note_of_a_candle_stays(file: SqliteEvaluations) -> None:
    file.note(Batch(NOW, "one:1", [taken_in()]))
    file.note(Batch(NOW + 60, "two:2", [taken_in(at=NOW + 60, by="two:2")]))
    assert file.notes("A", TIME, TIME).evaluations == {TIME: taken_in()}


def test_an_absence_lasts_until_a_candle_is_taken_in(file: SqliteEvaluations) -> None:
    for minute in range(3):
        file.note(Batch(NOW + 60 * minute, "one:1", absent=[("A", TIME + 900, "the broker is away")]))
    assert file.notes("A", TIME, TIME).absences == [Absence("A", TIME + 900, None, "the broker is away")]
    file.note(Batch(NOW + 300, "one:1", [taken_in(TIME + 900)]))
    assert file.notes("A", TIME, TIME).absences == [Absence("A", TIME + 900, NOW + 300, "the broker is away")]


def test_another_reason_begins_another_absence(file: SqliteEvaluations) -> None:
    file.note(Batch(NOW, "one:1", absent=[("A", TIME, "the broker is away")]))
    file.note(Batch(NOW + 900, "one:1", absent=[("A", TIME + 900, "Redis is away"), ("B", TIME, "Redis is away")]))
    assert file.notes("A", TIME, TIME).absences == [
        Absence("A", TIME, float(TIME + 900), "the broker is away"),
        Absence("A", TIME + 900, None, "Redis is away"),
    ]


def test_a_process_is_noted_from_its_beginning_to_its_last_mark(file: SqliteEvaluations) -> None:
    for at in (NOW, NOW + 60):
        file.note(Batch(at, "one:1", is_present=True, began=NOW - 5))
    file.note(Batch(NOW + 500, "two:2", is_present=True, began=NOW + 400))
    assert file.notes("A", TIME, TIME).presences == [
        Presence("one:1", NOW - 5, NOW + 60),
        Presence("two:2", NOW + 400, NOW + 500),
    ]


def test_notes_are_kept_for_ninety_days_after_they_were_written(file: SqliteEvaluations) -> None:
    late = Evaluation("A", TIME - 100 * 86_400, NOW, "one:1", "stored")
    file.note(Batch(NOW, "one:1", [late, taken_in(at=NOW - 1)], [("A", TIME, "away")], is_present=True, began=NOW))
    file.note(Batch(NOW + KEPT_SECONDS, "one:1", [taken_in(TIME + 900)], is_idle=True))
    kept = file.notes("A", 0, TIME + 10_000)
    assert set(kept.evaluations) == {late.time, TIME + 900}
    file.note(Batch(NOW + 2 * KEPT_SECONDS + 1, "one:1", is_idle=True))
    kept = file.notes("A", 0, TIME + 10_000)
    assert (kept.evaluations, kept.absences, kept.presences) == ({}, [], [])


def test_a_file_that_is_nearly_full_loses_its_oldest_notes(tmp_path: Path) -> None:
    file = SqliteEvaluations(tmp_path / "small.sqlite3", most_pages=60)
    for hour in range(60):
        at = NOW + 3_600 * hour
        many = [taken_in(TIME + 900 * (hour * 60 + each), at=at) for each in range(60)]
        file.note(Batch(at, "one:1", many))
    kept = sorted(file.notes("A", 0, TIME + 10_000_000).evaluations)
    file.close()
    assert 1_000 < len(kept) < 3_600
    assert kept[-1] == TIME + 900 * 3_599
    assert kept == list(range(kept[0], kept[-1] + 900, 900))


def test_a_candle_that_changed_nothing_is_read_before_and_after_it_is_put_in_order(file: SqliteEvaluations) -> None:
    file.note(Batch(NOW, "one:1"))
    file.note(Batch(NOW + 1, "one:1", [taken_in(strategy="B")], quiet=[quiet(), quiet(strategy="C")]))
    file.note(Batch(NOW + 2, "one:1", quiet=[quiet(TIME + 900), quiet()]))
    for _ in range(2):
        assert file.notes("A", TIME, TIME + 900).evaluations == {
            TIME: of_quiet(at=NOW + 1),
            TIME + 900: of_quiet(TIME + 900, NOW + 2),
        }
        assert file.notes("B", TIME, TIME).evaluations == {TIME: taken_in(strategy="B")}
        assert file.notes("C", TIME, TIME).evaluations == {TIME: of_quiet(at=NOW + 1, strategy="C")}
        file.note(Batch(NOW + 86_400, "one:1", is_idle=True))
    with closing(sqlite3.connect(file.path)) as connection:
        assert connection.execute("SELECT (SELECT count(*) FROM look), count(*) FROM evaluation").fetchone() == (0, 4)


def test_looks_that_an_older_version_wrote_are_read_and_put_in_order(file: SqliteEvaluations) -> None:
    candle = f'[[{TIME},110000,110020,109990,110005],5,"EUR_USD M15"]'
    old = f'[["A",{TIME},{NOW},"one:1","stored",1,null,null,null,{candle},[[4400400,40],[15400000,140],10]]]'
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("CREATE TABLE look (n INTEGER PRIMARY KEY, noted TEXT NOT NULL)")
        connection.execute("INSERT INTO look (noted) VALUES (?)", (old,))
        connection.commit()
    assert file.notes("A", TIME, TIME).evaluations == {TIME: of_quiet()}
    file.note(Batch(NOW + 1, "one:1", quiet=[quiet(TIME + 900), quiet()]))
    for _ in range(2):
        expected = {TIME: of_quiet(), TIME + 900: of_quiet(TIME + 900, NOW + 1)}
        assert file.notes("A", TIME, TIME + 900).evaluations == expected
        file.note(Batch(NOW + 90_000, "one:1", is_idle=True))


def test_two_processes_may_give_a_file_its_new_column(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "old.sqlite3", isolation_level=None)) as one,
        closing(sqlite3.connect(tmp_path / "old.sqlite3", isolation_level=None)) as other,
    ):
        one.execute("CREATE TABLE look (n INTEGER PRIMARY KEY)")

        def other_is_first(statement: str) -> None:
            if not statement.startswith("PRAGMA"):
                one.set_trace_callback(None)
                add_columns(other, "look", ("quiet",), "TEXT")

        one.set_trace_callback(other_is_first)
        add_columns(one, "look", ("quiet",), "TEXT")
        assert [row[1] for row in one.execute("PRAGMA table_info(look)")] == ["n", "quiet"]


def test_a_look_is_written_at_once_when_nobody_else_uses_the_file(file: SqliteEvaluations) -> None:
    assert not file.note_at_once(Batch(NOW, "one:1", quiet=[quiet()])), "it is not open"
    file.note(Batch(NOW, "one:1", absent=[("A", TIME, "the broker is away")]))
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not file.note_at_once(Batch(NOW + 1, "one:1", quiet=[quiet()])), "another process writes"
        other.execute("ROLLBACK")
    assert file.note_at_once(Batch(NOW + 2, "one:1", quiet=[quiet()]))
    assert file.note_at_once(Batch(NOW + 86_400, "one:1", quiet=[quiet(TIME + 900)])), "old notes wait for a calm"
    found = file.notes("A", TIME, TIME + 900)
    assert found.evaluations == {TIME: of_quiet(at=NOW + 2), TIME + 900: of_quiet(TIME + 900, NOW + 86_400)}
    assert found.absences == [Absence("A", TIME, NOW + 2, "the broker is away")]
