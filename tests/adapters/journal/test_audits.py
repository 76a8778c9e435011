"""Results of audits in the file of evaluations, and what is read of the notes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history.audits import OWN, SqliteAudits
from ninja_daemon.adapters.journal.history.evaluation_rows import Batch
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.usecases.proof.noted import Evaluation, Seen

NOW = 1_700_000_000.0
TIME = 1_699_999_200
OLD_TABLES = """
CREATE TABLE name (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE evaluation (strategy INTEGER NOT NULL, time INTEGER NOT NULL, at INTEGER NOT NULL, by INTEGER NOT NULL,
    start TEXT NOT NULL, side INTEGER, cross INTEGER, rejected_by TEXT, id BLOB, PRIMARY KEY (strategy, time)
) WITHOUT ROWID;
CREATE INDEX evaluation_at ON evaluation (at);
INSERT INTO name VALUES (1, 'A'), (2, 'one:1');
INSERT INTO evaluation VALUES (1, 1699998300, 1700000000000, 2, 'stored', 1, NULL, NULL, NULL);
PRAGMA user_version = 1;
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteAudits]:
    made = SqliteAudits(tmp_path / "evaluations.sqlite3")
    yield made
    made.close()


def result(*fields: str) -> str:
    return json.dumps({"strategy": "A", "differences": [{"kind": "missing", "field": one} for one in fields]})


def taken_in(time: int, close: int, gap: int, at: float = NOW) -> Evaluation:
    seen = Seen(Candle(time, close, close + 2, close - 2, close), 5, "EUR_USD M15")
    return Evaluation("A", time, at, "one:1", "stored", None, None, None, None, seen, gap)


def test_what_is_new_is_counted_until_it_is_told(file: SqliteAudits) -> None:
    file.keep(OWN, "A", "hash", NOW, result("id"))
    file.keep(OWN, "A", "hash", NOW + 1, result("id", "close"))
    (one,) = file.kept(OWN)
    assert (one.strategy, one.at, one.fresh) == ("A", int(NOW) + 1, 2)
    file.told()
    file.keep(OWN, "A", "hash", NOW + 2, result("id", "close"))
    assert file.kept(OWN)[0].fresh == 0
    file.keep(OWN, "A", "hash", NOW + 3, result())
    assert file.kept(OWN)[0].result["differences"] == []


def test_one_that_was_cut_short_is_known_by_run_settings_and_age(file: SqliteAudits) -> None:
    file.keep("since None", "A", "hash", NOW, result())
    assert set(file.going_on("since None", {"A": "hash"}, NOW - 60)) == {"A"}
    assert not file.going_on("since None", {"A": "other"}, NOW - 60)
    assert not file.going_on("since None", {"A": "hash"}, NOW + 60)
    assert not file.going_on("since 5", {"A": "hash"}, NOW - 60)
    file.forget("since None")
    assert not file.kept("since None")


def test_the_time_to_the_first_audit_counts_from_the_first_look(file: SqliteAudits) -> None:
    assert [file.begun(NOW), file.begun(NOW + 60)] == [int(NOW)] * 2
    assert not file.kept(OWN)


def test_the_first_version_of_a_candle_is_kept_however_often_it_is_noted(file: SqliteAudits) -> None:
    for day in range(3):
        at = NOW + day * 90_000  # recent ones are put in their place between
        file.note(Batch(at, "one:1", [taken_in(TIME, 110_000 + day, 50_000 - day, at)]))
        file.note(Batch(at, "one:1", [taken_in(TIME + 900 * (day + 1), 120_000, 31_234, at)]))
    assert [one.candle.close for one in file.seen("A")] == [110_000, 120_000, 120_000, 120_000]
    assert file.notes("A", TIME, TIME).evaluations[TIME].at == NOW
    assert file.nearest(TIME) == {"A": (Decimal("3.1234"), TIME + 900)}


def test_a_file_of_a_version_without_candles_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "evaluations.sqlite3"
    with sqlite3.connect(path) as old:
        old.executescript(OLD_TABLES)
    old.close()
    file = SqliteAudits(path)
    file.note(Batch(NOW, "one:1", [taken_in(TIME, 110_000, 5)]))
    notes = file.notes("A", 0, TIME).evaluations
    assert [(time, note.seen is None) for time, note in notes.items()] == [(1_699_998_300, True), (TIME, False)]
    assert len(file.seen("A")) == 1
    file.close()
