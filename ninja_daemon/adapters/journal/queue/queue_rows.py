"""Rows of the queue's tables in the journal's file; each function is called within a transaction of the caller."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import NamedTuple

from ninja_daemon.adapters.stored.queue import LANE_FIELDS, changed_fields, decode_entry, decode_lane
from ninja_daemon.core.lanes.record import LaneRecord
from ninja_daemon.core.messages.message import Entry

_NULLS = frozenset({"suspended", "due", "reason"})
"""Columns that hold NULL for nothing, as they always did."""


def record_of(connection: sqlite3.Connection, lane: str) -> LaneRecord:
    """Return the record of a lane, an empty one when there is no such lane."""
    query = f"SELECT {', '.join(LANE_FIELDS)} FROM queue_lanes WHERE name = ?"  # noqa: S608 - columns of our own
    row = connection.execute(query, (lane,)).fetchone()
    return LaneRecord() if row is None else decode_lane(dict(zip(LANE_FIELDS, row, strict=True)))


def write_record(connection: sqlite3.Connection, lane: str, before: LaneRecord, after: LaneRecord) -> bool:
    """Write a record over that of an earlier version; False when that is no longer there."""
    connection.execute("INSERT OR IGNORE INTO queue_lanes (name) VALUES (?)", (lane,))
    values = changed_fields(before, after)
    settings = ", ".join(f"{name} = ?" for name in values)
    query = f"UPDATE queue_lanes SET {settings} WHERE name = ? AND version = ? AND token = ?"  # noqa: S608 - columns of our own
    stored = [None if name in _NULLS and not value else value for name, value in values.items()]
    # A notifier of an older release knows no version, but grows the token when it takes the lane.
    return bool(connection.execute(query, (*stored, lane, before.version, before.token)).rowcount)


def set_known(connection: sqlite3.Connection, lane: str, *, is_known: bool) -> None:
    """Say whether a lane is listed."""
    query = "INSERT INTO queue_lanes (name, known) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET known = ?"
    connection.execute(query, (lane, int(is_known), int(is_known)))


class MessageRow(NamedTuple):
    """A message as it enters a lane; ``accepted`` is in epoch milliseconds."""

    number: int
    kind: str
    id: str
    accepted: int
    text: str


def append(connection: sqlite3.Connection, lane: str, message: MessageRow) -> None:
    """Append a message to a lane."""
    connection.execute("INSERT INTO queue_messages VALUES (?, ?, ?, ?, ?, ?)", (lane, *message))
    set_known(connection, lane, is_known=True)


def messages(connection: sqlite3.Connection, lane: str, most: int) -> tuple[Entry, ...]:
    """Return the first messages of a lane."""
    query = (
        "SELECT number, kind || ' ' || id || ' ' || number || ' ' || accepted || char(10) || text "
        "FROM queue_messages WHERE lane = ? ORDER BY number LIMIT ?"
    )
    # A message that somebody put there by hand may be no message at all; its number says what to take off the lane.
    return tuple(
        replace(decode_entry(stored), number=number) for number, stored in connection.execute(query, (lane, most))
    )


def first_number(connection: sqlite3.Connection, lane: str) -> int | None:
    """Return the number of a lane's first message; None when it is empty."""
    row = connection.execute("SELECT min(number) FROM queue_messages WHERE lane = ?", (lane,)).fetchone()
    return None if row[0] is None else int(row[0])


def count(connection: sqlite3.Connection, name: str, more: int = 1) -> None:
    """Let a counter grow."""
    query = "INSERT INTO queue_counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
    connection.execute(query, (name, more))


def last_number(connection: sqlite3.Connection) -> int:
    """Return the number of the newest message that ever entered a lane."""
    row = connection.execute("SELECT CAST(text AS INTEGER) FROM queue_kept WHERE name = 'number'").fetchone()
    return 0 if row is None else int(row[0])


def set_last_number(connection: sqlite3.Connection, number: int) -> None:
    """Keep the number of the newest message."""
    connection.execute("INSERT OR REPLACE INTO queue_kept VALUES ('number', ?, NULL)", (str(number),))


def next_number(connection: sqlite3.Connection) -> int:
    """Take the number of a new message."""
    number = last_number(connection) + 1
    set_last_number(connection, number)
    return number
