"""The short-lived process: reads command line and settings with all that it takes, and ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ninja_daemon.app.command_line import command_line
from ninja_daemon.app.lean.handover import Handed, pack
from ninja_daemon.app.process.ending import code_of


def main() -> None:
    """Do what the command line says; its work is left to the process at the other end of the pipe."""
    sink, *arguments = sys.argv[1:]
    with os.fdopen(int(sink), "wb") as file:

        def waiting(handed: Handed) -> None:
            with suppress(BrokenPipeError):  # it was told to stop meanwhile
                pack(handed, file)

        sys.exit(code_of(lambda: command_line(arguments, waiting)))
