"""``ninja-daemon web``: a read-only page over status, signals and deliveries."""

from __future__ import annotations

import re
import sys
import threading
from typing import Annotated, Final, TypeAlias

import structlog
import typer

from ninja_daemon import __version__
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.host.systemd import ServiceManager
from ninja_daemon.adapters.telemetry.logs import Level, configure_logs
from ninja_daemon.app.process.liveness import LONGEST, Liveness
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.process.supervision import Workers, supervise
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.settings.servers.web import PUBLIC_DELAY, read_web
from ninja_daemon.app.settings.toml_file import read_toml
from ninja_daemon.app.web.look import Histories, Insides
from ninja_daemon.app.web.owner.site import OwnersSite
from ninja_daemon.app.web.record.delayed_record import DelayedRecord
from ninja_daemon.app.web.server import WebServer
from ninja_daemon.app.web.site import PublicSite, Site
from ninja_daemon.core.errors import ConfigError

DEFAULT: Final = "127.0.0.1:9465"
_ADDRESS: Final = re.compile(r"(?:\[([0-9a-fA-F:]+)\]|([^\[\]:]+)):(\d{1,5})")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HIGHEST_PORT: Final = 65_535

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
    log_level: Annotated[Level, typer.Option(case_sensitive=False, help="Lowest level that is shown.")] = Level.INFO,
) -> None:
    """Show a read-only page over status, signals and deliveries."""
    address = _address(listen)
    hosts = [_named(name) for name in host or []]
    environ, product = running_environ()
    say_found(product)
    environment = read_environment(environ)
    configure_logs(level=log_level, secrets=environment.secrets, stream=sys.stderr, identifier="ninja-web")
    clock = SystemClock()
    site = _site(environment, clock, delay=_delay(environment, public_delay) if public else None)
    try:
        _serve(site, address, hosts, clock)
    finally:
        site.close()


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


def _site(environment: Environment, clock: SystemClock, *, delay: float | None) -> Site:
    histories = Histories(environment, clock)
    if delay is not None:
        return PublicSite(histories, DelayedRecord(environment), clock, delay)
    insides = Insides(environment, clock)
    insides.settings()  # a file that cannot be read is said now
    return OwnersSite(histories, insides, clock)


def _serve(site: Site, address: tuple[str, int], hosts: list[str], clock: SystemClock) -> None:
    """Run until a signal comes."""
    log = structlog.get_logger("ninja.web")
    stop = threading.Event()
    stop_on_signals(stop)

    def unexpected(error: BaseException | None) -> None:
        log.error("a request ended in an error that nobody expected", exc_info=error)

    server = WebServer(address, site, hosts, unexpected)
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    log.info(f"the page of ninja-daemon {__version__} is at http://{shown}:{server.port}/", event_id="web.started")
    server.start()
    manager = ServiceManager()
    liveness = Liveness(clock, manager.watchdog or LONGEST)
    workers = Workers(liveness, lambda: f"port {server.port}")
    supervise(stop, workers, clock=clock, manager=manager, log=log)
    server.stop()
    log.info("the page is no longer shown", event_id="web.stopped")


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match[3]) > _HIGHEST_PORT:
        message = f"must be an address and a port such as {DEFAULT} or [::1]:9465, was {text[:64]!r}"
        raise typer.BadParameter(message, param_hint="--listen")
    return match[1] or match[2], int(match[3])


def _named(name: str) -> str:
    if _HOST.fullmatch(name) is None:
        message = f"must be a name such as signals.example.org, without scheme and port, was {name[:64]!r}"
        raise typer.BadParameter(message, param_hint="--host")
    return name
