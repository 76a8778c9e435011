"""What ``ninja-daemon web`` does with its settings: the life of the page."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

import structlog

from ninja_daemon import __version__
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.host.systemd import ServiceManager
from ninja_daemon.adapters.telemetry.logs import configure_logs
from ninja_daemon.app.lean.handover import Handed
from ninja_daemon.app.process.liveness import LONGEST, Liveness
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.process.supervision import Workers, supervise
from ninja_daemon.app.serving.options import WebOptions
from ninja_daemon.app.web.look import Histories, Insides, KnownConfiguration
from ninja_daemon.app.web.owner.site import OwnersSite
from ninja_daemon.app.web.record.delayed_record import DelayedRecord
from ninja_daemon.app.web.server import WebServer
from ninja_daemon.app.web.site import PublicSite, Site


def serve(handed: Handed) -> int:
    """Show the page until a signal comes; return the exit code."""
    options: WebOptions = handed.options
    environment = handed.environment
    configure_logs(level=options.log_level, secrets=environment.secrets, stream=sys.stderr, identifier="ninja-web")
    clock = SystemClock()
    site = _site(handed, clock, delay=options.delay)
    try:
        _serve(site, options.address, options.hosts, clock)
    finally:
        site.close()
    return 0


def _site(handed: Handed, clock: SystemClock, *, delay: float | None) -> Site:
    environment = handed.environment
    histories = Histories(environment, clock)
    if delay is not None:
        return PublicSite(histories, DelayedRecord(environment), clock, delay)
    assert handed.configuration is not None  # noqa: S101 - the command line has read it
    known = KnownConfiguration(handed.configuration, handed.options.stamp)
    return OwnersSite(histories, Insides(environment, clock, known), clock)


def _serve(site: Site, address: tuple[str, int], hosts: Sequence[str], clock: SystemClock) -> None:
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
