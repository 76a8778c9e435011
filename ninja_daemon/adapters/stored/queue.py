"""The stored forms of the queue: messages in lanes, alerts, dead letters, silences. Everything read is validated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, Final

from ninja_daemon.adapters.stored.alert import decode_notice, moment_of
from ninja_daemon.adapters.stored.outcome import decode_outcome
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES, decode_signal
from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.intake import Arrival
from ninja_daemon.core.lanes.record import LaneRecord
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.messages.message import Entry, Kind

_HEADER: Final = re.compile(r"(signal|alert|heartbeat|outcome) (\S{1,64}) (\d{1,18}) (\d{1,15})\n", re.ASCII)
OUTCOME_OF: Final = "outcome:"
"""Stands before a signal's id where its outcome is meant."""
_QUOTED: Final = 2_000
"""Characters of an absurdly long element that are kept."""
_signal_of: Final = lru_cache(maxsize=128)(decode_signal)
"""A signal is read off its list and then once for each destination; more than a drain moves at once."""


def arrival(length: int, text: str, digest: str, inbox: Kind = Kind.SIGNAL) -> Arrival:
    """Read an element of an inbox.

    Args:
        length: bytes of the whole element.
        text: the element, perhaps cut behind ``MAX_SIGNAL_BYTES``; bytes that are no UTF-8 as lone surrogates.
        digest: by which the inbox knows it again.
        inbox: what it is from: the signals, the alerts or the outcomes.
    """
    if length > MAX_SIGNAL_BYTES:
        reason = f"it must be at most {MAX_SIGNAL_BYTES} bytes, was {length}"
        return Arrival(text[:_QUOTED], digest, unreadable=reason, is_cut=True)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Arrival(text, digest, unreadable="it must be UTF-8, was not")
    try:
        if inbox is Kind.OUTCOME:
            outcome = decode_outcome(text)
            return Arrival(text, digest, f"{OUTCOME_OF}{outcome.id}", outcome=outcome)
        if inbox is Kind.ALERT:
            notice = decode_notice(text)
            return Arrival(text, digest, notice.id, notice=notice)
        signal = _signal_of(text)
    except SignalRejected as error:
        return Arrival(text, digest, unreadable=str(error))
    return Arrival(text, digest, signal.id, signal)


# --- lanes -----------------------------------------------------------------------------------------------------------

_LANE_TEXTS: Final = frozenset({"suspended_for", "reason", "error", "untold_for"})
LANE_FIELDS: Final = tuple(field.name for field in fields(LaneRecord))


def changed_fields(before: LaneRecord, after: LaneRecord) -> dict[str, str | int]:
    """Return the fields of a lane that a change touches; 0 and "" stand for one that says nothing any more."""
    return {name: value for name in LANE_FIELDS if (value := getattr(after, name)) != getattr(before, name)}


def decode_lane(stored: Mapping[str, object]) -> LaneRecord:
    """Read a lane's fields, whatever they hold: a number that is none counts as 0.

    A suspension holds as soon as its field is there; only a pause may be negative. Earlier versions did not note
    whether a destination has accepted anything; one whose rate was booked has.
    """
    known = {name: stored[name] for name in LANE_FIELDS if stored.get(name) is not None}
    read: dict[str, Any] = {name: (str if name in _LANE_TEXTS else number)(value) for name, value in known.items()}
    record = LaneRecord(**read)
    if record.suspended < 1 and "suspended" in known:
        record = replace(record, suspended=1)
    return record if record.accepted else replace(record, accepted=int(record.allowance > 0))


def number(text: object, least: int = -1) -> int:
    """Read a whole number that a person may have spoilt: 0 when it is none, at least ``least``."""
    text = str(text)
    try:
        return max(least, int(text if text.isdigit() else float(text)))
    except (ValueError, OverflowError):
        return 0


def encode_entry(kind: str, identity: str, place: int, accepted: int, text: str) -> str:
    """Write a message of a lane; ``accepted`` is in epoch milliseconds."""
    return f"{kind} {identity} {place} {accepted}\n{text}"


def entry_number(stored: str) -> int | None:
    """Return the number of a message of a lane; None when it is no message of ours."""
    header = _HEADER.match(stored)
    return None if header is None else int(header[3])


def decode_entry(stored: str) -> Entry:
    """Read a message of a lane; what cannot be read says so in ``unreadable``."""
    header = _HEADER.match(stored)
    if header is None:
        shown = repr(stored[:60])
        return Entry(Kind.SIGNAL, "", 0, 0.0, stored, unreadable=f"not a message of ours: {shown}", stored=stored)
    kind, identity, number, accepted = header.groups()
    text = stored[header.end() :]
    entry = Entry(Kind(kind), identity, int(number), int(accepted) / 1000, text, stored=stored)
    try:
        if kind == Kind.SIGNAL:
            return replace(entry, signal=_signal_of(text))
        if kind == Kind.OUTCOME:
            return replace(entry, outcome=decode_outcome(text))
        return replace(entry, notice=decode_notice(text))
    except SignalRejected as error:
        return replace(entry, unreadable=str(error))


# --- dead letters ----------------------------------------------------------------------------------------------------


def encode_dead(letter: DeadLetter) -> str:
    """Write a dead letter as one line of JSON; bytes that are no UTF-8 survive as escapes."""
    return json.dumps(
        {
            "v": 1,
            "destination": letter.destination,
            "kind": letter.kind,
            "id": letter.id,
            "cause": letter.cause,
            "status": letter.status,
            "reason": letter.reason[:300],
            "attempts": letter.attempts,
            "first": format_moment(letter.first) if letter.first else "",
            "last": format_moment(letter.last),
            "cut": letter.cut,
            "text": letter.text,
        }
    )


def decode_dead(stored: str) -> DeadLetter:
    """Read a dead letter; one that cannot be read comes back as such, with itself as the text."""
    try:
        fields = json.loads(stored)
        return DeadLetter(
            destination=str(fields["destination"]),
            kind=str(fields["kind"]),
            id=str(fields["id"]),
            cause=str(fields["cause"]),
            status=fields["status"] if isinstance(fields["status"], int) else None,
            reason=str(fields["reason"]),
            attempts=int(fields["attempts"]),
            first=moment_of(fields["first"]) if fields["first"] else 0.0,
            last=moment_of(fields["last"]),
            text=str(fields["text"]),
            cut=fields["cut"] is True,
            stored=stored,
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        reason = "not a dead letter of ours"
        return DeadLetter("", "unknown", "", "unreadable", None, reason, 0, 0.0, 0.0, stored, cut=True, stored=stored)


# --- silences --------------------------------------------------------------------------------------------------------
