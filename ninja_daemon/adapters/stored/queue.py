"""The stored forms of the queue: messages in lanes, alerts, dead letters, silences. Everything read is validated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from ninja_daemon.adapters.stored.outcome import decode_outcome
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES, decode_signal
from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.intake import Arrival
from ninja_daemon.core.lanes.record import LaneRecord
from ninja_daemon.core.market.instant import format_instant, format_moment, parse_instant
from ninja_daemon.core.messages.message import Entry, Kind, Notice, Severity
from ninja_daemon.core.messages.routing import Match, Silence
from ninja_daemon.core.signals.crossover import Side

LONGEST: Final = 8_192
"""Characters of an alert or of a quoted text at most."""
_HEADER: Final = re.compile(r"(signal|alert|heartbeat|outcome) (\S{1,64}) (\d{1,18}) (\d{1,15})\n", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,64}", re.ASCII)
_OUTCOME_OF: Final = "outcome:"
"""Stands before a signal's id where its outcome is meant."""
_TOPIC: Final = re.compile(r"[a-z0-9_.]{1,40}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{0,64}", re.ASCII)
_LONGEST_ALERT: Final = 4_000
_QUOTED: Final = 2_000
"""Characters of an absurdly long element that are kept."""
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z", re.ASCII)


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
            return Arrival(text, digest, f"{_OUTCOME_OF}{outcome.id}", outcome=outcome)
        if inbox is Kind.ALERT:
            notice = decode_notice(text)
            return Arrival(text, digest, notice.id, notice=notice)
        signal = decode_signal(text)
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
            return replace(entry, signal=decode_signal(text))
        if kind == Kind.OUTCOME:
            return replace(entry, outcome=decode_outcome(text))
        return replace(entry, notice=decode_notice(text))
    except SignalRejected as error:
        return replace(entry, unreadable=str(error))


def encode_notice(notice: Notice) -> str:
    """Write a notice as one line of JSON, as the daemon writes its alerts."""
    body = {
        "schema": 1,
        "id": notice.id,
        "kind": notice.topic,
        "severity": notice.severity.value,
        "text": notice.text,
        "time": format_moment(notice.time),
    }
    if notice.about:
        body["about"] = notice.about
    return json.dumps(body, ensure_ascii=False)


def decode_notice(text: str) -> Notice:
    """Read an element of the alerts list.

    Raises:
        SignalRejected: it is none; the text says why.
    """
    try:
        fields = _object(text)
        if fields.get("schema") != 1:
            _refuse("schema", "1", fields.get("schema"))
        return Notice(
            id=_matching(fields, "id", _ID),
            topic=_matching(fields, "kind", _TOPIC),
            severity=Severity(fields.get("severity", "warning")),
            text=_line(fields, "text"),
            time=_moment(fields.get("time")),
            about=_matching({"about": "", **fields}, "about", _NAME),
        )
    except (ValueError, TypeError) as error:
        message = f"an alert must be a JSON object with schema, id, kind, severity, text and time: {error}"
        raise SignalRejected(message) from error


def _object(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        message = f"at most {LONGEST} characters, was {len(text)}"
        raise ValueError(message)
    try:
        fields = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error  # noqa: EM101, TRY003 - one word
    if not isinstance(fields, dict):
        raise TypeError("not an object")  # noqa: EM101, TRY003
    return fields


def _line(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ALERT:
        _refuse(name, f"text of 1 to {_LONGEST_ALERT} characters", value)
    value.encode()
    return value


def _matching(fields: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        _refuse(name, f"text like {pattern.pattern}", value)
    return value


def _refuse(name: str, allowed: str, was: object) -> NoReturn:
    message = f"{name} must be {allowed}, was {str(was)[:40]!r}"
    raise ValueError(message)


def _moment(value: object) -> float:
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        _refuse("time", "an instant like 2025-08-10T14:30:00.113Z", value)
    return float(parse_instant(match[1] + "Z"))


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
            first=_moment(fields["first"]) if fields["first"] else 0.0,
            last=_moment(fields["last"]),
            text=str(fields["text"]),
            cut=fields["cut"] is True,
            stored=stored,
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        reason = "not a dead letter of ours"
        return DeadLetter("", "unknown", "", "unreadable", None, reason, 0, 0.0, 0.0, stored, cut=True, stored=stored)


# --- silences --------------------------------------------------------------------------------------------------------


def encode_silence(silence: Silence) -> str:
    """Write a silence as one line of JSON."""
    match = silence.match
    return json.dumps(
        {
            "v": 1,
            "until": format_instant(int(silence.until)),
            "destinations": list(silence.destinations),
            "comment": silence.comment,
            "instrument": list(match.instrument),
            "timeframe": list(match.timeframe),
            "strategy": list(match.strategy),
            "side": match.side.name if match.side else None,
            "late": match.late,
            "min_risk_reward": str(match.min_risk_reward) if match.min_risk_reward is not None else None,
        }
    )


def decode_silence(name: str, text: str) -> Silence | None:
    """Read a silence; None when it cannot be read: better heard twice than silenced by accident."""
    try:
        fields = _object(text)
        ratio = fields.get("min_risk_reward")
        return Silence(
            id=name,
            match=Match(
                instrument=_names(fields, "instrument"),
                timeframe=_names(fields, "timeframe"),
                strategy=_names(fields, "strategy"),
                side=Side[fields["side"]] if fields.get("side") else None,
                late=fields["late"] if isinstance(fields.get("late"), bool) else None,
                min_risk_reward=Decimal(ratio) if ratio is not None else None,
            ),
            until=float(parse_instant(str(fields["until"]))),
            destinations=_names(fields, "destinations"),
            comment=str(fields.get("comment", "")),
        )
    except (ValueError, TypeError, KeyError, InvalidOperation):
        return None


def _names(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(name, "a list of texts", value)
    return tuple(value)
