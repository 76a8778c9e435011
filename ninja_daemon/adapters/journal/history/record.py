"""The record (contract 8.7) in a file of its own in the state directory: every listed signal and outcome, chained.

Unlike the journal it is never begun anew by itself in silence: what it held nobody else has.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ninja_daemon.adapters.journal.sqlite_file import SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import transaction
from ninja_daemon.adapters.stored.open_signals import is_outcome
from ninja_daemon.adapters.stored.record import BEGIN, canonical, link, parsed

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    n INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    line TEXT NOT NULL,
    chain TEXT NOT NULL,
    UNIQUE (kind, id)
);
"""
_MOST_PAGES: Final = 262_144
"""Pages of 4 kB: a million signals and their outcomes."""
_ID: Final = re.compile(r'"id":"([0-9a-f]{32})"', re.ASCII)


def record_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the record's file; see ``scoped_path``."""
    return scoped_path(state_dir, "record", redis_label, namespace)


class RecordEntry(NamedTuple):
    """What is to be appended.

    Attributes:
        kind: as in adapters/stored/record.py.
        id: the same entry is appended once.
        content: members of the line besides ``n``, ``kind`` and ``chain``.
    """

    kind: str
    id: str
    content: dict[str, Any]


class RecordHead(NamedTuple):
    """Where a record ends.

    Attributes:
        lines: how many it has.
        chain: that of the last one.
    """

    lines: int
    chain: str


class SqliteRecord(SqliteFile):
    """The record in a SQLite file."""

    what = "record"

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, _SCHEMA, most_pages=_MOST_PAGES)

    def append(self, entries: Iterable[RecordEntry]) -> int:
        """Append the entries that are not there yet, in their order; return how many.

        Raises:
            JournalUnavailable: nothing was appended.
        """
        new = 0
        with self.session() as connection, transaction(connection):
            row = connection.execute("SELECT n, chain FROM record ORDER BY n DESC LIMIT 1").fetchone()
            number, chain = row or (0, BEGIN)
            for entry in entries:
                known = "SELECT 1 FROM record WHERE kind = ? AND id = ?"
                if connection.execute(known, (entry.kind, entry.id)).fetchone() is not None:
                    continue
                number += 1
                line = {"n": number, "kind": entry.kind, **entry.content}
                chain = link(chain, line)
                row = (number, entry.kind, entry.id, canonical({**line, "chain": chain}), chain)
                connection.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?)", row)
                new += 1
        return new

    def lines(self) -> Iterator[str]:
        """Go through the lines as they are exported, the end included.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            rows = connection.execute("SELECT line FROM record ORDER BY n").fetchall()
            head = _head(connection.execute("SELECT n, chain FROM record ORDER BY n DESC LIMIT 1").fetchone())
        for row in rows:
            yield str(row[0])
        yield canonical({"kind": "end", "n": head.lines, "chain": head.chain})

    def chain_at(self, line: int) -> str | None:
        """Return the chain of a line, that of an empty record for line 0; None when it is not there.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        if line == 0:
            return BEGIN
        with self.session() as connection:
            row = connection.execute("SELECT chain FROM record WHERE n = ?", (line,)).fetchone()
        return None if row is None else str(row[0])

    def head(self) -> RecordHead:
        """Return where the record ends.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self.session() as connection:
            return _head(connection.execute("SELECT n, chain FROM record ORDER BY n DESC LIMIT 1").fetchone())


def _head(row: Any) -> RecordHead:  # noqa: ANN401 - of a query
    return RecordHead(0, BEGIN) if row is None else RecordHead(int(row[0]), str(row[1]))


def settings_entry(strategy: str, settings_hash: str, settings: Mapping[str, Any]) -> RecordEntry:
    """Return the line that says under which settings a strategy's signals are found."""
    content = {"strategy": strategy, "hash": settings_hash, "settings": dict(settings)}
    return RecordEntry("settings", f"{strategy}|{settings_hash}", {"entry": content})


def entries_of(signals: Sequence[str], followed: Sequence[str]) -> list[RecordEntry]:
    """Return the entries of the histories of signals and outcomes, in the order in which they were listed.

    Signals of a version without outcomes are not among them: nothing follows them.
    """
    by_id = {match[1]: text for text in signals if (match := _ID.search(text[:200])) is not None}
    entries: list[RecordEntry] = []
    for text in followed:
        match = _ID.search(text[:200])
        if match is None:
            continue
        with contextlib.suppress(ValueError, ArithmeticError, RecursionError):
            if is_outcome(text):
                entries.append(RecordEntry("outcome", match[1], {"entry": parsed(text)}))
            elif match[1] in by_id:
                content = {"entry": parsed(by_id[match[1]]), "follow": parsed(text)["follow"]}
                entries.append(RecordEntry("signal", match[1], content))
    return entries
