"""The ledger of what this machine has sent: a SQLite file in the state directory, durable at every entry.

It stops repeats that Redis cannot: after Redis was set back to an older state, the ids that it has forgotten are
still here; and while a message is in Redis and in the journal at once, two notifiers of this machine learn here what
the other one is sending. Without it (disk full, damaged) delivery goes on, and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

from ninja_daemon.adapters.host.lease_token import holder_token, is_dead
from ninja_daemon.adapters.journal.sqlite_file import SqliteFile, scoped_path
from ninja_daemon.adapters.journal.sqlite_transactions import transaction, unsynced_transaction
from ninja_daemon.adapters.stored.outcome import decode_outcome
from ninja_daemon.adapters.stored.queue import OUTCOME_OF, decode_entry, encode_entry
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.lanes.record import milliseconds
from ninja_daemon.core.messages.message import Bundle, Entry
from ninja_daemon.usecases.delivery.delivery_ports import Begun, PostedMessage
from ninja_daemon.usecases.lifetimes import LANE_LEASE

MOST_POSTED: Final = 20_000
"""Posted signals that are kept, those of all destinations together."""
KEPT: Final = 7 * 86_400
"""Seconds for which an entry is kept."""
_CLEAN_EVERY: Final = 3_600.0
_MOST_TOLD: Final = 300
_TRIED: Final = "INSERT INTO attempt VALUES (?, ?, ?, ?, ?)"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sent (
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (destination, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sending (
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    since REAL NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (destination, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS posted (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    digest INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    outcome TEXT NOT NULL DEFAULT '',
    UNIQUE (destination, id) ON CONFLICT REPLACE
);
CREATE TABLE IF NOT EXISTS attempt (
    id TEXT NOT NULL, destination TEXT NOT NULL, time INTEGER NOT NULL, told TEXT NOT NULL, message_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempt_of ON attempt (id);
CREATE INDEX IF NOT EXISTS posted_by_message ON posted (destination, message_id, sequence);
"""


class Delivered(NamedTuple):
    """One delivery of a message.

    Attributes:
        destination: name of the destination.
        at: when it was accepted (epoch seconds).
        message_id: the service's name for it; empty when it gave none.
    """

    destination: str
    at: int
    message_id: str


class Tried(NamedTuple):
    """One attempt to deliver a signal, or to show its outcome.

    Attributes:
        is_outcome: it was for the outcome.
        destination: name of the destination.
        at: when it ended (epoch seconds).
        told: what the service said; empty when it accepted.
        message_id: the service's name for the message; empty when it gave none.
    """

    is_outcome: bool
    destination: str
    at: int
    told: str
    message_id: str


def ledger_path(state_dir: Path, redis_label: str, namespace: str) -> Path:
    """Return the ledger's file; see ``scoped_path``."""
    return scoped_path(state_dir, "sent", redis_label, namespace)


class SqliteSentLedger(SqliteFile):
    """The sent-ledger port on a SQLite file; safe to use from several threads and processes."""

    what = "ledger of sent messages"

    def __init__(self, path: Path) -> None:
        """Name the file; it is opened, and its directory made, when it is first used."""
        super().__init__(path, _SCHEMA)
        self._cleaned = 0.0
        self._holder = holder_token("notify")

    def begin(self, destination: str, ids: Sequence[str], now: float) -> Begun:
        """Say what is known of ``ids``, and note that those before the first that was sent are being sent now."""
        marks = ",".join("?" * len(ids))
        which = f"WHERE destination = ? AND id IN ({marks})"
        # A kill loses nothing of this; a machine that loses its power forgets the posts of the last moment, which are
        # then repeated without a mark if they are in both lanes. It saves the disk's time before every post.
        with self.session() as connection, unsynced_transaction(connection):
            rows = connection.execute(f"SELECT id FROM sent {which}", (destination, *ids))  # noqa: S608
            sent = frozenset(str(row[0]) for row in rows)
            query = f"SELECT id, since, holder FROM sending {which}"  # noqa: S608 - question marks only
            begun = [row for row in connection.execute(query, (destination, *ids)) if row[0] not in sent]
            if any(self._is_at_work(holder, since, now) for _, since, holder in begun):
                return Begun(sent, is_elsewhere=True)
            fresh = takewhile(lambda one: one not in sent, ids)
            connection.executemany(
                "INSERT OR REPLACE INTO sending VALUES (?, ?, ?, ?)",
                [(destination, one, now, self._holder) for one in fresh],
            )
        return Begun(sent, frozenset(row[0] for row in begun))

    def ended(self, destination: str, ids: Collection[str], now: float, told: str, *, maybe_sent: bool) -> None:
        """Note that ``ids`` were not sent after all, or that it is not known; see the port."""
        tried = [(one, destination, int(now), told[:_MOST_TOLD] or "?", "") for one in ids]
        statement = "UPDATE sending SET holder = ''" if maybe_sent else "DELETE FROM sending"
        with self.session() as connection, transaction(connection):
            connection.executemany(
                f"{statement} WHERE destination = ? AND id = ?",
                [(destination, one) for one in ids],
            )
            connection.executemany(_TRIED, tried)

    def remember(self, destination: str, ids: Collection[str], message_id: str, now: float) -> None:
        """Keep that ``ids`` were sent, durably; see the port."""
        rows = [(destination, identity, int(now), message_id) for identity in ids]
        with self.session() as connection, transaction(connection):
            connection.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?)", rows)
            connection.executemany(_TRIED, [(one, destination, int(now), "", message_id) for one in ids])
            connection.executemany(
                "DELETE FROM sending WHERE destination = ? AND id = ?", [(destination, one) for one in ids]
            )
            if now - self._cleaned > _CLEAN_EVERY:
                connection.execute("DELETE FROM sent WHERE time < ?", (int(now) - KEPT,))
                connection.execute("DELETE FROM sending WHERE since < ?", (now - KEPT,))
                connection.execute("DELETE FROM attempt WHERE time < ?", (int(now) - KEPT,))
                self._cleaned = now

    def _is_at_work(self, holder: str, since: float, now: float) -> bool:
        """Tell whether another process is sending what it began then."""
        return bool(holder) and holder != self._holder and abs(now - since) < LANE_LEASE and not is_dead(holder)

    def sent(self, identity: str) -> list[Delivered]:
        """Return where a message was sent in the last seven days, oldest first.

        Raises:
            JournalUnavailable: the ledger cannot be read.
        """
        query = "SELECT destination, time, message_id FROM sent WHERE id = ? ORDER BY time, destination"
        with self.session() as connection:
            return [Delivered(*row) for row in connection.execute(query, (identity,))]

    def tried(self, identity: str) -> list[Tried]:
        """Return every attempt at a signal, and at its outcome, in the last seven days, oldest first.

        Raises:
            JournalUnavailable: the ledger cannot be read.
        """
        query = "SELECT id, destination, time, told, message_id FROM attempt WHERE id IN (?, ?) ORDER BY time, rowid"
        with self.session() as connection:
            rows = connection.execute(query, (identity, f"{OUTCOME_OF}{identity}")).fetchall()
        return [Tried(of != identity, *rest) for of, *rest in rows]

    def message_id(self, destination: str, identity: str) -> str:
        """Return the service's name for a message that was sent; empty when there is none.

        Raises:
            JournalUnavailable: the ledger cannot be read.
        """
        query = "SELECT message_id FROM sent WHERE destination = ? AND id = ?"
        with self.session() as connection:
            row = connection.execute(query, (destination, identity)).fetchone()
        return "" if row is None else str(row[0])

    # --- what was posted, for the outcomes

    def keep_posted(self, bundle: Bundle, message_id: str, now: float) -> None:
        """Keep a posted message with its signals; see the port."""
        rows = [
            (bundle.destination, one.id, message_id, _stored(one, bundle.sent_at or now), bundle.digest, bundle.repeat)
            for one in bundle.entries
        ]
        columns = "destination, id, message_id, entry, digest, repeated"
        # A machine that loses its power may forget the last message; then its outcome is dropped and counted.
        with self.session() as connection, unsynced_transaction(connection):
            connection.executemany(f"INSERT INTO posted ({columns}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
            oldest = "(SELECT max(sequence) FROM posted) - ?"
            connection.execute(f"DELETE FROM posted WHERE sequence <= {oldest}", (MOST_POSTED,))  # noqa: S608

    def posted(self, destination: str, outcome: Entry) -> PostedMessage | None:
        """Add an outcome to the posted message of its signal; see the port."""
        identity = "" if outcome.outcome is None else outcome.outcome.id
        with self.session() as connection, unsynced_transaction(connection):
            query = "UPDATE posted SET outcome = ? WHERE destination = ? AND id = ?"
            connection.execute(query, (outcome.text, destination, identity))
        return self.message_of(destination, identity)

    def message_of(self, destination: str, signal_id: str) -> PostedMessage | None:
        """Return the posted message of a signal as it has to look now; see the port."""
        own = "SELECT message_id FROM posted WHERE destination = ? AND id = ?"
        columns = "message_id, entry, digest, repeated, outcome"
        with self.session() as connection:
            query = f"SELECT {columns} FROM posted WHERE destination = ? AND message_id = ({own}) ORDER BY sequence"  # noqa: S608 - our own words
            rows = connection.execute(query, (destination, destination, signal_id)).fetchall()
        if not rows:
            return None
        message_id, _, digest, repeated, _ = rows[0]
        known = [decode_outcome(row[4]) for row in rows if row[4]]
        entries = tuple(decode_entry(row[1]) for row in rows)
        bundle = Bundle(
            destination,
            entries,
            digest=bool(digest),
            repeat=bool(repeated),
            sent_at=entries[0].accepted,
            results={one.id: one for one in known},
        )
        return PostedMessage(message_id, bundle)


def _stored(entry: Entry, sent_at: float) -> str:
    # As it was posted: a signal may be late by then that was not when it was listed.
    text = entry.text if entry.signal is None else encode_signal(entry.signal)
    return encode_entry(entry.kind, entry.id, entry.number, milliseconds(sent_at), text)
