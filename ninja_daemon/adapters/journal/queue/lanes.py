"""Lanes, dead letters and silences in the journal's file; their rules are in ``core.lanes``."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ninja_daemon.adapters.journal.queue.queue_file import OUTCOME_WAITS, LocalQueueFile
from ninja_daemon.adapters.journal.queue.queue_rows import (
    MessageRow,
    append,
    count,
    first_number,
    last_number,
    messages,
    next_number,
    record_of,
    set_known,
    set_last_number,
    write_record,
)
from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.queue import decode_dead, encode_dead
from ninja_daemon.adapters.stored.silence import decode_silence, encode_silence
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import LaneContents, Survey
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.moving import newcomers
from ninja_daemon.core.lanes.record import LaneQuery, LaneView
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.delivery_ports import Written

_OUTCOMES_WAITING: Final = f"SELECT count(*) FROM outcomes WHERE {OUTCOME_WAITS}"  # noqa: S608 - our own


class LocalQueueStore:
    """The port ``QueueStore`` on the journal's file."""

    def __init__(self, file: LocalQueueFile) -> None:
        """Choose the file."""
        self._file = file

    # --- lanes

    def look(self, query: LaneQuery) -> LaneView:
        """Return a lane as it stands; see the port."""
        with self._file.reading() as connection:
            return self._view(connection, query)

    def write(self, query: LaneQuery, change: LaneChange, *, and_look: bool = False) -> Written:
        """Write a change if the lane is as it was; see the port."""
        with self._file.changing() as connection:
            if not _write(connection, query, change):
                return Written(is_done=False)
            return Written(is_done=True, view=self._view(connection, query) if and_look else None)

    def _view(self, connection: sqlite3.Connection, query: LaneQuery) -> LaneView:
        record, entries = record_of(connection, query.lane), messages(connection, query.lane, query.most)
        if not entries:
            return LaneView(self._file.now_ms(), record)
        hold = connection.execute("SELECT until FROM queue_holds WHERE provider = ?", (query.provider,)).fetchone()
        ahead = first_number(connection, query.after) if query.after else None
        return LaneView(self._file.now_ms(), record, entries, hold[0] if hold else 0, ahead)

    # --- dead letters

    def letters(self) -> Sequence[DeadLetter]:
        """Return the dead letters, oldest first; see the port."""
        with self._file.reading() as connection:
            return _letters(connection)

    def bury(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away; see the port."""
        with self._file.changing() as connection:
            return _bury(connection, letter)

    def revive(self, letter: DeadLetter) -> bool:
        """Move a dead letter to where it came from; see the port."""
        now = self._file.now_ms()
        with self._file.changing() as connection:
            if not _bury(connection, letter):
                return False
            if letter.destination:
                row = MessageRow(next_number(connection), letter.kind, letter.id, now, letter.text)
                append(connection, letter.destination, row)
            else:
                connection.execute("DELETE FROM queue_seen WHERE id = ?", (letter.id,))
                _bring_back(connection, letter)
        return True

    def move(self, old: str, change: LaneChange, new: str) -> bool:
        """Write a change whose removed messages enter another lane; see the port."""
        now, query = self._file.now_ms(), LaneQuery(old)
        with self._file.changing() as connection:
            if not _write(connection, query, change):
                return False
            rows = connection.execute("SELECT kind, id FROM queue_messages WHERE lane = ?", (new,)).fetchall()
            number = last_number(connection)
            for entry in newcomers(change.removals, {(row[0], row[1]) for row in rows}):
                number += 1
                append(connection, new, MessageRow(number, entry.kind.value, entry.id, now, entry.text))
            set_last_number(connection, number)
        return True

    def redirect(self, letter: DeadLetter, destination: str) -> bool:
        """Make a dead letter that of another destination; see the port."""
        with self._file.changing() as connection:
            if not _bury(connection, letter):
                return False
            text = encode_dead(replace(letter, destination=destination))
            connection.execute("INSERT INTO queue_dead (letter) VALUES (?)", (text,))
        return True

    # --- what people see and order

    def survey(self, destinations: Sequence[str]) -> Survey:
        """Return everything; see the port."""
        with self._file.changing() as connection:  # one moment for all of it
            stored = [row[0] for row in connection.execute("SELECT name FROM queue_lanes WHERE known = 1")]
            return Survey(
                now=self._file.now_ms(),
                signals=connection.execute("SELECT count(*) FROM outbox WHERE taken = 0").fetchone()[0],
                alerts=connection.execute("SELECT count(*) FROM queue_alerts").fetchone()[0],
                outcomes=connection.execute(_OUTCOMES_WAITING).fetchone()[0],
                counters=dict(connection.execute("SELECT name, value FROM queue_counters").fetchall()),
                letters=_letters(connection),
                lanes={name: _contents(connection, name) for name in sorted({*destinations, *stored})},
            )

    def silences(self) -> tuple[Mapping[str, Silence | None], float]:
        """Return the silences that were set while running, and the time; see the port."""
        with self._file.reading() as connection:
            stored = connection.execute("SELECT name, silence FROM queue_silences").fetchall()
        return {name: decode_silence(name, text) for name, text in stored}, self._file.clock.now()

    def put_silence(self, silence: Silence, ended: Sequence[str] = ()) -> None:
        """Keep a silence, and forget others; see the port."""
        with self._file.changing() as connection:
            connection.executemany("DELETE FROM queue_silences WHERE name = ?", [(name,) for name in ended])
            row = (silence.id, encode_silence(silence))
            connection.execute("INSERT OR REPLACE INTO queue_silences VALUES (?, ?)", row)

    def drop_silence(self, name: str) -> bool:
        """Forget a silence; see the port."""
        with self._file.changing() as connection:
            return bool(connection.execute("DELETE FROM queue_silences WHERE name = ?", (name,)).rowcount)

    def push_alert(self, text: str) -> None:
        """Append to the alerts; see the port."""
        with self._file.changing() as connection:
            connection.execute("INSERT INTO queue_alerts (alert) VALUES (?)", (text,))

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat; see the port."""
        self._keep("heartbeat", text, self._file.now_ms() + seconds * 1000)

    def heartbeat(self) -> str:
        """Return the notifier's heartbeat; empty when there is none, or none that still counts."""
        return self._kept("heartbeat")

    def kept_figures(self) -> str:
        """Return what the last daily report left; see the port."""
        return self._kept("daily")

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report; see the port."""
        self._keep("daily", text, None)

    def _keep(self, name: str, text: str, until: int | None) -> None:
        with self._file.changing() as connection:
            connection.execute("INSERT OR REPLACE INTO queue_kept VALUES (?, ?, ?)", (name, text, until))

    def _kept(self, name: str) -> str:
        query = "SELECT text FROM queue_kept WHERE name = ? AND (until IS NULL OR until > ?)"
        with self._file.reading() as connection:
            row = connection.execute(query, (name, self._file.now_ms())).fetchone()
        return "" if row is None else str(row[0])


def _write(connection: sqlite3.Connection, query: LaneQuery, change: LaneChange) -> bool:
    removed = [removal.entry.number for removal in change.removals]
    heads = [entry.number for entry in messages(connection, query.lane, len(removed))]
    if heads != removed or not write_record(connection, query.lane, change.before, change.after):
        return False
    _write_rest(connection, query, change)
    return True


def _write_rest(connection: sqlite3.Connection, query: LaneQuery, change: LaneChange) -> None:
    lane = query.lane
    for removal in change.removals:
        connection.execute("DELETE FROM queue_messages WHERE lane = ? AND number = ?", (lane, removal.entry.number))
        count(connection, f"{removal.counted}:{lane}")
        if removal.letter is not None:
            connection.execute("INSERT INTO queue_dead (letter) VALUES (?)", (encode_dead(removal.letter),))
    for name, more in change.counts:
        count(connection, f"{name}:{lane}", more)
    if change.alert is not None:
        connection.execute("INSERT INTO queue_alerts (alert) VALUES (?)", (encode_notice(change.alert),))
    if change.hold:
        connection.execute("INSERT OR REPLACE INTO queue_holds VALUES (?, ?)", (query.provider, change.until))
    if change.is_known is not None:
        set_known(connection, lane, is_known=change.is_known)
    if change.purges:
        connection.execute("DELETE FROM queue_messages WHERE lane = ?", (lane,))


def _contents(connection: sqlite3.Connection, lane: str) -> LaneContents:
    waiting = connection.execute("SELECT count(*) FROM queue_messages WHERE lane = ?", (lane,)).fetchone()[0]
    head = messages(connection, lane, 1)
    return LaneContents(waiting, record_of(connection, lane), head[0] if head else None)


def _letters(connection: sqlite3.Connection) -> list[DeadLetter]:
    rows = connection.execute("SELECT letter FROM queue_dead ORDER BY sequence").fetchall()
    return [decode_dead(row[0]) for row in rows]


def _bury(connection: sqlite3.Connection, letter: DeadLetter) -> bool:
    query = "DELETE FROM queue_dead WHERE sequence = (SELECT min(sequence) FROM queue_dead WHERE letter = ?)"
    return bool(connection.execute(query, (letter.stored,)).rowcount)


def _bring_back(connection: sqlite3.Connection, letter: DeadLetter) -> None:
    """Put the text of a letter back where it came from, to the byte."""
    text = letter.text.encode("utf-8", "surrogateescape")
    if letter.kind == "outcome":
        number = next_number(connection)
        connection.execute("INSERT INTO outcomes (id, outcome) VALUES (?, CAST(? AS TEXT))", (f"again-{number}", text))
        return
    if letter.kind != "signal":
        connection.execute("INSERT INTO queue_alerts (alert) VALUES (CAST(? AS TEXT))", (text,))
        return
    query = (
        "UPDATE outbox SET taken = 0 WHERE sequence = "
        "(SELECT max(sequence) FROM outbox WHERE taken = 1 AND signal = CAST(? AS TEXT))"
    )
    if not connection.execute(query, (text,)).rowcount:
        number = next_number(connection)
        connection.execute("INSERT INTO outbox (id, signal) VALUES (?, CAST(? AS TEXT))", (f"again-{number}", text))
