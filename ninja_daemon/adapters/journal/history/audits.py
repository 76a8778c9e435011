"""Results of audits by strategy, in the file of the evaluation notes; an interrupted audit goes on from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from ninja_daemon.adapters.journal.history.evaluation_reading import read_nearest, read_seen
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.adapters.journal.sqlite_transactions import transaction
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.usecases.proof.noted import Seen

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS audit (
    run TEXT NOT NULL,
    strategy TEXT NOT NULL,
    settings TEXT NOT NULL,
    at INTEGER NOT NULL,
    result TEXT NOT NULL,
    fresh INTEGER NOT NULL,
    PRIMARY KEY (run, strategy)
) WITHOUT ROWID;
"""
OWN: Final = "the daemon's own"
"""The run of the daemon; its results are kept until the next one."""
_BEGUN: Final = ""
"""In place of a strategy: when this machine began to count the time to its first audit."""


class KeptAudit(NamedTuple):
    """What was found of one strategy.

    Attributes:
        strategy: its name.
        at: when it was audited (epoch seconds).
        result: its fields, as ``audit --json`` writes them.
        fresh: new differences that were not reported yet.
    """

    strategy: str
    at: int
    result: Mapping[str, Any]
    fresh: int


class SqliteAudits(SqliteEvaluations):
    """Results of audits beside the notes."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, more=_SCHEMA)

    def keep(self, run: str, strategy: str, settings: str, at: float, text: str) -> None:
        """Keep what was found of a strategy.

        Args:
            run: which audit.
            strategy: its name.
            settings: hash of its settings.
            at: epoch seconds.
            text: the result, an object of JSON.

        Raises:
            JournalUnavailable: it was not kept.
        """
        with self.session() as connection, transaction(connection):
            row = connection.execute(
                "SELECT result, fresh FROM audit WHERE run = ? AND strategy = ?", (run, strategy)
            ).fetchone()
            known, untold = ({}, 0) if row is None else (json.loads(row[0]), int(row[1]))
            before = {json.dumps(one, sort_keys=True) for one in known.get("differences", ())}
            now = {json.dumps(one, sort_keys=True) for one in json.loads(text)["differences"]}
            fresh = min(len(now), untold + len(now - before))
            values = (run, strategy, settings, int(at), text, fresh)
            connection.execute("INSERT OR REPLACE INTO audit VALUES (?, ?, ?, ?, ?, ?)", values)

    def kept(self, run: str) -> Sequence[KeptAudit]:
        """Return what was found in an audit.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        query = "SELECT strategy, at, result, fresh FROM audit WHERE run = ? AND strategy != ? ORDER BY at, strategy"
        with self.session() as connection:
            rows = connection.execute(query, (run, _BEGUN)).fetchall()
        return [KeptAudit(name, int(at), json.loads(text), int(fresh)) for name, at, text, fresh in rows]

    def going_on(self, run: str, settings: Mapping[str, str], since: float) -> Mapping[str, KeptAudit]:
        """Return what an audit that was cut short had found, of strategies whose settings (hashes) are the same.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        query = "SELECT strategy, settings FROM audit WHERE run = ? AND at >= ?"
        with self.session() as connection:
            same = {name for name, known in connection.execute(query, (run, since)) if settings.get(name) == known}
        return {one.strategy: one for one in self.kept(run) if one.strategy in same}

    def forget(self, run: str) -> None:
        """Forget an audit.

        Raises:
            JournalUnavailable: it was not forgotten.
        """
        with self.session() as connection, transaction(connection):
            connection.execute("DELETE FROM audit WHERE run = ?", (run,))

    def told(self) -> None:
        """Note that the operator was told of all that the daemon's own audits found.

        Raises:
            JournalUnavailable: it was not noted.
        """
        with self.session() as connection, transaction(connection):
            connection.execute("UPDATE audit SET fresh = 0 WHERE run = ?", (OWN,))

    def begun(self, now: float) -> int:
        """Return since when the daemon's own audits are counted on this machine; from now on, the first time.

        Raises:
            JournalUnavailable: it cannot be read or noted.
        """
        with self.session() as connection, transaction(connection):
            values = (OWN, _BEGUN, "", int(now), '{"differences": []}', 0)
            connection.execute("INSERT OR IGNORE INTO audit VALUES (?, ?, ?, ?, ?, ?)", values)
            row = connection.execute("SELECT at FROM audit WHERE run = ? AND strategy = ?", (OWN, _BEGUN)).fetchone()
        return int(row[0])

    # --- what audits, and people, read of the notes

    def seen(self, strategy: str) -> list[Seen]:
        """Return the candles of a strategy as they were taken in, oldest first.

        Raises:
            JournalUnavailable: they cannot be read.
        """
        with self.session() as connection:
            return read_seen(connection, strategy)

    def nearest(self, since: Instant) -> dict[str, tuple[Decimal, Instant]]:
        """Return by strategy how near its averages were at closes since an instant, and at which candle's open.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            return read_nearest(connection, since)
