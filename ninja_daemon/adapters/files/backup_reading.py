"""A backup read from its file: every part is checked before one is used."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from ninja_daemon.adapters.files.backup_form import (
    CALENDAR,
    EVALUATIONS,
    JOURNAL,
    LEDGER,
    MANIFEST,
    PARTS,
    PIECE,
    RECORD,
    REDIS,
    SCHEMA,
    Backup,
    decode_keys,
    digest_of,
)
from ninja_daemon.adapters.journal.backup import prove_database
from ninja_daemon.core.errors import JournalUnavailable, StateUnreadable

_LARGEST: Final = 1 << 30
_LARGEST_MANIFEST: Final = 1 << 20


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
        # Read to the end: the checksum of the whole is there.
        while packed.read(PIECE):
            pass
    if found != set(about["parts"]):
        _refuse(f"lacks {', '.join(sorted(set(about['parts']) - found))}")
    return _proven(path, folder, found, about)


def _unpack_parts(archive: tarfile.TarFile, folder: Path, listed: Mapping[str, Any]) -> set[str]:
    found = set[str]()
    while (member := archive.next()) is not None:
        if member.name not in PARTS or member.name not in listed or not member.isreg() or member.size > _LARGEST:
            _refuse(f"must hold {', '.join(PARTS)} at most, has {member.name[:60]!r}")
        content = archive.extractfile(member)
        assert content is not None  # noqa: S101 - it is a regular file
        digest = hashlib.sha256()
        with (folder / member.name).open("wb") as copy:
            while piece := content.read(PIECE):
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
    for name in (JOURNAL, LEDGER, RECORD, EVALUATIONS, CALENDAR):
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
        evaluations=folder / EVALUATIONS if EVALUATIONS in found else None,
        calendar=folder / CALENDAR if CALENDAR in found else None,
        size=path.stat().st_size,
        digest=digest_of(path),
    )


def _refuse(why: str) -> NoReturn:
    message = f"the backup {why}"
    raise StateUnreadable(message)
