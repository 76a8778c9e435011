"""The lasting process: has a short-lived child read what it works by, and loads itself meanwhile."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Sequence
from typing import IO, NoReturn

from ninja_daemon.app.lean.bodies import body_of, load_for_redis
from ninja_daemon.app.lean.handover import unpack
from ninja_daemon.app.lean.lean_imports import import_requests, import_structlog, load_in_parts
from ninja_daemon.core.errors import NinjaError


def serve(arguments: Sequence[str], read: Callable[[Sequence[str], int], NoReturn]) -> int:
    """Do what the command line of a lasting command says; return the exit code.

    Args:
        arguments: the command line without the program's name.
        read: what the child does with it, and with the number of the pipe's end on which it answers.
    """
    load_in_parts()
    import_structlog()
    child, answer = _start_reading(arguments, read)
    try:
        with answer:
            if arguments[0] == "run":
                import_requests()
            work = body_of(arguments[0])
            load_for_redis(arguments[0])  # while the child still reads
            packed = answer.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):  # what came of the settings may be a part of them
        message = f"what reads the settings was ended by signal {os.WTERMSIG(status)}; is there enough memory?"
        raise NinjaError(message)
    if status or not packed:
        return os.waitstatus_to_exitcode(status)
    handed = unpack(io.BytesIO(packed))
    del packed  # some megabytes of thousands of strategies, for the life of this process
    return work(handed)


def _start_reading(arguments: Sequence[str], read: Callable[[Sequence[str], int], NoReturn]) -> tuple[int, IO[bytes]]:
    """Fork the child that reads settings; return its id, and where it answers.

    What both need is loaded by now, and no thread was started yet.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # What is left undone ends with no 0.
        os.close(ours)
        read(arguments, theirs)
    os.close(theirs)
    return child, os.fdopen(ours, "rb")
