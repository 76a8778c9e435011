"""The lasting process: has a short-lived child read what it works by, and loads itself meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final

from ninja_daemon.app.lean.bodies import body_of
from ninja_daemon.app.lean.lean_imports import import_requests, import_structlog, load_redis_in_parts

_PROGRAM: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); from ninja_daemon.app.reader import main; main()"
)
"""The child imports from exactly where this process does."""


def serve(arguments: Sequence[str]) -> int:
    """Do what the command line of a lasting command says; return the exit code."""
    with _reading_child(arguments) as (child, answer):
        import_structlog()
        load_redis_in_parts()
        if arguments[0] == "run":
            import_requests()
        work = body_of(arguments[0])
        from ninja_daemon.app.lean.handover import unpack  # noqa: PLC0415 - after the child was started

        handed = unpack(answer)
        code = child.wait()
    return code if handed is None else work(handed)


@contextmanager
def _reading_child(arguments: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    """Start the child that reads settings; give it and where it answers, and have it ended afterwards."""
    ours, theirs = os.pipe()
    command = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), str(theirs), *arguments]
    with os.fdopen(ours, "rb") as answer:
        try:
            child = subprocess.Popen(command, pass_fds=(theirs,))  # noqa: S603 - our own program
        finally:
            os.close(theirs)
        try:
            yield child, answer
        finally:
            child.kill()
            child.wait()
