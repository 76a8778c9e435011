"""How a record becomes a line: for people, in colour where the terminal has any, and as JSON."""

from __future__ import annotations

import json
import re
from typing import Any, Final, Literal, TextIO

from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["auto", "console", "plain", "json", "journal"]
"""``auto`` is ``journal`` where the lines would go to systemd's journal, ``console`` on a terminal, else ``plain``."""
_PLAIN_VALUE: Final = re.compile(r"[^\s\"=\\]+")
_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
FIRST_FIELDS: Final = ("timestamp", "level", "event", "exception")


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
            self._painted(f"{name}=", "2") + field_text(value)
            for name, value in record.items()
            if name not in FIRST_FIELDS
        ]
        line = " ".join(parts)
        if trace := record.get("exception"):
            line += "".join(f"\n    {part}" for part in str(trace).splitlines())
        return line

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def field_text(value: Any) -> str:  # noqa: ANN401 - whatever is logged
    """Return a field's value as one word, quoted where it has to be."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if _PLAIN_VALUE.fullmatch(text) else json.dumps(text, ensure_ascii=False).replace("\\\\", "\\")


def _render_json(logger: WrappedLogger, method: str, record: EventDict) -> str:
    del logger, method
    first = {name: record[name] for name in FIRST_FIELDS if name in record}
    return json.dumps({**first, **record}, ensure_ascii=False, default=str)
