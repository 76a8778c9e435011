"""A backup as one file: a compressed archive with a manifest that holds a digest of every part.

``manifest.json`` comes first, then ``redis.jsonl`` (a key a line), ``journal.sqlite3``, ``sent.sqlite3`` and
``record.sqlite3``, of which each may be missing. A file has its name only once it is whole, on disk and proven by
reading it back.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from ninja_daemon.adapters.files.backup_form import MANIFEST, SCHEMA, digest_of
from ninja_daemon.adapters.files.backup_reading import read_backup
from ninja_daemon.core.errors import JournalUnavailable

SUFFIX: Final = ".backup"


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
    members = {name: {"bytes": path.stat().st_size, "sha256": digest_of(path)} for name, path in parts.items()}
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


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
