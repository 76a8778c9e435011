"""The handlers of log records: a stream that may be closed, and the system journal's own protocol."""

from __future__ import annotations

import contextlib
import json
import logging
import uuid
from collections.abc import Iterator
from typing import Final, TextIO

from structlog.typing import EventDict

from ninja_daemon.adapters.telemetry.events import EVENTS
from ninja_daemon.adapters.telemetry.journald import JournalSocket, field_name
from ninja_daemon.adapters.telemetry.rendering import LineRenderer

_PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


_JOURNAL_NAMES: Final = {"id": "NINJA_SIGNAL_ID", "reason": "NINJA_ERROR"}


_NOT_FIELDS: Final = frozenset({"timestamp", "level", "event", "exception", "event_id"})


class QuietHandler(logging.StreamHandler[TextIO]):
    """Our one handler; a type of its own, so that it is found again. A reader that went away ends nothing."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop the line: there is nowhere left to say it."""
        del record


class JournalHandler(QuietHandler):
    """Sends each record to journald as one entry; where that does not take it, the stream has it as a line."""

    def __init__(self, stream: TextIO, identifier: str) -> None:
        super().__init__(stream)
        self._identifier = identifier
        self._run = uuid.uuid4().hex[:12]
        self._journal = JournalSocket()
        self._lines = LineRenderer(colours=False, short_times=False)

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record; write it as a line where the journal refuses it."""
        try:
            fields: EventDict = json.loads(self.format(record))
        except Exception:  # noqa: BLE001 - a record that cannot be written must not end the process
            self.handleError(record)
            return
        if not self._journal.send(_journal_fields(fields, record, self._identifier, self._run)):
            with contextlib.suppress(OSError, ValueError):
                self.stream.write(f"<{_priority(fields)}>{self._lines(None, '', fields)}\n")
                self.flush()

    def close(self) -> None:
        """Close the socket, then the stream."""
        self._journal.close()
        super().close()


def _journal_fields(
    fields: EventDict, record: logging.LogRecord, identifier: str, run: str
) -> Iterator[tuple[str, str]]:
    """Write a record, safe already, as the journal's fields."""
    sentence = str(fields.get("event", ""))
    trace = fields.get("exception")
    yield "MESSAGE", f"{sentence}\n{trace}" if trace else sentence
    yield "PRIORITY", str(_priority(fields))
    yield "SYSLOG_IDENTIFIER", identifier
    yield "SYSLOG_PID", str(record.process)
    yield "CODE_FILE", record.pathname
    yield "CODE_LINE", str(record.lineno)
    yield "CODE_FUNC", record.funcName or ""
    yield "NINJA_RUN", run
    name = str(fields.get("event_id", ""))
    if name:
        yield "NINJA_EVENT", name
    if event := EVENTS.get(name):
        yield "MESSAGE_ID", event.message_id
    for field, value in fields.items():
        if field not in _NOT_FIELDS:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield _JOURNAL_NAMES.get(field) or field_name(field), text


def _priority(fields: EventDict) -> int:
    """Return the syslog priority: the event's, unless the record is graver than that."""
    by_level = _PRIORITIES.get(str(fields.get("level", "info")), 6)
    event = EVENTS.get(str(fields.get("event_id", "")))
    return by_level if event is None else min(event.priority, by_level) if by_level < 6 else event.priority  # noqa: PLR2004
