"""The inboxes in the journal's file, for signals, outcomes and alerts, and the doorbell that watches the file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

from ninja_daemon.adapters.journal.queue.queue_file import OUTCOME_WAITS, LocalQueueFile
from ninja_daemon.adapters.journal.queue.queue_rows import MessageRow, append, count, last_number, set_last_number
from ninja_daemon.adapters.stored.queue import arrival, encode_dead
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES
from ninja_daemon.core.lanes.intake import SEEN_MS, Admission, Drained, InboxView, Intake
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.messages.message import Kind

LOOK_EVERY: Final = 0.1
"""Seconds between two looks into an inbox that nobody rings for."""


class _Table(NamedTuple):
    """Where the elements of an inbox lie.

    Attributes:
        waiting: the table, and which of its rows.
        text: column of the element.
        remove: takes the row of a sequence number out.
    """

    waiting: str
    text: str
    remove: str


_TABLES: Final = {
    Kind.SIGNAL: _Table("outbox WHERE taken = 0", "signal", "UPDATE outbox SET taken = 1 WHERE sequence = ?"),
    Kind.ALERT: _Table("queue_alerts", "alert", "DELETE FROM queue_alerts WHERE sequence = ?"),
    Kind.OUTCOME: _Table(
        f"outcomes WHERE {OUTCOME_WAITS}", "outcome", "UPDATE outcomes SET taken = 1 WHERE sequence = ?"
    ),
}


class LocalInbox:
    """The inbox port on the journal's outbox of signals, on the alerts, or on the outcomes."""

    def __init__(self, file: LocalQueueFile, kind: Kind = Kind.SIGNAL) -> None:
        """Choose the inbox.

        Args:
            file: the journal's.
            kind: what is in it.
        """
        self._file = file
        self._kind = kind
        self._waiting, self._text, self._remove = _TABLES[kind]

    def peek(self, most: int) -> InboxView:
        """Return the oldest elements, which stay where they are; see the port."""
        query = (
            f"SELECT sequence, length(CAST({self._text} AS BLOB)), "  # noqa: S608 - names of our own
            f"coalesce(CAST(substr(CAST({self._text} AS BLOB), 1, {MAX_SIGNAL_BYTES + 1}) AS TEXT), '') "
            f"FROM {self._waiting} ORDER BY sequence LIMIT ?"
        )
        with self._file.reading() as connection:
            rows = connection.execute(query, (most,)).fetchall()
            newest = last_number(connection) if rows else 0
        arrivals = tuple(arrival(length, text, str(place), self._kind) for place, length, text in rows)
        return InboxView(self._file.now_ms(), newest, arrivals, self._kind)

    def drain(self, intake: Intake, queries: Sequence[LaneQuery] = ()) -> Drained:
        """Move elements to their lanes; see the port. A look is no round trip here and saves nothing."""
        del queries
        view = intake.view
        query = f"SELECT sequence FROM {self._waiting} ORDER BY sequence LIMIT ?"  # noqa: S608 - names of our own
        with self._file.changing() as connection:
            heads = [str(row[0]) for row in connection.execute(query, (len(intake.admissions),))]
            is_same = heads == [one.arrival.digest for one in intake.admissions]
            # Its signal was listed before it, so it has a lower number once the signals are all in their lanes.
            is_same &= self._kind is not Kind.OUTCOME or not _signals_wait(connection)
            known = frozenset(identity for identity in intake.ids if _is_seen(connection, identity, view.now))
            if not is_same or known or last_number(connection) != view.sequence:
                return Drained(is_done=False, known=known)
            connection.execute("DELETE FROM queue_seen WHERE time <= ?", (view.now - SEEN_MS,))
            for one in intake.admissions:
                self._admit(connection, one, view.now)
            set_last_number(connection, intake.sequence)
        return Drained(is_done=True)

    def _admit(self, connection: sqlite3.Connection, one: Admission, now: int) -> None:
        element = one.arrival
        connection.execute(self._remove, (int(element.digest),))
        for name in one.counters:
            count(connection, name)
        if one.letter is not None:
            connection.execute("INSERT INTO queue_dead (letter) VALUES (?)", (encode_dead(one.letter),))
        for lane in one.lanes:
            append(connection, lane, MessageRow(one.number, element.kind.value, element.id, now, element.text))
        if element.id and not one.is_repeated:
            connection.execute("INSERT INTO queue_seen VALUES (?, ?)", (element.id, now))


def _signals_wait(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM outbox WHERE taken = 0)").fetchone()[0])


def _is_seen(connection: sqlite3.Connection, identity: str, now: int) -> bool:
    query = "SELECT 1 FROM queue_seen WHERE id = ? AND time > ?"
    return connection.execute(query, (identity, now - SEEN_MS)).fetchone() is not None


class LocalDoorbell:
    """Waits until something is in an inbox, by looking again and again whether the file has changed."""

    def __init__(self, file: LocalQueueFile, every: float = LOOK_EVERY) -> None:
        """Choose the file.

        Args:
            file: the journal's.
            every: seconds between two looks.
        """
        self._file = file
        self._every = every
        self._never = threading.Event()

    def rang(self, block: float) -> bool:
        """Wait for at most ``block`` seconds; tell whether there is something in an inbox.

        Raises:
            StoreUnavailable: it is not known; look after a moment.
        """
        clock = self._file.clock
        deadline = clock.monotonic() + block
        seen = self._file.mark()
        while not self._something_waits():
            while (mark := self._file.mark()) == seen:
                if clock.monotonic() >= deadline:
                    return False
                clock.wait(self._never, min(self._every, block))
            seen = mark
        return True

    def _something_waits(self) -> bool:
        query = (
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE taken = 0) OR EXISTS (SELECT 1 FROM queue_alerts) "  # noqa: S608
            f"OR EXISTS (SELECT 1 FROM outcomes WHERE {OUTCOME_WAITS})"
        )
        with self._file.reading() as connection:
            return bool(connection.execute(query).fetchone()[0])
