"""A backup as one file: a compressed archive with a manifest that holds a digest of every part.

``manifest.json`` comes first, then ``redis.jsonl`` (a key a line), ``journal.sqlite3``, ``sent.sqlite3`` and
``record.sqlite3``, of which each may be missing. A file has its name only once it is whole, on disk and proven by
reading it back.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from ninja_daemon.adapters.journal.backup import prove_database
from ninja_daemon.adapters.redis.backup import KINDS, StoredKey
from ninja_daemon.core.errors import JournalUnavailable, StateUnreadable

SUFFIX: Final = ".backup"
MANIFEST: Final = "manifest.json"
REDIS: Final = "redis.jsonl"
JOURNAL: Final = "journal.sqlite3"
LEDGER: Final = "sent.sqlite3"
RECORD: Final = "record.sqlite3"
SCHEMA: Final = 1
_PARTS: Final = (REDIS, JOURNAL, LEDGER, RECORD)
_LARGEST: Final = 1 << 30
_LARGEST_MANIFEST: Final = 1 << 20
_PIECE: Final = 1 << 20


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
        ledger: likewise of the sent messages.
        record: likewise of the record of signals and outcomes.
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
    size: int
    digest: str


def encode_keys(keys: Sequence[StoredKey]) -> bytes:
    """Write keys, one a line; bytes that are no UTF-8 survive as escapes."""
    return b"".join(
        json.dumps([key.name, key.kind, key.expires_at, key.value], separators=(",", ":")).encode() + b"\n"
        for key in keys
    )


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


def write_backup(target: Path, about: Mapping[str, Any], parts: Mapping[str, Path]) -> None:
    """Pack parts into a file that appears under its name only once it is whole and proven.

    Args:
        target: its name.
        about: for the manifest: ``created``, ``version``, ``namespace``, ``redis``.
        parts: by their names in the archive.

    Raises:
        JournalUnavailable: it could not be written; nothing is left of it.
        StateUnreadable: what was written could not be read back; nothing is left of it.
    """
    members = {name: {"bytes": path.stat().st_size, "sha256": _digest(path)} for name, path in parts.items()}
    manifest = json.dumps({"schema": SCHEMA, "product": "ninja-daemon", **about, "parts": members}, indent=1).encode()
    half = target.with_name(f".{target.name}.half")
    try:
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _pack(file, manifest, parts)
            file.flush()
            os.fsync(file.fileno())
        with read_backup(half):
            pass
        half.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        message = f"the backup must be writable at {target}, was not ({error.strerror}); is the disk full?"
        raise JournalUnavailable(message) from error
    finally:
        half.unlink(missing_ok=True)


def _pack(file: BinaryIO, manifest: bytes, parts: Mapping[str, Path]) -> None:
    with (
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, MANIFEST, io.BytesIO(manifest), len(manifest))
        for name, path in parts.items():
            with path.open("rb") as content:
                _add(archive, name, content, path.stat().st_size)


def _add(archive: tarfile.TarFile, name: str, content: BinaryIO | io.BytesIO, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, content)


@contextmanager
def read_backup(path: Path) -> Iterator[Backup]:
    """Read a whole backup and prove it: every digest, every key, both databases.

    The unpacked copies live as long as the block.

    Raises:
        StateUnreadable: it is no backup, or it is damaged.
        JournalUnavailable: the file cannot be read, or there is no room to unpack it.
    """
    with tempfile.TemporaryDirectory(prefix="ninja-backup-") as folder:
        try:
            backup = _unpacked(path, Path(folder))
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            message = f"{path.name} must be a backup of ninja-daemon, was not or is damaged ({error})"
            raise StateUnreadable(message) from error
        except OSError as error:
            message = f"{path} must be a file that can be read, and unpacked in {folder}, was not ({error.strerror})"
            raise JournalUnavailable(message) from error
        yield backup


def _unpacked(path: Path, folder: Path) -> Backup:
    with gzip.open(path, "rb") as packed:
        with tarfile.open(fileobj=packed, mode="r:") as archive:
            about = _manifest(archive.next(), archive)
            found = _unpack_parts(archive, folder, about["parts"])
        # To the end, where the checksum of the whole stands.
        while packed.read(_PIECE):
            pass
    if found != set(about["parts"]):
        _refuse(f"lacks {', '.join(sorted(set(about['parts']) - found))}")
    return _proven(path, folder, found, about)


def _unpack_parts(archive: tarfile.TarFile, folder: Path, listed: Mapping[str, Any]) -> set[str]:
    found = set[str]()
    while (member := archive.next()) is not None:
        if member.name not in _PARTS or member.name not in listed or not member.isreg() or member.size > _LARGEST:
            _refuse(f"must hold {', '.join(_PARTS)} at most, has {member.name[:60]!r}")
        content = archive.extractfile(member)
        assert content is not None  # noqa: S101 - it is a regular file
        digest = hashlib.sha256()
        with (folder / member.name).open("wb") as copy:
            while piece := content.read(_PIECE):
                digest.update(piece)
                copy.write(piece)
        if digest.hexdigest() != listed[member.name].get("sha256"):
            _refuse(f"is damaged: {member.name} is not what its digest says")
        found.add(member.name)
    return found


def _manifest(member: tarfile.TarInfo | None, archive: tarfile.TarFile) -> Mapping[str, Any]:
    if member is None or member.name != MANIFEST or not member.isreg() or member.size > _LARGEST_MANIFEST:
        _refuse(f"must begin with {MANIFEST}")
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 - it is a regular file
    try:
        about = json.loads(content.read())
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or about.get("product") != "ninja-daemon":
        _refuse("must be a backup of ninja-daemon")
    if about.get("schema") != SCHEMA:
        _refuse(f"must be of schema {SCHEMA}, was of {about.get('schema')!r}: a newer version made it")
    parts = about.get("parts")
    texts = all(isinstance(about.get(name), str) for name in ("version", "namespace"))
    if not texts or not isinstance(about.get("created"), int) or not isinstance(about.get("redis"), str | None):
        _refuse("has a manifest that cannot be read")
    if not isinstance(parts, dict) or not all(isinstance(part, dict) for part in parts.values()):
        _refuse("has a manifest that cannot be read")
    return about


def _proven(path: Path, folder: Path, found: set[str], about: Mapping[str, Any]) -> Backup:
    for name in (JOURNAL, LEDGER, RECORD):
        if name in found:
            prove_database(folder / name)
    return Backup(
        created=about["created"],
        version=about["version"],
        namespace=about["namespace"],
        redis=about["redis"],
        keys=decode_keys((folder / REDIS).read_bytes()) if REDIS in found else None,
        journal=folder / JOURNAL if JOURNAL in found else None,
        ledger=folder / LEDGER if LEDGER in found else None,
        record=folder / RECORD if RECORD in found else None,
        size=path.stat().st_size,
        digest=_digest(path),
    )


def _refuse(why: str) -> NoReturn:
    message = f"the backup {why}"
    raise StateUnreadable(message)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
