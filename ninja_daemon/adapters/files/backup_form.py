"""The form of a backup: its parts, and what it says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.redis.backups.stored_keys import KINDS, StoredKey
from ninja_daemon.core.errors import StateUnreadable

MANIFEST: Final = "manifest.json"
REDIS: Final = "redis.jsonl"
JOURNAL: Final = "journal.sqlite3"
LEDGER: Final = "sent.sqlite3"
RECORD: Final = "record.sqlite3"
EVALUATIONS: Final = "evaluations.sqlite3"
CALENDAR: Final = "calendar.sqlite3"
SCHEMA: Final = 1
PARTS: Final = (REDIS, JOURNAL, LEDGER, RECORD, EVALUATIONS, CALENDAR)
PIECE: Final = 1 << 20


def decode_keys(content: bytes) -> tuple[StoredKey, ...]:
    """Read what ``encode_keys`` wrote.

    Raises:
        StateUnreadable: it is something else.
    """
    return tuple(_decoded(line) for line in content.splitlines())


def _decoded(line: bytes) -> StoredKey:
    try:
        name, kind, expires_at, value = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        name = kind = expires_at = value = None
    good = isinstance(name, str) and kind in KINDS and isinstance(value, list) and value
    if not good or not all(isinstance(part, str) for part in value) or not isinstance(expires_at, int | None):
        message = f"{REDIS} must hold a key a line, has {line[:60]!r}"
        raise StateUnreadable(message)
    return StoredKey(name, kind, expires_at, tuple(value))


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself, with its parts unpacked for a while.

    Attributes:
        created: epoch seconds.
        version: of the product that made it.
        namespace: whose keys they are.
        redis: where Redis was, without credentials; None for a product without.
        keys: all keys of the namespace; None for a product without Redis.
        journal: the unpacked copy, None when there was no journal.
        ledger: the same of the sent messages.
        record: the same of the record of signals and outcomes.
        evaluations: the same of the notes of evaluations.
        calendar: the same of what the calendar of scheduled news said.
        size: bytes of the file.
        digest: SHA-256 of the file.
    """

    created: int
    version: str
    namespace: str
    redis: str | None
    keys: tuple[StoredKey, ...] | None
    journal: Path | None
    ledger: Path | None
    record: Path | None
    evaluations: Path | None
    calendar: Path | None
    size: int
    digest: str


def encode_keys(keys: Sequence[StoredKey]) -> bytes:
    """Write keys, one a line; bytes that are no UTF-8 survive as escapes."""
    return b"".join(
        json.dumps([key.name, key.kind, key.expires_at, key.value], separators=(",", ":")).encode() + b"\n"
        for key in keys
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
