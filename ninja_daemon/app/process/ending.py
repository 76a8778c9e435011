"""How a process of ours ends: what an error means for the exit code (contract 1), and what is said of it."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from ninja_daemon.app.process.streams import is_about_output
from ninja_daemon.core.errors import CandleFileRejected, ConfigError, NinjaError

EXIT_LEFT_OVER: Final = 1
EXIT_CONFIGURATION: Final = 78
EXIT_INTERRUPTED: Final = 130
PROGRAM: Final = "ninja-daemon"


def code_of(work: Callable[[], int]) -> int:
    """Do something; return its exit code, or that of its error after this was said."""
    try:
        return work()
    except ConfigError as error:
        _say_problems(error.problems)
        return EXIT_CONFIGURATION
    except CandleFileRejected as error:
        _say_faults(error.problems)
        return EXIT_LEFT_OVER
    except NinjaError as error:
        _say(f"{PROGRAM}: {_one_line(str(error))}")
        return EXIT_LEFT_OVER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        if not is_about_output(error):
            raise
        return unwritten(error)


def unwritten(error: OSError) -> int:
    """Say that the output could not be written; return the exit code."""
    if error.errno != errno.EPIPE:  # The reader closed the pipe, as `head` does: nobody needs to be told.
        _say(f"{PROGRAM}: the output cannot be written ({error.strerror})")
    return EXIT_LEFT_OVER


def _say(line: str) -> None:
    with suppress(OSError):  # The exit code says it as well, and a service manager reads only that.
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - there is no log for it


def _say_problems(problems: Sequence[str]) -> None:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    _say(f"{PROGRAM}: the configuration cannot work, {count}:")
    for problem in problems:
        _say(f"  - {_one_line(problem)}")


def _say_faults(problems: Sequence[str]) -> None:
    if len(problems) == 1:
        _say(f"{PROGRAM}: {_one_line(problems[0])}")
        return
    _say(f"{PROGRAM}: the candles cannot be taken in, {len(problems)} kinds of fault:")
    for problem in problems:
        _say(f"  - {_one_line(problem)}")


def _one_line(text: str) -> str:
    # Loaded only when there is something to say.
    from ninja_daemon.adapters.network.redaction import Redaction, escaped  # noqa: PLC0415

    return escaped(Redaction().text(text))
