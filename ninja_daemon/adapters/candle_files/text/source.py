"""The bytes of a file, plain, gzipped or zipped, cut into blocks of whole lines. A pipe is kept in a temporary file."""

from __future__ import annotations

import codecs
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple, Protocol
from zipfile import BadZipFile, ZipFile

from ninja_daemon.core.errors import CandleFileRejected

BLOCK: Final = 1 << 21
LONGEST_LINE: Final = 1 << 12
_HEAD_LINES: Final = 50
_HEAD_BYTES: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_READABLE: Final = (".csv", ".txt", ".json", ".jsonl", ".tsv", ".prn")


class Bytes(Protocol):
    """What is read of a file."""

    def read(self, size: int, /) -> bytes:
        """Return about that many of the next bytes; none at the end."""


class Block(NamedTuple):
    """Whole lines, each with its line feed.

    Attributes:
        number: line number of the first.
        content: the lines.
    """

    number: int
    content: bytes


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file, or one file of an archive.

    Attributes:
        name: as errors show it.
        path: where the bytes are.
        member: its name in a zip archive; None for a file of its own.
    """

    name: str
    path: Path
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[Bytes]:
        """Open the unpacked bytes, those of UTF-16 as UTF-8.

        Raises:
            CandleFileRejected: they cannot be read.
        """
        try:
            with self.path.open("rb") as raw:
                start = _start(raw)
                if self.member is not None:
                    with ZipFile(raw) as archive, archive.open(self.member) as file:
                        yield _narrow(file)
                elif start.startswith(_GZIP):
                    with gzip.open(raw) as file:
                        yield _narrow(file)
                else:
                    yield _narrow(raw)
        except (OSError, EOFError, BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"{self.name} must be a file that can be read, was not: {reason}"
            raise CandleFileRejected(message) from error

    def head(self) -> list[str]:
        """Return the first lines as text."""
        with self.open() as file:
            content = file.read(_HEAD_BYTES)
        lines = content.removeprefix(_BOM).split(b"\n")
        if len(content) == _HEAD_BYTES and len(lines) > 1:
            lines.pop()
        while lines and not lines[-1].strip():
            lines.pop()
        return [line.rstrip(b"\r").decode("utf-8", "backslashreplace") for line in lines[:_HEAD_LINES]]

    def blocks(self, progress: Callable[[int], None] = lambda _: None) -> Iterator[Block]:
        """Cut the file into runs of whole lines.

        Raises:
            CandleFileRejected: it cannot be read, or a line is too long to be one.
        """
        with self.open() as file:
            number, rest = 1, b""
            while True:
                read = file.read(BLOCK)
                progress(len(read))
                content = rest + read
                if number == 1:
                    content = content.removeprefix(_BOM)
                end = content.rfind(b"\n") + 1 if read else len(content)
                if len(content) - end > LONGEST_LINE:
                    line = number + content.count(b"\n")
                    message = f"{self.name}, line {line}: a line must be at most {LONGEST_LINE} bytes long, was longer"
                    raise CandleFileRejected(message)
                whole, rest = content[:end], content[end:]
                if b"\r" in whole:
                    whole = whole.replace(b"\r\n", b"\n")
                if whole:
                    yield Block(number, whole if whole.endswith(b"\n") else whole + b"\n")
                    number += whole.count(b"\n")
                if not read:
                    return

    def line(self, number: int) -> str | None:
        """Return one line as it stands in the file; None past its end."""
        for block in self.blocks():
            if number < block.number + block.content.count(b"\n"):
                line = block.content.split(b"\n")[number - block.number]
                return line.decode("utf-8", "backslashreplace")
        return None


def _start(file: IO[bytes] | gzip.GzipFile) -> bytes:
    start = file.read(len(_ZIP))
    file.seek(0)
    return start


def _narrow(file: IO[bytes] | gzip.GzipFile) -> Bytes:
    """Return the bytes as UTF-8: of UTF-16 by its mark, or by the zeros between the letters of a first line."""
    start = _start(file)
    if start.startswith(_WIDE_BOMS):
        encoding = "utf-16"
    elif start[:1] and start.count(0) == 2:  # noqa: PLR2004 - every other one of four
        encoding = "utf-16-be" if start[0] == 0 else "utf-16-le"
    else:
        return file
    return codecs.EncodedFile(file, "utf-8", encoding, "replace")


@contextmanager
def sources(paths: Sequence[Path]) -> Iterator[list[FileSource]]:
    """Find the files, those inside of zip archives too.

    Raises:
        CandleFileRejected: one cannot be read, or an archive holds nothing that can be.
    """
    with ExitStack() as pipes:
        yield [source for path in paths for source in _found(path, pipes)]


def _found(path: Path, pipes: ExitStack) -> list[FileSource]:
    try:
        kept = path
        if not path.is_file() and not path.is_dir():
            copy = pipes.enter_context(tempfile.NamedTemporaryFile(prefix="ninja-candles-"))  # noqa: SIM115 - the stack
            with path.open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
            copy.flush()
            kept = Path(copy.name)
        with kept.open("rb") as file:
            is_zip = file.read(len(_ZIP)) == _ZIP
        if not is_zip:
            return [FileSource(str(path), kept)]
        with ZipFile(kept) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (OSError, BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path} must be a file that can be read, was not: {reason}"
        raise CandleFileRejected(message) from error
    # HistData lays a report with the ending .txt beside its .csv.
    for ending in _READABLE:
        chosen = sorted(name for name in names if name.lower().endswith(ending))
        if chosen:
            return [FileSource(f"{path}:{name}", kept, name) for name in chosen]
    if len(names) == 1:
        return [FileSource(f"{path}:{names[0]}", kept, names[0])]
    message = f"{path} must hold a file of candles ({' '.join(_READABLE)}), held {', '.join(names)[:200] or 'nothing'}"
    raise CandleFileRejected(message)
