"""Logs: sentences with fields through structlog, on one road on which no secret survives and no line can be forged.

Every record takes the same road, our own as well as those of the libraries below us: its parts are gathered, times
and levels added, texts made of exceptions, secrets blanked out, control characters escaped, and only then a renderer
turns it into a line. A renderer is the last link and may be exchanged.

Use it as ``log = structlog.get_logger()`` and ``log.info("three new candles of EUR_USD H4", candles=3)``.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Literal, Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ninja_daemon.adapters.network.redaction import Redaction, escaped
from ninja_daemon.adapters.telemetry.events import EVENTS
from ninja_daemon.adapters.telemetry.journald import JournalSocket, field_name, is_journal
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.ports import Clock

Form = Literal["auto", "console", "plain", "json", "journal"]
"""``auto`` is ``journal`` where the lines would go to systemd's journal, ``console`` on a terminal, else ``plain``."""

CLAMPED: Final = ("oandapyV20", "urllib3", "requests", "apscheduler", "tzlocal", "redis", "apprise", "asyncio")
"""Libraries that say too much, URLs with secrets in them too: never below WARNING, whatever the level."""

_LONGEST_SENTENCE: Final = 8_192
_LONGEST_FIELD: Final = 2_048
_PLAIN_VALUE: Final = re.compile(r"[^\s\"=\\]+")
_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
_JOURNAL_NAMES: Final = {"id": "NINJA_SIGNAL_ID", "reason": "NINJA_ERROR"}
_NOT_FIELDS: Final = frozenset({"timestamp", "level", "event", "exception", "event_id"})
_FIRST_FIELDS: Final = ("timestamp", "level", "event", "exception")


class Level(StrEnum):
    """The lowest level that is shown, as the command line names it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def configure_logs(
    *,
    level: str = "info",
    secrets: Iterable[Secret] = (),
    stream: TextIO | None = None,
    form: Form = "auto",
    identifier: str = "ninja-daemon",
) -> None:
    """Send every log of this process through one handler; may be called again, the last call counts.

    Uncaught exceptions of the process and of its threads take the same road.

    Args:
        level: the lowest level that is shown, one of ``Level``; for libraries WARNING at least.
        secrets: texts that must not appear, in any spelling.
        stream: where the lines go; None for standard error.
        form: how they look.
        identifier: the process's name in the journal.
    """
    stream = sys.stderr if stream is None else stream
    redaction = Redaction(secrets)
    if form == "auto" and is_journal(stream):
        form = "journal"
    handler = _JournalHandler(stream, identifier) if form == "journal" else _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_foreign_chain(),
            processors=[*_common_chain(redaction), renderer_for(form, stream)],
            keep_exc_info=False,
        )
    )
    handler.addFilter(_is_ours_or_grave)
    _install(handler, logging.getLevelNamesMapping()[level.upper()])
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def reset_logs() -> None:
    """Undo ``configure_logs``; for tests."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.WARNING)
    for name in CLAMPED:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__


def renderer_for(form: Form, stream: TextIO) -> Processor:
    """Return the last link of the chain: the one that makes a line of a record."""
    if form in {"json", "journal"}:
        return _render_json
    on_terminal = form == "console" or (form == "auto" and stream.isatty())
    return LineRenderer(colours=on_terminal, short_times=on_terminal)


class LineRenderer:
    """A record as a sentence with ``key=value`` behind it; a traceback follows, indented."""

    def __init__(self, *, colours: bool, short_times: bool) -> None:
        """Choose the dress: for a terminal or for a file."""
        self._colours = colours
        self._short_times = short_times

    def __call__(self, logger: WrappedLogger, method: str, record: EventDict) -> str:
        """Make the line; every text in the record is already safe."""
        del logger, method
        level = str(record.get("level", "info"))
        time = str(record.get("timestamp", ""))
        if self._short_times:
            time = time[11:19] + "Z"
        parts = [self._painted(time, "2"), self._painted(f"{level:<7}", _COLOURS.get(level, "0")), record["event"]]
        parts += [
            self._painted(f"{name}=", "2") + _field_text(value)
            for name, value in record.items()
            if name not in _FIRST_FIELDS
        ]
        line = " ".join(parts)
        if trace := record.get("exception"):
            line += "".join(f"\n    {part}" for part in str(trace).splitlines())
        return line

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


class Recurring:
    """Says a failure that goes on for a while once, then once a minute, and how long it lasted when it is over.

    Safe to use from several threads.
    """

    def __init__(self, clock: Clock, logger: BoundLogger, *, every: float = 60.0) -> None:
        """Begin with nothing wrong.

        Args:
            clock: for durations.
            logger: where it is said.
            every: seconds between two reminders.
        """
        self._clock = clock
        self._logger = logger
        self._every = every
        self._open: dict[str, _Trouble] = {}
        self._lock = threading.Lock()

    def failed(self, key: str, sentence: str, *, level: str = "warning", **fields: Any) -> bool:  # noqa: ANN401
        """Say that ``key`` is in trouble, unless it was said less than a minute ago; return whether it was said."""
        now = self._clock.monotonic()
        with self._lock:
            trouble = self._open.get(key)
            if trouble is not None and now - trouble.said < self._every:
                trouble.suppressed += 1
                return False
            if trouble is None:
                self._open[key] = _Trouble(now)
            else:
                fields["suppressed"] = trouble.suppressed
                fields["lasting"] = duration(now - trouble.began)
                trouble.said, trouble.suppressed = now, 0
        getattr(self._logger, level)(sentence, **fields)
        return True

    def recovered(self, key: str, sentence: str, **fields: Any) -> bool:  # noqa: ANN401 - fields are of any kind
        """Say that ``key`` is well again and how long it was not; nothing when nothing was wrong."""
        with self._lock:
            trouble = self._open.pop(key, None)
        if trouble is None:
            return False
        if trouble.suppressed:
            fields["suppressed"] = trouble.suppressed
        self._logger.info(sentence, lasted=duration(self._clock.monotonic() - trouble.began), **fields)
        return True

    def is_failing(self, key: str) -> bool:
        """Tell whether ``key`` is in trouble."""
        with self._lock:
            return key in self._open


def duration(seconds: float) -> str:
    """Write a span of time as people say it: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - digits that matter
    whole = int(seconds)
    for large, unit, small, rest in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            head, tail = whole // large, whole % large // small
            return f"{head} {unit} {tail} {rest}" if tail else f"{head} {unit}"
    return f"{whole} s"


class BoundLogger(Protocol):
    """What is used of a structlog logger."""

    def info(self, event: str, **fields: Any) -> Any:  # noqa: ANN401 - structlog's own shape
        """Say something ordinary."""


class _Trouble:
    __slots__ = ("began", "said", "suppressed")

    def __init__(self, now: float) -> None:
        self.began = now
        self.said = now
        self.suppressed = 0


class _Handler(logging.StreamHandler[TextIO]):
    """Our one handler; a type of its own, so that it is found again. A reader that went away ends nothing."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Drop the line: there is nowhere left to say it."""
        del record


class _JournalHandler(_Handler):
    """Sends each record to journald as one entry; where that does not take it, the stream has it as a line."""

    def __init__(self, stream: TextIO, identifier: str) -> None:
        super().__init__(stream)
        self._identifier = identifier
        self._run = uuid.uuid4().hex[:12]
        self._journal = JournalSocket()
        self._lines = LineRenderer(colours=False, short_times=False)

    def emit(self, record: logging.LogRecord) -> None:
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


def _install(handler: _Handler, level: int) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in CLAMPED:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _foreign_chain() -> list[Processor]:
    return [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, _add_library]


def _common_chain(redaction: Redaction) -> list[Processor]:
    return [
        _add_time,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _Cleaning(redaction),
    ]


def _is_ours_or_grave(record: logging.LogRecord) -> bool:
    # structlog hands its records over as dictionaries; a library's are texts.
    return isinstance(record.msg, dict) or record.levelno >= logging.WARNING


def _add_library(logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
    del logger, method
    record["library"] = record["_record"].name
    return record


def _add_time(logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
    del logger, method
    moment = datetime.fromtimestamp(record["_record"].created, UTC)
    record["timestamp"] = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return record


class _Cleaning:
    """The one place of redaction; escapes what could forge a line and cuts what is too long."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __call__(self, logger: WrappedLogger, method: str, record: EventDict) -> EventDict:
        del logger, method
        clean: EventDict = {}
        for name, value in record.items():
            longest = _LONGEST_SENTENCE if name in _FIRST_FIELDS else _LONGEST_FIELD
            safe = self._redaction.field(name, value) if name not in _FIRST_FIELDS else self._redaction.text(str(value))
            if name == "exception":
                clean[name] = "\n".join(escaped(line) for line in safe.splitlines())
            else:
                clean[escaped(str(name))] = _made_safe(safe, longest)
        return clean


def _made_safe(value: Any, longest: int) -> Any:  # noqa: ANN401 - whatever is logged
    if isinstance(value, str):
        return escaped(value if len(value) <= longest else f"{value[:longest]}…")
    if isinstance(value, dict):
        return {escaped(str(key)): _made_safe(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [_made_safe(item, longest) for item in value]
    return value


def _field_text(value: Any) -> str:  # noqa: ANN401 - whatever is logged
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False).replace("\\\\", "\\")


def _render_json(logger: WrappedLogger, method: str, record: EventDict) -> str:
    del logger, method
    first = {name: record[name] for name in _FIRST_FIELDS if name in record}
    return json.dumps({**first, **record}, ensure_ascii=False, default=str)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("ninja_daemon").critical("unexpected error, the process ends", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is None or issubclass(failure.exc_type, SystemExit):
        return
    structlog.get_logger("ninja_daemon").critical(
        "unexpected error in a thread",
        thread=failure.thread.name if failure.thread else "unknown",
        exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback),
    )
