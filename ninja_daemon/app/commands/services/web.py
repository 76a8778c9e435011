"""``ninja-daemon web``: a read-only page over status, signals and deliveries."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

import typer

from ninja_daemon.adapters.network.host_names import LARGEST_PORT
from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.app.configuration import PUBLIC_DELAY
from ninja_daemon.app.lean.handover import Handed, go_on
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.serving.options import WebOptions
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.settings.servers.web import read_web
from ninja_daemon.app.settings.strategies import inspect_configuration
from ninja_daemon.app.settings.toml_file import changed_at, read_toml
from ninja_daemon.app.shared_options import LOG_LEVEL
from ninja_daemon.core.errors import ConfigError

DEFAULT: Final = "127.0.0.1:9465"
_ADDRESS: Final = re.compile(r"(?:\[([0-9a-fA-F:]+)\]|([^\[\]:]+)):(\d{1,5})")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_DELAY: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--public-delay",
        min=0,
        metavar="MINUTES",
        help="With --public, from a candle's close; in the place of public_delay of the file.",
        show_default=False,
    ),
]


def web(
    context: typer.Context,
    *,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where it answers. Other machines reach it only when told so here.")
    ] = DEFAULT,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="NAME", help="A name under which it may be asked; may be repeated."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Show signals, outcomes and record only, after a delay.")
    ] = False,
    public_delay: _DELAY = None,
    log_level: LOG_LEVEL = LogLevel.INFO,
) -> None:
    """Show a read-only page over status, signals and deliveries."""
    address = _address(listen)
    hosts = [_named(name) for name in host or []]
    environ, product = running_environ()
    say_found(product)
    environment = read_environment(environ)
    delay = _delay(environment, public_delay) if public else None
    stamp = changed_at(environment.config_path)
    configuration, problems = (None, []) if public else inspect_configuration(environment)
    if configuration is None and not public:
        raise ConfigError(*problems)
    options = WebOptions(address, tuple(hosts), delay, log_level, stamp)
    raise typer.Exit(go_on("web", Handed(options, environment, configuration), context.obj))


def _delay(environment: Environment, minutes: int | None) -> float:
    """Return the seconds that strangers wait; of the file nothing else is looked at."""
    if minutes is not None:
        return minutes * 60
    if not environment.config_path.exists():
        return PUBLIC_DELAY  # the public page needs no file
    delay, problems = read_web(read_toml(environment.config_path))
    if problems:
        raise ConfigError(*(f"{environment.config_path}: {problem}" for problem in problems))
    return delay


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match[3]) > LARGEST_PORT:
        message = f"must be an address and a port such as {DEFAULT} or [::1]:9465, was {text[:64]!r}"
        raise typer.BadParameter(message, param_hint="--listen")
    return match[1] or match[2], int(match[3])


def _named(name: str) -> str:
    if _HOST.fullmatch(name) is None:
        message = f"must be a name such as signals.example.org, without scheme and port, was {name[:64]!r}"
        raise typer.BadParameter(message, param_hint="--host")
    return name
