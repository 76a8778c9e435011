"""The newest candles of each series: as they were taken in, bounded, and never over a hole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history import candles as module
from ninja_daemon.adapters.journal.history.candles import SqliteCandles
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.usecases.wake_result import Run

EUR_USD = Instrument("EUR_USD", 5, -4)
NAME = "EUR_USD M1"


def run(first: int, last: int, *, before: int | None = None, instrument: Instrument = EUR_USD) -> Run:
    times = range(first * 60, last * 60 + 1, 60)
    candles = [Candle(time, 100_000, 100_010 + time, 99_990, 100_005) for time in times]
    return Run(instrument, None if before is None else before * 60, candles)


def minutes(file: SqliteCandles, count: int = 2_000, until: int | None = None) -> list[int]:
    kept = file.newest(NAME, "EUR_USD", count, None if until is None else until * 60)
    return [] if kept is None else [candle.time // 60 for candle in kept.candles]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqliteCandles]:
    made = SqliteCandles(tmp_path / "candles.sqlite3")
    yield made
    made.close()


def test_candles_come_back_as_they_were_kept_up_to_any_of_them(file: SqliteCandles) -> None:
    whole = run(1, 9)
    file.keep({NAME: run(1, 4)})
    file.keep({NAME: run(5, 9, before=4), "GBP_USD M1": run(5, 6)})
    kept = file.newest(NAME, "EUR_USD", 100)
    assert kept == (EUR_USD, list(whole.candles))
    assert minutes(file, until=6) == [1, 2, 3, 4, 5, 6]
    assert minutes(file, 3, until=6) == [4, 5, 6]
    assert file.newest("XAU_USD M1", "XAU_USD", 5) is None


def test_nothing_is_shown_across_a_hole(file: SqliteCandles) -> None:
    file.keep({NAME: run(1, 4)})
    file.keep({NAME: run(6, 9, before=5)})
    assert minutes(file) == [6, 7, 8, 9]
    assert minutes(file, until=4) == [1, 2, 3, 4]


def test_a_rebuild_brings_what_was_missing_and_changes_nothing_that_is_there(file: SqliteCandles) -> None:
    file.keep({NAME: run(1, 4)})
    file.keep({NAME: run(6, 9, before=5)})
    whole = run(3, 12)
    file.keep({NAME: whole._replace(candles=[candle._replace(close=100_009) for candle in whole.candles])})
    assert minutes(file) == list(range(1, 13))
    kept = file.newest(NAME, "EUR_USD", 100)
    assert kept is not None
    assert {candle.time // 60 for candle in kept.candles if candle.close == 100_009} == {5, 10, 11, 12}


def test_prices_with_more_digits_begin_a_series_anew(file: SqliteCandles) -> None:
    file.keep({NAME: run(1, 4)})
    finer = Instrument("EUR_USD", 6, -4)
    file.keep({NAME: run(5, 6, before=4, instrument=finer)})
    assert minutes(file) == [5, 6]
    kept = file.newest(NAME, "EUR_USD", 100)
    assert kept is not None
    assert kept.instrument == finer


def test_a_series_is_bounded(file: SqliteCandles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 20)
    monkeypatch.setattr(module, "_PRUNE_AFTER", 10)
    for first in range(1, 101, 5):
        file.keep({NAME: run(first, first + 4, before=first - 1)})
    assert minutes(file)[-1] == 100
    assert len(minutes(file)) <= 30


def test_runs_of_one_strategy_in_one_wake_become_one() -> None:
    assert run(1, 3).followed_by(run(4, 5, before=3)) == run(1, 5)
    assert run(1, 3).followed_by(None) == run(1, 3)
    finer = run(4, 5, instrument=Instrument("EUR_USD", 6, -4))
    assert run(1, 3).followed_by(finer) == finer
