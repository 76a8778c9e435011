"""Inboxes, lanes and dead letters without Redis (``CACHE_ENABLED=false``), in the journal's own SQLite file.

One file, so that a signal leaves the outbox and enters its lanes in one transaction. Each step begins by taking the
write lock of SQLite, so that several processes may work on one queue. The rules are those of the scripts in lua/; one
set of tests holds both to them. Times are epoch milliseconds of this machine's clock.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from ninja_daemon.adapters.journal.journal import SqliteJournal, transaction
from ninja_daemon.adapters.redis.lanes import (
    SEEN_MS,
    QueueDepths,
    fates,
    given_up_letter,
    lane_depth,
    milliseconds,
    unrouted_letter,
    waiting_element,
)
from ninja_daemon.adapters.stored.queue import (
    DeadLetter,
    decode_dead,
    decode_entry,
    decode_silence,
    encode_notice,
    encode_silence,
)
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery_ports import Assignment, Drained, NotNow, Settlement, Taken, Waiting
from ninja_daemon.usecases.ports import Clock

_LONGEST_LEASE_MS: Final = 600_000
"""A lease that ends later than this was given before the clock was set back; it holds nobody up."""
_BEHIND_MS: Final = 1_000
LOOK_EVERY: Final = 0.1
"""Seconds between two looks into an inbox that nobody rings for."""
_BUSY_MS: Final = 3_000
"""Lanes may wait for one another for so long; SQLite's turns are not fair."""
_SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (sequence) WHERE taken = 0;
CREATE TABLE IF NOT EXISTS queue_alerts (sequence INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue_messages (
    lane TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (lane, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_lanes (
    name TEXT PRIMARY KEY,
    known INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    lease INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    suspended INTEGER,
    suspended_for TEXT NOT NULL DEFAULT '',
    due INTEGER,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt INTEGER NOT NULL DEFAULT 0,
    maybe_sent INTEGER NOT NULL DEFAULT 0,
    allowance INTEGER NOT NULL DEFAULT 0,
    young_since INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_dead (sequence INTEGER PRIMARY KEY AUTOINCREMENT, letter TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue_seen (id TEXT PRIMARY KEY, time INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS queue_seen_time ON queue_seen (time);
CREATE TABLE IF NOT EXISTS queue_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_silences (name TEXT PRIMARY KEY, silence TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_orders (kind TEXT, name TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_holds (provider TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_kept (name TEXT PRIMARY KEY, text TEXT NOT NULL, until INTEGER) WITHOUT ROWID;
"""


class Order(NamedTuple):
    """Something that was ordered about the queue.

    Attributes:
        kind: ``silence``, or ``lane`` for a pause.
        name: of the silence, or of the destination.
    """

    kind: str
    name: str


class Pause(NamedTuple):
    """A pause that holds.

    Attributes:
        seconds: how long it goes on; None until it is ended.
    """

    seconds: float | None


class LocalQueueFile(SqliteJournal):
    """The journal's file with the queue's tables in it. Kept open; for all threads of a process."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Name the file; it is opened, and its directory made, when it is first used.

        Args:
            path: the journal's.
            clock: whose time leases and waits are in.
        """
        super().__init__(path)
        self.clock = clock
        self._log = f"{path}-wal"

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Be alone with the file; everything that is done is kept, or nothing.

        Raises:
            StoreUnavailable: the file cannot be used, or somebody else keeps it for too long.
        """
        with self.reading() as connection, transaction(connection):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Look at the file.

        Raises:
            StoreUnavailable: it cannot be used.
        """
        try:
            with self.session() as connection:
                yield connection
        except JournalUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    def mark(self) -> tuple[int, int, int] | None:
        """Return something that is another after every write of any process; cheap, for looking often."""
        try:
            written = os.stat(self._log)  # noqa: PTH116 - ten times a second, for ever
        except OSError:
            return None
        return written.st_ino, written.st_size, written.st_mtime_ns

    def now_ms(self) -> int:
        """Return epoch milliseconds."""
        return milliseconds(self.clock.now())

    def _connected(self) -> sqlite3.Connection:
        connection = super()._connected()
        try:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        return connection

    def _put_aside(self) -> NoReturn:
        """Leave that to the daemon, whose cursors are in the file."""
        message = "it is damaged; ninja-daemon run sets it aside and begins anew"
        raise sqlite3.DatabaseError(message)


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

    def peek(self, most: int) -> Sequence[Waiting]:
        """Return the oldest elements, which stay where they are; see the port."""
        query = (
            f"SELECT sequence, length(CAST({self._text} AS BLOB)), "  # noqa: S608 - names of our own
            f"coalesce(CAST(substr(CAST({self._text} AS BLOB), 1, {MAX_SIGNAL_BYTES + 1}) AS TEXT), '') "
            f"FROM {self._waiting} ORDER BY sequence LIMIT ?"
        )
        with self._file.reading() as connection:
            rows = connection.execute(query, (most,)).fetchall()
        return [waiting_element(length, text, str(sequence), is_alert=self._alerts) for sequence, length, text in rows]

    def drain(self, assignments: Sequence[Assignment]) -> Drained:
        """Move elements to their lanes; see the port."""
        now = self._file.now_ms()
        query = f"SELECT sequence FROM {self._waiting} ORDER BY sequence LIMIT ?"  # noqa: S608 - names of our own
        with self._file.changing() as connection:
            connection.execute("DELETE FROM queue_seen WHERE time <= ?", (now - SEEN_MS,))
            heads = [str(row[0]) for row in connection.execute(query, (len(assignments),))]
            taken, repeated = 0, []
            for assignment, head in zip(assignments, heads, strict=False):
                if assignment.waiting.digest != head:
                    break
                if not self._moved(connection, assignment, now):
                    repeated.append(assignment)
                connection.execute(self._remove, (int(head),))
                taken += 1
        return Drained(taken, tuple(repeated))

    def _moved(self, connection: sqlite3.Connection, assignment: Assignment, now: int) -> bool:
        waiting = assignment.waiting
        if waiting.id:
            query = "INSERT OR IGNORE INTO queue_seen VALUES (?, ?)"
            if not connection.execute(query, (waiting.id, now)).rowcount:
                _count(connection, "repeated")
                return False
        if letter := unrouted_letter(assignment, now / 1000, is_alert=self._alerts):
            connection.execute("INSERT INTO queue_dead (letter) VALUES (?)", (letter,))
        if assignment.to:
            number = _next_number(connection)
            for lane in dict.fromkeys(assignment.to):
                row = (lane, number, waiting.kind.value, waiting.id, now, waiting.text)
                connection.execute("INSERT INTO queue_messages VALUES (?, ?, ?, ?, ?, ?)", row)
                _know(connection, lane)
        _count(connection, assignment.counted or "drained")
        return True


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


class LocalLanes:
    """The lanes port."""

    def __init__(self, file: LocalQueueFile) -> None:
        """Choose the file."""
        self._file = file

    def take(self, lane: str, *, most: int, provider: str, after: str, lease: float) -> Taken | NotNow:
        """Take a lane that is due; see the port."""
        with self._file.reading() as connection:
            if _first_number(connection, lane) is None:
                return NotNow("empty")  # Nothing to do is the rule, and needs no lock.
        now = self._file.now_ms()
        with self._file.changing() as connection:
            head = _first_number(connection, lane)
            if head is None:
                return NotNow("empty")
            known = _lane(connection, lane)
            if (held_up := _held_up(connection, known, provider, now)) is not None:
                return held_up
            if known["paused"]:
                # The pause is over; it was asked for, so that it makes no message too old.
                known["young_since"] = known["paused"]
                _change(connection, lane, paused=0, young_since=known["paused"])
            ahead = _first_number(connection, after) if after else None
            if ahead is not None and ahead <= head:
                # This wait was asked for, too: whatever holds the lane ahead must not make these messages too old.
                _change(connection, lane, young_since=now)
                return NotNow("waiting", _BEHIND_MS / 1000, Reason.BEHIND)
            entries = _messages(connection, lane, most)
            # Until we say what became of them, whoever comes after us must believe that these messages were posted.
            token = known["token"] + 1
            _change(connection, lane, token=token, lease=now + milliseconds(lease), maybe_sent=entries[-1].number)
        return Taken(
            token=token,
            now=now / 1000,
            entries=entries,
            attempts=known["attempts"],
            first_attempt=known["first_attempt"] / 1000,
            maybe_sent=known["maybe_sent"],
            allowance=known["allowance"] / 1000,
            young_since=known["young_since"] / 1000,
            error=known["error"],
        )

    def settle(self, lane: str, provider: str, taken: Taken, settlement: Settlement) -> bool:
        """Write down what was done and give the lane back; see the port."""
        done, now = settlement, self._file.now_ms()
        settled = list(zip(taken.entries, fates(done), strict=False))
        with self._file.changing() as connection:
            if _lane(connection, lane)["token"] != taken.token:
                return False
            heads = [entry.number for entry in _messages(connection, lane, len(settled))]
            if heads != [entry.number for entry, _ in settled]:
                _change(connection, lane, lease=0)
                return False
            for entry, (counted, dead) in settled:
                if dead:
                    letter = given_up_letter(lane, taken, entry, done)
                    connection.execute("INSERT INTO queue_dead (letter) VALUES (?)", (letter,))
                connection.execute("DELETE FROM queue_messages WHERE lane = ? AND number = ?", (lane, entry.number))
                _count(connection, f"{counted}:{lane}")
            _write_down(connection, lane, done, now)
            if done.hold_provider > 0:
                until = now + milliseconds(done.hold_provider)
                connection.execute("INSERT OR REPLACE INTO queue_holds VALUES (?, ?)", (provider, until))
        return True

    def silences(self) -> Sequence[Silence]:
        """Return the silences that were set while running and have not ended; see the port."""
        with self._file.reading() as connection:
            stored = connection.execute("SELECT name, silence FROM queue_silences").fetchall()
        now = self._file.clock.now()
        known = (decode_silence(name, text) for name, text in stored)
        return [silence for silence in known if silence is not None and silence.until > now]


def _agrees(connection: sqlite3.Connection, silences: Mapping[str, str], pauses: Mapping[str, int]) -> bool:
    if dict(connection.execute("SELECT name, silence FROM queue_silences").fetchall()) != dict(silences):
        return False
    return all(_lane(connection, name)["paused"] == until for name, until in pauses.items())


def _held_up(connection: sqlite3.Connection, known: Mapping[str, Any], provider: str, now: int) -> NotNow | None:
    """Return what keeps anybody from taking a lane that has messages; None when nothing does."""
    if now < known["lease"] <= now + _LONGEST_LEASE_MS:
        return NotNow("leased", (known["lease"] - now) / 1000)
    if known["suspended"] is not None:
        return NotNow("suspended")
    if known["paused"] < 0:
        return NotNow("paused")
    if known["paused"] > now:
        return NotNow("paused", (known["paused"] - now) / 1000)
    if (known["due"] or 0) > now:
        reason = known["reason"]
        return NotNow("waiting", (known["due"] - now) / 1000, Reason(reason) if reason in set(Reason) else Reason.RETRY)
    hold = connection.execute("SELECT until FROM queue_holds WHERE provider = ?", (provider,)).fetchone()
    if hold is not None and hold[0] > now:
        return NotNow("waiting", (hold[0] - now) / 1000, Reason.THROTTLED)
    return None


def _write_down(connection: sqlite3.Connection, lane: str, done: Settlement, now: int) -> None:
    due = now + milliseconds(done.wait)
    changes: dict[str, int | str | None] = {
        "lease": 0,
        "due": due,
        "reason": done.reason.value if done.reason else "",
        "attempts": done.attempts,
        "first_attempt": milliseconds(done.first_attempt),
        "maybe_sent": done.maybe_sent,
        "allowance": milliseconds(done.allowance),
        "error": done.text[:300],
    }
    if done.rejuvenates:
        changes["young_since"] = due
    if done.suspend:
        changes |= {"suspended": now, "suspended_for": done.suspend[:300]}
    _change(connection, lane, **changes)
    if done.alert:
        connection.execute("INSERT INTO queue_alerts (alert) VALUES (?)", (encode_notice(done.alert),))
    if done.repeats:
        _count(connection, f"repeats:{lane}", done.repeats)
    if done.text:
        _count(connection, f"failures:{lane}")


# --- what people do with the queue -----------------------------------------------------------------------------------


class LocalQueue:
    """The queue for people and for the notifier's process; the same doors as ``RedisQueue``."""

    def __init__(self, file: LocalQueueFile) -> None:
        """Choose the file."""
        self._file = file

    def depths(self, destinations: Sequence[str] = ()) -> QueueDepths:
        """Return what waits where, for the given destinations and every lane there ever was.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with self._file.changing() as connection:  # one moment for all of it
            stored = [row[0] for row in connection.execute("SELECT name FROM queue_lanes WHERE known = 1")]
            names = sorted({*destinations, *stored})
            signals = connection.execute("SELECT count(*) FROM outbox WHERE taken = 0").fetchone()[0]
            alerts = connection.execute("SELECT count(*) FROM queue_alerts").fetchone()[0]
            counters = dict(connection.execute("SELECT name, value FROM queue_counters"))
            dead = [decode_dead(row[0]).destination for row in connection.execute("SELECT letter FROM queue_dead")]
            looks = [_look(connection, name) for name in names]
        now = self._file.clock.now()
        lanes = tuple(
            lane_depth(name, look, dead.count(name), counters, now) for name, look in zip(names, looks, strict=True)
        )
        return QueueDepths(signals, alerts, sum(1 for name in dead if name not in names), lanes, counters)

    def dead_letters(self, destination: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first; of one destination when it is given.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        with self._file.reading() as connection:
            texts = [row[0] for row in connection.execute("SELECT letter FROM queue_dead ORDER BY sequence")]
        letters = [decode_dead(text) for text in texts]
        return [letter for letter in letters if destination is None or letter.destination == destination]

    def retry(self, letter: DeadLetter) -> bool:
        """Bring a dead letter back to the end of its lane (or to its inbox); False when it is gone or was cut.

        Raises:
            StoreUnavailable: it was not brought back.
        """
        if letter.cut:
            return False
        now = self._file.now_ms()
        with self._file.changing() as connection:
            if not _bury(connection, letter):
                return False
            if not letter.destination:
                connection.execute("DELETE FROM queue_seen WHERE id = ?", (letter.id,))
                _bring_back(connection, letter)
                return True
            row = (letter.destination, _next_number(connection), letter.kind, letter.id, now, letter.text)
            connection.execute("INSERT INTO queue_messages VALUES (?, ?, ?, ?, ?, ?)", row)
            _know(connection, letter.destination)
        return True

    def forget(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away."""
        with self._file.changing() as connection:
            return _bury(connection, letter)

    def purge_lane(self, destination: str) -> int:
        """Throw away what waits in a lane; return how many messages that were."""
        with self._file.changing() as connection:
            _change(connection, destination, known=0)
            return connection.execute("DELETE FROM queue_messages WHERE lane = ?", (destination,)).rowcount

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for so long or until it is resumed."""
        until = -1 if seconds is None else self._file.now_ms() + milliseconds(seconds)
        with self._file.changing() as connection:
            _know(connection, destination)
            _change(connection, destination, paused=until)

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""
        return self._goes_on(destination, paused=0, suspended=None, suspended_for="")

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""
        return self._goes_on(destination)

    def _goes_on(self, destination: str, **more: int | str | None) -> bool:
        changes: dict[str, int | str | None] = {"due": None, "reason": None, **more}
        with self._file.changing() as connection:
            known = _lane(connection, destination)
            if all(known[name] == value for name, value in changes.items()):
                return False
            _change(connection, destination, **changes, young_since=self._file.now_ms())
        return True

    def silence(self, silence: Silence) -> None:
        """Keep a silence; those that have ended are forgotten."""
        now = self._file.clock.now()
        with self._file.changing() as connection:
            for name, text in connection.execute("SELECT name, silence FROM queue_silences").fetchall():
                known = decode_silence(name, text)
                if known is None or known.until <= now:
                    connection.execute("DELETE FROM queue_silences WHERE name = ?", (name,))
            row = (silence.id, encode_silence(silence))
            connection.execute("INSERT OR REPLACE INTO queue_silences VALUES (?, ?)", row)

    def unsilence(self, name: str) -> bool:
        """End a silence; False when there is none of that name."""
        with self._file.changing() as connection:
            return bool(connection.execute("DELETE FROM queue_silences WHERE name = ?", (name,)).rowcount)

    # --- what Redis has to be told, and what it has said

    def note(self, order: Order) -> None:
        """Note an order that Redis has not heard; before it is carried out here."""
        with self._file.changing() as connection:
            connection.execute("INSERT OR REPLACE INTO queue_orders VALUES (?, ?)", order)

    def orders(self) -> list[Order]:
        """Return the orders that Redis has not heard."""
        with self._file.reading() as connection:
            return [Order(*row) for row in connection.execute("SELECT kind, name FROM queue_orders").fetchall()]

    def heard(self, order: Order) -> None:
        """Forget an order that Redis has heard."""
        with self._file.changing() as connection:
            connection.execute("DELETE FROM queue_orders WHERE kind = ? AND name = ?", order)

    def what_holds(self, order: Order) -> tuple[Silence | None, Pause | None]:
        """Return the silence, or the pause, that an order has left here; None where it ended one."""
        with self._file.reading() as connection:
            if order.kind == "silence":
                row = connection.execute("SELECT silence FROM queue_silences WHERE name = ?", (order.name,)).fetchone()
                return (None if row is None else decode_silence(order.name, row[0])), None
            paused = _lane(connection, order.name)["paused"]
        left = (paused - self._file.now_ms()) / 1000
        is_over = not paused or (paused > 0 and left <= 0)
        return None, None if is_over else Pause(None if paused < 0 else left)

    def adopt(self, silences: Sequence[Silence], pauses: Mapping[str, int]) -> None:
        """Copy what Redis says: all silences, and for each lane until when it is paused (epoch ms, -1 without end).

        What it has not heard yet stays as it was ordered.
        """
        texts, now = {silence.id: encode_silence(silence) for silence in silences}, self._file.now_ms()
        # One that has ended by itself is none.
        pauses = {name: 0 if 0 < until <= now else until for name, until in pauses.items()}
        with self._file.reading() as connection:
            if _agrees(connection, texts, pauses):
                return
        with self._file.changing() as connection:
            unheard = set(connection.execute("SELECT kind, name FROM queue_orders").fetchall())
            for (name,) in connection.execute("SELECT name FROM queue_silences").fetchall():
                if name not in texts and ("silence", name) not in unheard:
                    connection.execute("DELETE FROM queue_silences WHERE name = ?", (name,))
            for name, text in texts.items():
                if ("silence", name) not in unheard:
                    connection.execute("INSERT OR REPLACE INTO queue_silences VALUES (?, ?)", (name, text))
            for name, until in pauses.items():
                known = _lane(connection, name)
                if ("lane", name) not in unheard and known["paused"] != until:
                    _know(connection, name)
                    # A pause that was ended has made no message too old.
                    _change(connection, name, paused=until, **({} if until else {"young_since": now}))

    def push_alert(self, text: str) -> None:
        """Append to the alerts; a repeat of the same id is dropped by the drain."""
        with self._file.changing() as connection:
            connection.execute("INSERT INTO queue_alerts (alert) VALUES (?)", (text,))

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat that counts for so many seconds."""
        self._keep("heartbeat", text, self._file.now_ms() + seconds * 1000)

    def heartbeat(self) -> str:
        """Return the notifier's heartbeat; empty when there is none, or none that still counts."""
        return self._kept("heartbeat")

    def kept_figures(self) -> str:
        """Return what the last daily report left for the next one; empty when there is nothing."""
        return self._kept("daily")

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report."""
        self._keep("daily", text, None)

    def _keep(self, name: str, text: str, until: int | None) -> None:
        with self._file.changing() as connection:
            connection.execute("INSERT OR REPLACE INTO queue_kept VALUES (?, ?, ?)", (name, text, until))

    def _kept(self, name: str) -> str:
        query = "SELECT text FROM queue_kept WHERE name = ? AND (until IS NULL OR until > ?)"
        with self._file.reading() as connection:
            row = connection.execute(query, (name, self._file.now_ms())).fetchone()
        return "" if row is None else str(row[0])


# --- rows ------------------------------------------------------------------------------------------------------------


def _lane(connection: sqlite3.Connection, name: str) -> dict[str, Any]:
    """Return what is known of a lane, of a new one if need be."""
    connection.execute("INSERT OR IGNORE INTO queue_lanes (name) VALUES (?)", (name,))
    found = connection.execute("SELECT * FROM queue_lanes WHERE name = ?", (name,))
    columns = [column[0] for column in found.description]
    return dict(zip(columns, found.fetchone(), strict=True))


def _change(connection: sqlite3.Connection, name: str, **changes: int | str | None) -> None:
    settings = ", ".join(f"{column} = ?" for column in changes)
    query = f"UPDATE queue_lanes SET {settings} WHERE name = ?"  # noqa: S608 - columns of our own
    connection.execute(query, (*changes.values(), name))


def _know(connection: sqlite3.Connection, name: str) -> None:
    query = "INSERT INTO queue_lanes (name, known) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET known = 1"
    connection.execute(query, (name,))


def _count(connection: sqlite3.Connection, name: str, more: int = 1) -> None:
    query = "INSERT INTO queue_counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
    connection.execute(query, (name, more))


def _next_number(connection: sqlite3.Connection) -> int:
    """Return a number greater than that of every message before, in whatever lane."""
    query = (
        "INSERT INTO queue_kept VALUES ('number', '1', NULL) "
        "ON CONFLICT (name) DO UPDATE SET text = CAST(text AS INTEGER) + 1 RETURNING text"
    )
    return int(connection.execute(query).fetchall()[0][0])


def _first_number(connection: sqlite3.Connection, lane: str) -> int | None:
    row = connection.execute("SELECT min(number) FROM queue_messages WHERE lane = ?", (lane,)).fetchone()
    return None if row[0] is None else int(row[0])


def _messages(connection: sqlite3.Connection, lane: str, most: int) -> tuple[Entry, ...]:
    query = (
        "SELECT number, kind || ' ' || id || ' ' || number || ' ' || accepted || char(10) || text "
        "FROM queue_messages WHERE lane = ? ORDER BY number LIMIT ?"
    )
    # A message that somebody put there by hand may be no message at all; its number says what to take off the lane.
    return tuple(
        replace(decode_entry(stored), number=number) for number, stored in connection.execute(query, (lane, most))
    )


def _look(connection: sqlite3.Connection, lane: str) -> tuple[int, Mapping[str, str], str | None]:
    """Return how many messages wait, what is known of the lane, and the first message, as Redis would."""
    waiting = connection.execute("SELECT count(*) FROM queue_messages WHERE lane = ?", (lane,)).fetchone()[0]
    known = _lane(connection, lane)
    state = {name: str(value) for name, value in known.items() if value is not None}
    first = _messages(connection, lane, 1)
    return waiting, state, first[0].stored if first else None


def _bury(connection: sqlite3.Connection, letter: DeadLetter) -> bool:
    query = "DELETE FROM queue_dead WHERE sequence = (SELECT min(sequence) FROM queue_dead WHERE letter = ?)"
    return bool(connection.execute(query, (letter.stored,)).rowcount)


def _bring_back(connection: sqlite3.Connection, letter: DeadLetter) -> None:
    """Put the text of a letter back where it came from, to the byte."""
    text = letter.text.encode("utf-8", "surrogateescape")
    if letter.kind != "signal":
        connection.execute("INSERT INTO queue_alerts (alert) VALUES (CAST(? AS TEXT))", (text,))
        return
    query = (
        "UPDATE outbox SET taken = 0 WHERE sequence = "
        "(SELECT max(sequence) FROM outbox WHERE taken = 1 AND signal = CAST(? AS TEXT))"
    )
    if not connection.execute(query, (text,)).rowcount:
        row = (f"again-{_next_number(connection)}", text)
        connection.execute("INSERT INTO outbox (id, signal) VALUES (?, CAST(? AS TEXT))", row)
