"""The commands and their options. Only the module of the command that was asked for is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand
from typer.main import get_command

from ninja_daemon import __version__
from ninja_daemon.app.command_help import COMMANDS, OVERVIEW
from ninja_daemon.app.lean.bodies import BODIES
from ninja_daemon.app.lean.lean_imports import import_structlog
from ninja_daemon.app.option_groups import spread

PROGRAM: Final = "ninja-daemon"
_UsageError: Final[Any] = typer.BadParameter.__base__


def command_line(arguments: Sequence[str], waiting: Callable[[Any], None] | None = None) -> int:
    """Do what a command line says; return the exit code.

    Args:
        arguments: the command line without the program's name.
        waiting: takes the settings of a command that lasts, for the process that works by them.
    """
    try:
        get_command(application(arguments))(args=arguments, prog_name=PROGRAM, obj=waiting)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1 if end.code else 0
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
    if asked in BODIES:  # which show no table
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
        for each in what.registered_commands:
            each.cls = _Command
        app.add_typer(what, name=name, help=texts.text(), short_help=texts.summary)
    else:
        command: Callable[..., Any] = what
        app.command(name, cls=_Command, help=texts.text(), short_help=texts.summary)(spread(command))


class _Command(TyperCommand):
    """A command that says of an option or argument without its value what belongs there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer brings its own kind of click
        """Read the command line."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            name = getattr(error, "option_name", None)
            about = next((one for one in self.params if name in one.opts), None)
            about = getattr(error, "param", None) if about is None and not error.message else about
            if about is not None:
                error.message = f"{error.message} {getattr(about, 'help', '')}".strip()
            raise


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
        from ninja_daemon.app.commands.views.overview import overview  # noqa: PLC0415 - few ask for it

        overview()
