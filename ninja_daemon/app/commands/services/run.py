"""``ninja-daemon run``: the signal daemon, or one pass of it."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from ninja_daemon import __version__
from ninja_daemon.adapters.host.systemd import ServiceManager
from ninja_daemon.adapters.journal.kept_commits import Spool
from ninja_daemon.adapters.telemetry.logs import Level, configure_logs
from ninja_daemon.app.daemon.one_pass import bring_up_to_date
from ninja_daemon.app.process.liveness import LONGEST, Pulse
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.process.supervision import supervise
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import Configuration, load_settings
from ninja_daemon.app.wiring import Parts, daemon_parts
from ninja_daemon.core.errors import ConfigError, JournalUnavailable
from ninja_daemon.core.words import counted

if TYPE_CHECKING:
    from ninja_daemon.app.daemon.process import Daemon


def run(
    *,
    once: Annotated[bool, typer.Option("--once", help="One pass over all strategies, then exit.")] = False,
    log_level: Annotated[Level, typer.Option(case_sensitive=False, help="Lowest level that is shown.")] = Level.INFO,
) -> None:
    """Watch every strategy's candles and put exact crossover signals on the Redis list.

    Wakes a little after each candle's close, takes in what is new (and whatever was missed), and goes on until it is
    told to stop (SIGTERM or Ctrl-C). Signals go to the list that `ninja-daemon notify` delivers from.

    With --once it makes one pass and ends: 0 when every strategy is up to date with the broker's newest complete
    candle, 1 when one could not be brought up to date. Fit for cron, and for a first look.

    Examples:
      ninja-daemon run

      ninja-daemon run --once && ninja-daemon signals

    Exit codes: 0 done, 1 a strategy is behind (--once) or an unexpected error, 78 the configuration cannot work.
    """
    environment, configuration = load_settings()
    if not configuration.strategies:
        message = f"{configuration.path}: [strategies.NAME] must be there at least once, there is none to watch"
        raise ConfigError(message)
    configure_logs(level=log_level, secrets=environment.secrets, stream=sys.stderr)
    parts = daemon_parts(environment)
    log = structlog.get_logger("ninja.daemon")
    for note in (*environment.notes, *configuration.notes):
        log.debug(note)
    if once:
        try:
            up_to_date = bring_up_to_date(configuration.strategies, parts)
        finally:
            parts.close()
        raise typer.Exit(0 if up_to_date else 1)
    raise typer.Exit(_live(environment, configuration, parts))


def _watchers(environment: Environment, parts: Parts, daemon: Daemon, pulse: Pulse) -> list[Callable[[], None]]:
    """Start whoever looks from outside, as far as it is wanted; return what stops them."""
    stops: list[Callable[[], None]] = []
    kept = Spool(parts.journal).count
    if environment.metrics is not None:
        from ninja_daemon.app.monitoring import DaemonFigures, monitored

        figures = DaemonFigures(daemon, traffic=lambda: parts.source.traffic, kept=kept, clock=parts.clock, pulse=pulse)
        if (monitor := monitored(environment.metrics, figures)) is not None:
            stops.append(monitor.stop)
    if environment.ping_url is not None:
        from ninja_daemon.adapters.network.ping import Ping
        from ninja_daemon.app.monitoring import DeadMansSwitch, all_is_well

        ping = Ping(environment.ping_url, insecure=environment.ping_insecure)
        switch = DeadMansSwitch(ping.send, lambda: all_is_well(daemon, pulse, kept))
        switch.start()
        stops += [switch.stop, ping.close]
    return stops


def _surroundings(parts: Parts) -> dict[str, object]:
    """Return what ``status`` shows of broker and journal."""
    traffic = parts.source.traffic
    fields: dict[str, object] = {
        "broker": {
            "requests": {str(status): count for status, count in sorted(dict(traffic.requests).items())},
            "connections": traffic.connections,
            "bytes": traffic.bytes_received,
            "candles": traffic.candles,
            "doubt": parts.source.doubt,
        }
    }
    with contextlib.suppress(JournalUnavailable):
        fields["kept_commits"] = Spool(parts.journal).count()
    return fields


def _live(environment: Environment, configuration: Configuration, parts: Parts) -> int:
    """Run until a signal comes; the life of the process in ten lines."""
    # With it comes the scheduler, which a single pass has no use for.
    from ninja_daemon.app.daemon.process import Daemon

    log = structlog.get_logger("ninja.daemon")
    stop, crashes = threading.Event(), list[BaseException]()
    stop_on_signals(stop)

    def crash(error: BaseException) -> None:
        crashes.append(error)
        stop.set()

    manager = ServiceManager()
    pulse = Pulse(parts.clock, manager.watchdog or LONGEST)
    daemon = Daemon(
        configuration.strategies,
        source=parts.source,
        store=parts.store,
        journal=parts.journal,
        clock=parts.clock,
        on_crash=crash,
        pulse=pulse,
    )
    daemon.surroundings = lambda: _surroundings(parts)
    daemon.doubt = lambda: parts.source.doubt
    log.info(
        f"ninja-daemon {__version__} watches {counted(len(configuration.strategies), 'strategy')}",
        event_id="daemon.started",
        broker=environment.api_url,
        redis=environment.redis_label,
        namespace=environment.namespace,
    )
    watchers = _watchers(environment, parts, daemon, pulse)
    daemon.start()
    supervise(
        stop,
        clock=parts.clock,
        manager=manager,
        pulse=pulse,
        log=log,
        sentence=daemon.sentence,
        progress=lambda: parts.source.traffic.requests,
    )
    ended = daemon.stop()
    for stop_watching in watchers:
        stop_watching()
    refusals = [error for error in crashes if isinstance(error, ConfigError)]
    if refusals:
        parts.close()
        raise refusals[0]
    for error in crashes:
        log.critical("an error that nobody expected ends the daemon", event_id="process.crashed", exc_info=error)
    log.info("ninja-daemon stopped", event_id="daemon.stopped")
    code = 1 if crashes else 0
    if not ended:
        # A request that hangs must not hold up the end: whatever it would bring is fetched again at the next start.
        sys.stderr.flush()
        os._exit(code)
    parts.close()
    return code
