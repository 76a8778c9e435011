"""Logs: sentences with fields through structlog, on one road on which no secret survives and no line can be forged.

Every record takes the same road, our own as well as those of the libraries below us: its parts are gathered, times
and levels added, texts made of exceptions, secrets blanked out, control characters escaped, and only then a renderer
turns it into a line. A renderer is the last link and may be exchanged.

Use it as ``log = structlog.get_logger()`` and ``log.info("three new candles of EUR_USD H4", candles=3)``.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ninja_daemon.adapters.network.redaction import Redaction, escaped
from ninja_daemon.adapters.telemetry.journal_handler import JournalHandler, QuietHandler
from ninja_daemon.adapters.telemetry.journald import is_journal
from ninja_daemon.adapters.telemetry.rendering import FIRST_FIELDS, Form, renderer_for
from ninja_daemon.core.secret import Secret

CLAMPED: Final = ("oandapyV20", "urllib3", "requests", "apscheduler", "tzlocal", "redis", "apprise", "asyncio")
"""Libraries that say too much, URLs with secrets in them too: never below WARNING, whatever the level."""

_LONGEST_SENTENCE: Final = 8_192
_LONGEST_FIELD: Final = 2_048


def configure_logs(
    *,
    level: str = "info",
    secrets: Iterable[Secret] = (),
    stream: TextIO | None = None,
    form: Form = "auto",
    identifier: str = "ninja-daemon",
) -> None:
    """Send every log and uncaught exception through one handler; may be called again, the last call counts.

    Args:
        level: the lowest level that is shown, one of ``Level``; for libraries WARNING at least.
        secrets: texts that must not appear, in any spelling.
        stream: where the lines go; None for standard error.
        form: how they look.
        identifier: the process's name in the journal.
    """
    stream = stream or sys.stderr
    if form == "auto" and is_journal(stream):
        form = "journal"
    handler = JournalHandler(stream, identifier) if form == "journal" else QuietHandler(stream)
    processors = [*_common_chain(Redaction(secrets)), renderer_for(form, stream)]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_foreign_chain(), processors=processors, keep_exc_info=False
        )
    )
    handler.addFilter(_is_ours_or_grave)
    _install(handler, logging.getLevelNamesMapping()[level.upper()])
    sys.excepthook, threading.excepthook = _log_uncaught, _log_uncaught_in_thread


def reset_logs() -> None:
    """Undo ``configure_logs``; for tests."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, QuietHandler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.WARNING)
    for name in CLAMPED:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__


def _install(handler: QuietHandler, level: int) -> None:
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, QuietHandler)]:
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
            longest = _LONGEST_SENTENCE if name in FIRST_FIELDS else _LONGEST_FIELD
            safe = self._redaction.field(name, value) if name not in FIRST_FIELDS else self._redaction.text(str(value))
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
