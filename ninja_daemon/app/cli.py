"""The console script. A command that lasts has its settings read by a child, and loads what it works with meanwhile."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from ninja_daemon.app.lean.bodies import BODIES
from ninja_daemon.app.process.ending import code_of, unwritten
from ninja_daemon.app.process.private_files import keep_from_others
from ninja_daemon.app.process.stopping import end_at_once_on_sigterm
from ninja_daemon.app.process.streams import stand_in_for_closed_streams, write_out

_LASTING: Final = frozenset({*BODIES, "up", "demo"})
"""Commands that run until they are told to stop, and for which being told so early is no failure either."""
_APART: Final = frozenset(BODIES)
"""Commands whose settings a child reads."""
_SOON_OVER: Final = frozenset({"-h", "--help", "--new-secret", "--preview", "--test"})
"""Options with which such a command does one thing and ends."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with the exit code of the contract.

    Args:
        arguments: the command line without the program's name; None for that of this process.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    stand_in_for_closed_streams()
    keep_from_others()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows no arrows shows question marks in their place; nothing fails for it.
        sys.stdout.reconfigure(errors="replace")
    if arguments and arguments[0] in _LASTING:
        end_at_once_on_sigterm()
    code = code_of(lambda: _run(arguments))
    held_back = write_out()
    gc.freeze()  # to look once more for garbage in all that is left took a tenth of a start
    sys.exit(code or (0 if held_back is None else unwritten(held_back)))


def _run(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in _APART and _SOON_OVER.isdisjoint(arguments):
        from ninja_daemon.app.lean.front import serve

        return serve(arguments, _read)
    from ninja_daemon.app.command_line import command_line

    return command_line(arguments)


def _read(arguments: Sequence[str], sink: int) -> NoReturn:
    """Be the child that reads the settings of a lasting command; the lasting process loads nothing of it."""
    from ninja_daemon.app.reader import read

    read(arguments, sink)
