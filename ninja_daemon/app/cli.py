"""The console script: which command runs, and what an error means for the exit code (contract 1).

Only the module of the command that was asked for is loaded; ``run`` starts without tables, senders or the simulator.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.main import get_command

from ninja_daemon import __version__
from ninja_daemon.app.command_help import COMMANDS, OVERVIEW
from ninja_daemon.app.option_groups import spread
from ninja_daemon.app.process.lean_imports import import_structlog
from ninja_daemon.app.process.private_files import keep_from_others
from ninja_daemon.app.process.stopping import end_at_once_on_sigterm
from ninja_daemon.app.process.streams import is_about_output, stand_in_for_closed_streams, write_out
from ninja_daemon.core.errors import CandleFileRejected, ConfigError, NinjaError

EXIT_LEFT_OVER: Final = 1
EXIT_CONFIGURATION: Final = 78
EXIT_INTERRUPTED: Final = 130
PROGRAM: Final = "ninja-daemon"
_LASTING: Final = frozenset({"run", "notify", "up", "demo", "web"})
"""Commands that run until they are told to stop, and for which being told so early is no failure either."""

_LEAN: Final = frozenset({"run", "notify", "web"})
"""Commands whose start is counted in tenths of a second, and that show no table."""


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
    code = _run(arguments)
    unwritten = write_out()
    sys.exit(code or (0 if unwritten is None else _unwritten(unwritten)))


def _run(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code, after its error was said."""
    try:
        get_command(application(arguments))(args=arguments, prog_name=PROGRAM)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else EXIT_LEFT_OVER if end.code else 0
    except ConfigError as error:
        _say_problems(error.problems)
        return EXIT_CONFIGURATION
    except CandleFileRejected as error:
        _say_faults(error.problems)
        return EXIT_LEFT_OVER
    except NinjaError as error:
        typer.echo(f"{PROGRAM}: {_one_line(str(error))}", err=True)
        return EXIT_LEFT_OVER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        if not is_about_output(error):
            raise
        return _unwritten(error)
    return 0


def application(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with all commands listed, of which only the one in ``arguments`` is loaded."""
    app = typer.Typer(
        name=PROGRAM,
        help=OVERVIEW,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    arguments = arguments or _being_completed()
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    if asked in _LEAN:
        import_structlog()
    for name in COMMANDS:
        _register(app, name, load=name == asked)
    return app


def _being_completed() -> Sequence[str]:
    """Return the words that a shell asks to complete, whose command must be known with its options."""
    return os.environ.get("COMP_WORDS", os.environ.get("_TYPER_COMPLETE_ARGS", "")).split()[1:]


def _register(app: typer.Typer, name: str, *, load: bool) -> None:
    texts = COMMANDS[name]
    # `import` is a word of Python's.
    written = f"{name}_" if iskeyword(name) else name
    module = f"ninja_daemon.app.commands.{texts.folder}.{written}"
    what: Any = getattr(import_module(module), written) if load else _not_loaded
    if isinstance(what, typer.Typer):
        app.add_typer(what, name=name, help=texts.text(), short_help=texts.summary)
    else:
        command: Callable[..., Any] = what
        app.command(name, help=texts.text(), short_help=texts.summary)(spread(command))


def _not_loaded() -> None:
    """Stand in the list of commands for one that was not asked for."""


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - the shape of an option's callback
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        from ninja_daemon.app.commands.views.overview import overview

        overview()


def _unwritten(error: OSError) -> int:
    if error.errno != errno.EPIPE:  # Whoever closed the other end knows, `head` for one.
        with suppress(OSError):
            typer.echo(f"{PROGRAM}: the output cannot be written ({error.strerror})", err=True)
    return EXIT_LEFT_OVER


def _say_problems(problems: Sequence[str]) -> None:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    typer.echo(f"{PROGRAM}: the configuration cannot work, {count}:", err=True)
    for problem in problems:
        typer.echo(f"  - {_one_line(problem)}", err=True)


def _say_faults(problems: Sequence[str]) -> None:
    if len(problems) == 1:
        typer.echo(f"{PROGRAM}: {_one_line(problems[0])}", err=True)
        return
    typer.echo(f"{PROGRAM}: the candles cannot be taken in, {len(problems)} kinds of fault:", err=True)
    for problem in problems:
        typer.echo(f"  - {_one_line(problem)}", err=True)


def _one_line(text: str) -> str:
    # Loaded only when there is something to say.
    from ninja_daemon.adapters.network.redaction import Redaction, escaped

    return escaped(Redaction().text(text))
