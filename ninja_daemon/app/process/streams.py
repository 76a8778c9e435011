"""Standard streams that are closed, full, or whose reader has gone: clear errors and the contract's exit codes."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Final

_OF_OUTPUT: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT})


def stand_in_for_closed_streams() -> None:
    """Put something in the place of each standard stream that this process was started without.

    Else the next file or connection would get its number, and with it all printed text. Standard output cannot be
    written to then, so that nobody takes a message for delivered; the text of standard error is lost.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR if number == 2 else os.O_RDONLY)  # noqa: PLR2004 - standard error
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), line_buffering=True)
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), line_buffering=True)


def is_about_output(error: OSError) -> bool:
    """Tell whether an error is one of writing to a stream: it names no file."""
    return error.errno in _OF_OUTPUT and error.filename is None


def write_out() -> OSError | None:
    """Write out what is held back for the standard streams; return why some of it could not be.

    The interpreter would try so once more, fail, and end with a code of its own.
    """
    failure = None
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            with suppress(ValueError):  # Closed meanwhile: nothing is held back.
                stream.flush()
        except OSError as error:
            failure = error
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return failure
