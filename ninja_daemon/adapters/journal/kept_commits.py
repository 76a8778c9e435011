"""Commits that wait for a Redis that is away, in the local journal, in the order in which they must be made.

A strategy has one commit here, however long Redis is away: the next one is joined to it. Only a commit of which it is
not known whether Redis has made it (its reply was lost) stays as it is, under the name by which the script knows it
again, and what follows is a second one.

The signals of a commit enter the journal's outbox in the same transaction, its outcomes the table beside it; from there
the notifier of this machine delivers them while Redis is away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.adapters.journal.journal import SqliteJournal, put_into_outbox, put_outcomes, transaction
from ninja_daemon.adapters.stored.prepared import PreparedCommit, decode_commit
from ninja_daemon.core.errors import JournalUnavailable, StateUnreadable
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant

_OPEN: Final = 1
"""Later commits of the strategy are joined to the row."""
_CLOSED: Final = 0
"""The row is being made."""
_DOUBTFUL: Final = 2
"""Redis may have made the row, under the name that it has now."""
MOST_ROWS: Final = 50_000
"""Rows that may wait, one or two a strategy; beyond it strategies wait instead, and catch up from the broker."""


@dataclass(frozen=True, slots=True)
class WaitingCommit:
    """A commit in the spool.

    Attributes:
        sequence: its place.
        strategy: whose it is.
        commit: the commit to replay; None when the row is unreadable.
    """

    sequence: int
    strategy: str
    commit: PreparedCommit | None


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a strategy's waiting commits go.

    Attributes:
        target: open of the last candle that they take in.
        sides: fields of ``signal_state`` after it; None when the row cannot be read any more.
    """

    target: Instant
    sides: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class JournalPart:
    """What belongs to one shard.

    Attributes:
        shard: its number.
        has: tells whether a strategy's name is of it.
    """

    shard: int
    has: Callable[[str], bool]


class KeptCommits:
    """The waiting commits of one journal, or those of one shard in it; for all threads of a process."""

    def __init__(self, journal: SqliteJournal, part: JournalPart | None = None) -> None:
        """Choose the journal, and what of it; None for all."""
        self._journal = journal
        self._part = part

    def reached(self) -> Mapping[str, Reached]:
        """Return, by strategy name, how far the waiting commits go; strategies without any are left out.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        query = (
            "SELECT strategy, target, body FROM spool "
            "WHERE sequence IN (SELECT max(sequence) FROM spool GROUP BY strategy)"
        )
        with self._journal.session() as connection:
            rows = connection.execute(query).fetchall()
        return {strategy: Reached(target, _sides(body)) for strategy, target, body in rows if self._has(strategy)}

    def _has(self, strategy: str) -> bool:
        return self._part is None or self._part.has(strategy)

    def keep(self, commits: Sequence[PreparedCommit], *, unsure: bool) -> Mapping[str, int | None]:
        """Keep commits, with their signals in the outbox, all of them or none.

        Args:
            commits: one a strategy.
            unsure: Redis may have made them already.

        Returns:
            By strategy name: how many of its signals the outbox had not seen; None when the commit does not follow
            the one that waits, so that it was not kept.

        Raises:
            JournalUnavailable: nothing was kept.
        """
        with self._journal.session() as connection, transaction(connection):
            kept = {commit.strategy: _keep_one(connection, commit, unsure=unsure) for commit in commits}
            # Counted afterwards, when it is known which were joined to rows that were there; the transaction undoes it.
            if connection.execute("SELECT count(*) FROM spool").fetchone()[0] > MOST_ROWS:
                message = f"the journal is full: {MOST_ROWS} commits wait for Redis"
                raise JournalUnavailable(message)
            return kept

    def begin(self) -> Sequence[WaitingCommit]:
        """Return the waiting commits in their order; from now on nothing is joined to them.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self._journal.session() as connection, transaction(connection):
            found = connection.execute("SELECT sequence, strategy, body FROM spool ORDER BY sequence").fetchall()
            rows = [row for row in found if self._has(row[1])]
            # Rows that are closed already are those of a process that died before it heard what became of them.
            for after, before in ((_DOUBTFUL, _CLOSED), (_CLOSED, _OPEN)):
                connection.executemany(
                    "UPDATE spool SET is_open = ? WHERE sequence = ? AND is_open = ?",
                    [(after, sequence, before) for sequence, _, _ in rows],
                )
        return [WaitingCommit(sequence, strategy, _decoded(body)) for sequence, strategy, body in rows]

    def reopen(self, sequences: Sequence[int]) -> None:
        """Let later commits be joined to these again: Redis has not made them, unless there was a doubt before.

        Raises:
            JournalUnavailable: they stay as they are.
        """
        with self._journal.session() as connection, transaction(connection):
            connection.executemany(
                "UPDATE spool SET is_open = ? WHERE sequence = ? AND is_open = ?",
                [(_OPEN, one, _CLOSED) for one in sequences],
            )

    def doubt(self, sequences: Sequence[int]) -> None:
        """Note that Redis may have made these; they keep the names by which it knows them.

        Raises:
            JournalUnavailable: it was not noted; the next ``begin`` supposes it.
        """
        with self._journal.session() as connection, transaction(connection):
            connection.executemany(
                "UPDATE spool SET is_open = ? WHERE sequence = ?", [(_DOUBTFUL, one) for one in sequences]
            )

    def count(self) -> int:
        """Return how many commits wait.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self._journal.session() as connection:
            rows = connection.execute("SELECT strategy, count(*) FROM spool GROUP BY strategy").fetchall()
        return sum(count for strategy, count in rows if self._has(strategy))

    def settle(self, sequences: Sequence[int], marks: Mapping[str, Instant]) -> None:
        """Forget commits that need not be made any more, and keep the marks of those that were.

        Raises:
            JournalUnavailable: they stay; making them again changes nothing.
        """
        with self._journal.session() as connection, transaction(connection):
            connection.executemany("DELETE FROM spool WHERE sequence = ?", [(one,) for one in sequences])
            query = "INSERT INTO marks VALUES (?, ?) ON CONFLICT (strategy) DO UPDATE SET time = excluded.time"
            connection.executemany(query, list(marks.items()))

    def led_at(self) -> int | None:
        """Return when a daemon of this machine was last known to be the active one, None when it was not the last.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        with self._journal.session() as connection:
            if self._part is None:
                row = connection.execute("SELECT at FROM leadership").fetchone()
            else:
                query = "SELECT at FROM shard_leadership WHERE shard = ?"
                row = connection.execute(query, (self._part.shard,)).fetchone()
        return None if row is None else int(row[0])

    def lead(self, at: int | None) -> None:
        """Note that this machine's daemon is the active one; None that another one is.

        Raises:
            JournalUnavailable: it cannot be written.
        """
        with self._journal.session() as connection, transaction(connection):
            if self._part is None:
                connection.execute("DELETE FROM leadership")
                connection.executemany("INSERT INTO leadership VALUES (1, ?)", [] if at is None else [(at,)])
            else:
                shard = self._part.shard
                connection.execute("DELETE FROM shard_leadership WHERE shard = ?", (shard,))
                rows = [] if at is None else [(shard, at)]
                connection.executemany("INSERT INTO shard_leadership VALUES (?, ?)", rows)


def token_of(target: Instant) -> str:
    """Return what a commit expects of a cursor that names this candle."""
    return f"={format_instant(target)}"


def _keep_one(connection: sqlite3.Connection, commit: PreparedCommit, *, unsure: bool) -> int | None:
    query = "SELECT sequence, target, is_open, body FROM spool WHERE strategy = ? ORDER BY sequence DESC LIMIT 1"
    last = connection.execute(query, (commit.strategy,)).fetchone()
    if last is not None and commit.expected != token_of(last[1]):
        return None
    target = parse_instant(commit.target)
    before = _decoded(last[3]) if last is not None and last[2] == _OPEN and not unsure else None
    if before is not None:
        row = (target, before.followed_by(commit).encoded(), last[0])
        connection.execute("UPDATE spool SET target = ?, body = ? WHERE sequence = ?", row)
    else:
        connection.execute(
            "INSERT INTO spool (strategy, target, is_open, body) VALUES (?, ?, ?, ?)",
            (commit.strategy, target, _DOUBTFUL if unsure else _OPEN, commit.encoded()),
        )
    new = put_into_outbox(connection, {one.id: one.text for one in commit.signals})
    put_outcomes(connection, {one.id: one.text for one in commit.outcomes})
    return new


def _decoded(body: str) -> PreparedCommit | None:
    try:
        return decode_commit(body)
    except StateUnreadable:
        return None


def _sides(body: str) -> Mapping[str, str] | None:
    commit = _decoded(body)
    return None if commit is None else commit.sides
