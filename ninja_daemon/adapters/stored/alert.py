"""Operations alerts as text, the same in Redis and in the journal. Everything read is validated."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.market.instant import format_moment, parse_instant
from ninja_daemon.core.messages.message import Notice, Severity

LONGEST: Final = 8_192
"""Characters of an alert or of a quoted text at most."""
_ID: Final = re.compile(r"[A-Za-z0-9_.:\-]{1,64}", re.ASCII)
_TOPIC: Final = re.compile(r"[a-z0-9_.]{1,40}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{0,64}", re.ASCII)
_LONGEST_ALERT: Final = 4_000
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z", re.ASCII)


def encode_alert(kind: str, severity: str, text: str, at: float) -> str:
    """Write an operations alert as the notifier reads it; the same text in the same hour has the same id."""
    identity = hashlib.sha256(f"{kind}|{text}|{int(at // 3600)}".encode()).hexdigest()[:32]
    body = {"schema": 1, "id": identity, "kind": kind, "severity": severity, "text": text, "time": format_moment(at)}
    return json.dumps(body)


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
        fields = object_of(text)
        if fields.get("schema") != 1:
            refuse("schema", "1", fields.get("schema"))
        return Notice(
            id=_matching(fields, "id", _ID),
            topic=_matching(fields, "kind", _TOPIC),
            severity=Severity(fields.get("severity", "warning")),
            text=_line(fields, "text"),
            time=moment_of(fields.get("time")),
            about=_matching({"about": "", **fields}, "about", _NAME),
        )
    except (ValueError, TypeError) as error:
        message = f"an alert must be a JSON object with schema, id, kind, severity, text and time: {error}"
        raise SignalRejected(message) from error


def object_of(text: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: it is too long or no JSON.
        TypeError: it is something else than an object.
    """
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
        refuse(name, f"text of 1 to {_LONGEST_ALERT} characters", value)
    value.encode()
    return value


def _matching(fields: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        refuse(name, f"text like {pattern.pattern}", value)
    return value


def refuse(name: str, allowed: str, was: object) -> NoReturn:
    """Raise ValueError for a field, with what is allowed."""
    message = f"{name} must be {allowed}, was {str(was)[:40]!r}"
    raise ValueError(message)


def moment_of(value: object) -> float:
    """Read an instant, to the second.

    Raises:
        ValueError: it is none.
    """
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse("time", "an instant like 2025-08-10T14:30:00.113Z", value)
    return float(parse_instant(match[1] + "Z"))
