"""What both processes leave for people to read: heartbeats and the signal history, as text and as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ninja_daemon.adapters.stored.open_signals import decode_followed
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.outcomes.open_signal import Terms
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal

_LONGEST_HEARTBEAT: Final = 262_144
MOST_ENTRIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Reports:
    """A look at the life signs of both processes.

    Attributes:
        daemon: fields of the daemon's heartbeat, None when there is none.
        notifier: the same of the notifier.
        waiting: signals on the list, None when it is not a list.
        notes: one sentence for each thing that is there and cannot be read.
    """

    daemon: Mapping[str, Any] | None
    notifier: Mapping[str, Any] | None
    waiting: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The signal history, by the close of their candles, oldest first.

    Attributes:
        entries: each signal with its text as it was listed, to the byte.
        unreadable: entries that are neither signals nor outcomes.
        outcomes: how signals ended, by their id.
        terms: under which signals are followed, by their id.
    """

    entries: tuple[tuple[Signal, str], ...]
    unreadable: int = 0
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    terms: Mapping[str, Terms] = field(default_factory=dict)

    @property
    def followed(self) -> frozenset[str]:
        """Ids of the signals that have or will have an outcome."""
        return frozenset(self.terms) | frozenset(self.outcomes)


def heartbeat_fields(reply: object, key: str, notes: list[str]) -> Mapping[str, Any] | None:
    """Read a heartbeat; None when there is none, or when it cannot be read, which becomes a note about ``key``."""
    if reply is None:
        return None
    if isinstance(reply, str) and len(reply) <= _LONGEST_HEARTBEAT:
        try:
            fields = json.loads(reply)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            return fields
    notes.append(f"{key} must be a JSON object, was something else")
    return None


def history_of(texts: Sequence[str], followed: Sequence[str]) -> History:
    """Read signals as they were listed, and what became of them; bytes that are no UTF-8 are lone surrogates."""
    entries: list[tuple[Signal, str]] = []
    outcomes: dict[str, Outcome] = {}
    terms: dict[str, Terms] = {}
    unreadable = 0
    for text in texts:
        try:
            text.encode()
            entries.append((decode_signal(text), text))
        except (SignalRejected, UnicodeEncodeError):
            unreadable += 1
    for text in followed:
        try:
            entry = decode_followed(text)
        except SignalRejected:
            unreadable += 1
            continue
        if isinstance(entry, Outcome):
            outcomes[entry.id] = entry
        else:
            terms[entry.id] = entry.terms
    # Strategies that caught up one after the other were listed one after the other; people read by time.
    entries.sort(key=lambda entry: entry[0].close_time)
    return History(tuple(entries), unreadable, outcomes, terms)
