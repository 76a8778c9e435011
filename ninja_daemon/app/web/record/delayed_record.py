"""How far the record may be shown to strangers: up to the first line whose candle closed too recently."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from ninja_daemon.app.queues.opening import record_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.instant import Instant, parse_instant


class PublicRecord(NamedTuple):
    """A beginning of the record.

    Attributes:
        lines: how many lines it has.
        head: chain of the last of them; empty when there is none.
        signals: signals among them.
        outcomes: outcomes among them.
    """

    lines: int = 0
    head: str = ""
    signals: int = 0
    outcomes: int = 0


class _Line(NamedTuple):
    kind: str
    closed: Instant
    chain: str


class DelayedRecord:
    """The record of one namespace, read again only when it has grown."""

    def __init__(self, environment: Environment) -> None:
        """Read nothing yet."""
        self._environment = environment
        self._head = ""
        self._lines: list[_Line] = []

    def until(self, latest: float) -> PublicRecord:
        """Return the longest beginning in which every candle closed at ``latest`` or before (epoch seconds)."""
        shown = PublicRecord()
        for line in self._read():
            if line.closed > latest:
                break
            signals, outcomes = shown.signals + (line.kind == "signal"), shown.outcomes + (line.kind == "outcome")
            shown = PublicRecord(shown.lines + 1, line.chain, signals, outcomes)
        return shown

    def _read(self) -> list[_Line]:
        with closing(record_file(self._environment)) as record:
            try:
                if not record.path.exists():
                    return []
                head = record.head().chain
                if head != self._head:
                    self._lines = list(_lines(record.lines()))
                    self._head = head
            except (JournalUnavailable, OSError, ValueError):
                return []
        return self._lines


def _lines(texts: Iterator[str]) -> Iterator[_Line]:
    for text in texts:
        line = json.loads(text)
        if line["kind"] != "end":
            entry = line["entry"]
            closed = entry.get("exit_time", entry.get("close_time"))
            yield _Line(line["kind"], 0 if closed is None else parse_instant(closed), line["chain"])
