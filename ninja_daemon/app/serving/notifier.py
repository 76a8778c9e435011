"""What ``ninja-daemon notify`` does with its settings: the notifier's life, or one pass."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import structlog
from structlog.typing import FilteringBoundLogger

from ninja_daemon import __version__
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.adapters.telemetry.logs import configure_logs
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.lean.handover import Handed
from ninja_daemon.app.notifier.live import LiveNotifier
from ninja_daemon.app.notifier.one_pass import OnePass
from ninja_daemon.app.notifier.parts import notifier_parts
from ninja_daemon.app.process.private_files import say_private
from ninja_daemon.app.process.process_note import ProcessNote
from ninja_daemon.app.process.reload import Reload, scope_of
from ninja_daemon.app.process.service import Life, Service
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.queues.leftovers import leftovers
from ninja_daemon.app.queues.opening import store_label
from ninja_daemon.app.serving.options import NotifyOptions
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StoreUnavailable


def serve(handed: Handed) -> int:
    """Deliver until a signal comes, or until nothing is due; return the exit code."""
    options: NotifyOptions = handed.options
    assert handed.configuration is not None  # noqa: S101 - the command line has read it
    _set_up_logs(handed.environment, options.log_level)
    if options.drain:
        return _one_pass(handed.environment, handed.configuration)
    return _live(handed.environment, handed.configuration, options.log_level)


def _one_pass(environment: Environment, configuration: Configuration) -> int:
    stop = threading.Event()
    stop_on_signals(stop)
    parts = notifier_parts(environment, configuration.delivery, configuration.strategies)
    try:
        nothing_left = OnePass(parts).run(stop)
    finally:
        parts.close()
    return 0 if nothing_left else 1


def _live(environment: Environment, configuration: Configuration, level: LogLevel) -> int:
    """Run until a signal comes."""
    log = structlog.get_logger("ninja.notifier")
    say_private(environment.state_dir, log)
    service = Service(SystemClock(), log)
    notifier = LiveNotifier(
        lambda new: notifier_parts(environment, new.delivery, new.strategies),
        configuration,
        service.crash,
        service.liveness,
    )
    _announce(environment, notifier, log)

    def take_over(new: Configuration) -> None:
        _set_up_logs(environment, level)
        notifier.take_over(new)

    def farewell() -> None:
        delivered = notifier.counts["signal.delivered"]
        log.info("the notifier stopped", event_id="notifier.stopped", delivered=delivered)

    note = ProcessNote(environment.state_dir, "notify", scope_of(environment))
    reload = Reload(environment, configuration, note=note, log=log, take_over=take_over, refused=notifier.tell_refused)
    stops = [*_monitors(environment, notifier, service), note.close]
    return service.live(notifier, Life(stops=stops, farewell=farewell, close=notifier.close, reload=reload))


def _announce(environment: Environment, notifier: LiveNotifier, log: FilteringBoundLogger) -> None:
    log.info(
        f"the notifier of ninja-daemon {__version__} serves {', '.join(notifier.destinations)}",
        event_id="notifier.started",
        redis=store_label(environment),
        namespace=environment.namespace,
    )
    with suppress(StoreUnavailable):
        for sentence in leftovers(notifier.depths(), notifier.destinations):
            log.warning(sentence, event_id="delivery.leftover")


def _monitors(environment: Environment, notifier: LiveNotifier, service: Service) -> Iterator[Callable[[], None]]:
    """Open the page of metrics where one is wanted; give what ends it."""
    if environment.metrics is not None:
        from ninja_daemon.app.monitoring import NotifierFigures, monitored  # noqa: PLC0415 - only when wanted

        monitor = monitored(environment.metrics, NotifierFigures(notifier, notifier.depths, service.liveness))
        if monitor is not None:
            yield monitor.stop


def _set_up_logs(environment: Environment, level: LogLevel) -> None:
    """Send the logs through one handler that knows every secret that was read so far."""
    configure_logs(level=level, secrets=environment.secrets, stream=sys.stderr, identifier="ninja-notifier")
