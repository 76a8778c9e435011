"""The inboxes in the journal's file, the outbox of signals and the alerts, and the doorbell that watches the file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Final

from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.queue.queue_rows import MessageRow, append, count, last_number, set_last_number
from ninja_daemon.adapters.stored.queue import arrival, encode_dead
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES
from ninja_daemon.core.lanes.intake import SEEN_MS, Admission, Drained, InboxView, Intake
from ninja_daemon.core.lanes.record import LaneQuery

LOOK_EVERY: Final = 0.1
"""Seconds between two looks into an inbox that nobody rings for."""


class LocalInbox:
    """The inbox port on the journal's outbox of signals, or on the alerts."""

    def __init__(self, file: LocalQueueFile, *, alerts: bool = False) -> None:
        """Choose the inbox.

        Args:
            file: the journal's.
            alerts: the alerts instead of the signals.
        """
        self._file = file
        self._alerts = alerts
        self._waiting = "queue_alerts" if alerts else "outbox WHERE taken = 0"
        self._text = "alert" if alerts else "signal"
        self._remove = (
            "DELETE FROM queue_alerts WHERE sequence = ?"
            if alerts
            else "UPDATE outbox SET taken = 1 WHERE sequence = ?"
        )

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
        arrivals = tuple(arrival(length, text, str(place), is_alert=self._alerts) for place, length, text in rows)
        return InboxView(self._file.now_ms(), newest, arrivals, self._alerts)

    def drain(self, intake: Intake, queries: Sequence[LaneQuery] = ()) -> Drained:
        """Move elements to their lanes; see the port. A look is no round trip here and saves nothing."""
        del queries
        view = intake.view
        query = f"SELECT sequence FROM {self._waiting} ORDER BY sequence LIMIT ?"  # noqa: S608 - names of our own
        with self._file.changing() as connection:
            heads = [str(row[0]) for row in connection.execute(query, (len(intake.admissions),))]
            is_same = heads == [one.arrival.digest for one in intake.admissions]
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


def _is_seen(connection: sqlite3.Connection, identity: str, now: int) -> bool:
    query = "SELECT 1 FROM queue_seen WHERE id = ? AND time > ?"
    return connection.execute(query, (identity, now - SEEN_MS)).fetchone() is not None


class LocalDoorbell:
    """Waits until something is in an inbox, by looking again and again whether the file has changed."""

    def __init__(self, file: LocalQueueFile, block: float = 1.0, every: float = LOOK_EVERY) -> None:
        """Choose the file.

        Args:
            file: the journal's.
            block: seconds to wait at most.
            every: seconds between two looks.
        """
        self._file = file
        self._block = block
        self._every = every
        self._never = threading.Event()

    def rang(self) -> bool:
        """Wait; tell whether there is something in an inbox.

        Raises:
            StoreUnavailable: it is not known; look after a moment.
        """
        clock = self._file.clock
        deadline = clock.monotonic() + self._block
        seen = self._file.mark()
        while not self._something_waits():
            while (mark := self._file.mark()) == seen:
                if clock.monotonic() >= deadline:
                    return False
                clock.wait(self._never, self._every)
            seen = mark
        return True

    def _something_waits(self) -> bool:
        query = "SELECT EXISTS (SELECT 1 FROM outbox WHERE taken = 0) OR EXISTS (SELECT 1 FROM queue_alerts)"
        with self._file.reading() as connection:
            return bool(connection.execute(query).fetchone()[0])
