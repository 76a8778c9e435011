"""The short-lived process: reads command line and settings with all that it takes, and ends."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from ninja_daemon.app.command_line import command_line
from ninja_daemon.app.lean.handover import Handed, pack
from ninja_daemon.app.process.ending import code_of
from ninja_daemon.app.process.streams import write_out


def read(arguments: Sequence[str], sink: int) -> NoReturn:
    """Do what the command line says; its work is left to the process at the other end of the pipe.

    Args:
        arguments: the command line without the program's name.
        sink: number of the pipe's end, which is closed.
    """
    code = 1
    try:
        with os.fdopen(sink, "wb") as file:

            def waiting(handed: Handed) -> None:
                with suppress(BrokenPipeError):  # it was told to stop meanwhile
                    pack(handed, file)

            code = code_of(lambda: command_line(arguments, waiting))
    except Exception:  # noqa: BLE001 - what called this is the other process's
        traceback.print_exc()
    finally:
        write_out()
        os._exit(code)  # to take everything down again took as long as to read the settings
