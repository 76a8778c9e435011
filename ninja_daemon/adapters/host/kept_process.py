"""Child processes that do not outlive their parent, however it ends.

Linux can signal a child when its parent dies (``PR_SET_PDEATHSIG``), but it does so when the *thread* that started the
child ends, and setting it needs code between fork and exec, which is not safe beside threads. Here a pipe does it: its
writing end is open in this process alone, and a shell that holds the reading end sees it close however this process
ends, SIGKILL included, and then asks the program to stop. Closing the pipe on purpose is the same, so that a stop and a
death are one path.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Final

KEEPER: Final = """
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
{ read -r _ <&3; kill -TERM "$program" 2>/dev/null; } &
watcher=$!
exec 3<&-
wait "$program"
status=$?
exec 2>/dev/null
kill "$watcher"
exit "$status"
"""
"""A shell program that runs its arguments and stops them when its standard input is closed."""


def start_kept(command: Sequence[str], environment: Mapping[str, str], *, stderr: IO[bytes]) -> subprocess.Popen[str]:
    """Start a program under the keeper, its output a pipe of text, its process group its own.

    Ctrl-C in the terminal reaches this process alone, which stops the others in its turn. Closing ``stdin`` of what is
    returned stops the program.
    """
    return subprocess.Popen(  # noqa: S603 - the command is our own
        ["/bin/sh", "-c", KEEPER, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=dict(environment),
        text=True,
        errors="replace",
        start_new_session=True,
    )
