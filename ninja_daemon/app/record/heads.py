"""Heads of records, compared: a record must hold the head that was published before, or something was lost."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Protocol

from ninja_daemon.adapters.journal.history.record import RecordHead, SqliteRecord


class PublishedHead(Protocol):
    """Where daemons that share a store leave the head of their record. Each method raises StoreUnavailable."""

    def read(self) -> str:
        """Return what the last one left, empty for nothing."""

    def publish(self, head: str) -> None:
        """Leave a head."""


@dataclass(frozen=True, slots=True)
class NoPublishedHead:
    """Without Redis there is one machine, whose file says all that is known."""

    def read(self) -> str:
        """Return nothing."""
        return ""

    def publish(self, head: str) -> None:
        """Leave nothing."""


def encoded(head: RecordHead, machine: str) -> str:
    """Write a head as one line of JSON."""
    return json.dumps({"v": 1, "lines": head.lines, "chain": head.chain, "machine": machine})


def this_machine() -> str:
    """Return the name of this machine."""
    return os.uname().nodename


def break_with(record: SqliteRecord, published: str) -> str:
    """Say how a record breaks with the head that was published last; empty when it goes on from it.

    Raises:
        JournalUnavailable: the record cannot be read.
    """
    try:
        told = json.loads(published)
        lines, chain, machine = int(told["lines"]), str(told["chain"]), str(told["machine"])[:64]
    except (ValueError, TypeError, KeyError):
        return "the head that was published last cannot be read" if published else ""
    held = record.chain_at(lines)
    if held == chain:
        return ""
    where = f"line {lines} of the record that {machine} published is {chain[:16]}…"
    if held is None:
        return f"{where}; the record of this machine has {record.head().lines} lines and ends before it"
    return f"{where}; here that line is {held[:16]}…"
