"""The newest candles of each series in a SQLite file of the state directory: what the page draws.

They are written behind the commit and without waiting for the disk, and nothing is decided by them. Each candle names
the one before it, so that a hole (a process that was killed before it wrote) shows.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from ninja_daemon.adapters.journal.sqlite_file import SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import unsynced_transaction
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.usecases.wake_result import Run

KEPT: Final = 1_500
"""Candles of a series, 32 kB."""
_PRUNE_AFTER: Final = 250
"""Candles of a series that are written between two looks for old ones."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS series (
    n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, decimals INTEGER NOT NULL, pip_location INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS candle (
    series INTEGER NOT NULL,
    time INTEGER NOT NULL,
    before INTEGER,
    open INTEGER NOT NULL,
    high INTEGER NOT NULL,
    low INTEGER NOT NULL,
    close INTEGER NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
"""


def candles_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the file of the candles; see ``scoped_path``."""
    return scoped_path(state_dir, "candles", redis_label, namespace)


class KeptCandles(NamedTuple):
    """Candles of a series without a hole, oldest first."""

    instrument: Instrument
    candles: list[Candle]


class SqliteCandles(SqliteFile):
    """The candles in one file."""

    what = "file of candles"

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, _SCHEMA)
        self._written: Counter[int] = Counter()

    def keep(self, runs: Mapping[str, Run]) -> None:
        """Write candles by the names of their series, all of them or none; one that is there already stays.

        Raises:
            JournalUnavailable: nothing was written.
        """
        with self.session() as connection, unsynced_transaction(connection):
            for name, run in runs.items():
                number = _number(connection, name, run.instrument)
                before = [run.before, *(candle.time for candle in run.candles[:-1])]
                rows = [
                    (number, candle.time, earlier, *candle[1:])
                    for candle, earlier in zip(run.candles, before, strict=True)
                ][-KEPT:]
                connection.executemany("INSERT OR IGNORE INTO candle VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                self._written[number] += len(rows)
                if self._written[number] >= _PRUNE_AFTER:
                    _prune(connection, number)
                    del self._written[number]

    def newest(self, name: str, instrument: str, count: int, until: Instant | None = None) -> KeptCandles | None:
        """Return the newest candles of a series up to one of them; None when there is none.

        Raises:
            JournalUnavailable: they cannot be read.
        """
        with self.session() as connection:
            found = connection.execute("SELECT n, decimals, pip_location FROM series WHERE name = ?", (name,))
            series = found.fetchone()
            if series is None:
                return None
            rows = connection.execute(
                "SELECT time, open, high, low, close, before FROM candle WHERE series = ? AND time <= ?"
                " ORDER BY time DESC LIMIT ?",
                (series[0], 2**62 if until is None else until, count),
            ).fetchall()
        candles: list[Candle] = []
        for *fields, before in rows:
            candles.append(Candle(*fields))
            if len(candles) < len(rows) and rows[len(candles)][0] != before:
                break
        return KeptCandles(Instrument(instrument, series[1], series[2]), candles[::-1]) if candles else None


def _number(connection: sqlite3.Connection, name: str, instrument: Instrument) -> int:
    """Return the number of a series; candles with other decimals than the new ones are forgotten."""
    found = connection.execute("SELECT n, decimals, pip_location FROM series WHERE name = ?", (name,)).fetchone()
    if found is not None and found[1:] == (instrument.decimals, instrument.pip_location):
        return int(found[0])
    if found is not None:
        connection.execute("DELETE FROM candle WHERE series = ?", (found[0],))
        connection.execute("DELETE FROM series WHERE n = ?", (found[0],))
    row = (name, instrument.decimals, instrument.pip_location)
    made = connection.execute("INSERT INTO series (name, decimals, pip_location) VALUES (?, ?, ?)", row)
    return int(made.lastrowid or 0)


def _prune(connection: sqlite3.Connection, series: int) -> None:
    oldest = "SELECT time FROM candle WHERE series = ? ORDER BY time DESC LIMIT 1 OFFSET ?"
    edge = connection.execute(oldest, (series, KEPT - 1)).fetchone()
    if edge is not None:
        connection.execute("DELETE FROM candle WHERE series = ? AND time < ?", (series, edge[0]))
