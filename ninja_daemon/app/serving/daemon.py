"""What ``ninja-daemon run`` does with its settings: the daemon's life, or one pass."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from structlog.typing import FilteringBoundLogger

from ninja_daemon import __version__
from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.adapters.telemetry.logs import configure_logs
from ninja_daemon.app.audits.own_audit import OwnAudit
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.daemon.one_pass import bring_up_to_date
from ninja_daemon.app.lean.handover import Handed
from ninja_daemon.app.process.private_files import say_private
from ninja_daemon.app.process.process_note import ProcessNote
from ninja_daemon.app.process.reload import Reload, scope_of
from ninja_daemon.app.process.service import Life, Service
from ninja_daemon.app.serving.options import RunOptions, require_strategies
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.left_strategies import left_sentences
from ninja_daemon.app.wiring import Parts, daemon_parts, make_daemon, watch
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.ports import DaemonPorts

if TYPE_CHECKING:
    from ninja_daemon.app.daemon.process import Daemon
    from ninja_daemon.app.fleet.fleet import Fleet


def serve(handed: Handed) -> int:
    """Watch the strategies, or make one pass; return the exit code."""
    options: RunOptions = handed.options
    environment, configuration = handed.environment, handed.configuration
    assert configuration is not None  # noqa: S101 - the command line has read it
    configure_logs(level=options.log_level, secrets=environment.secrets, stream=sys.stderr)
    if options.processes > 1 and not options.once:
        from ninja_daemon.app.fleet.processes import run_processes  # noqa: PLC0415 - few do

        return run_processes(environment, configuration, options.processes, options.log_level.value)
    parts = daemon_parts(environment, configuration.servers)
    parts.mirror_to(configuration.delivery.mirror)
    parts.packer.draws_for(configuration.delivery)
    parts.news.keeps(configuration.calendar)
    log = structlog.get_logger("ninja.daemon")
    for note in (*environment.notes, *configuration.notes):
        log.debug(note)
    if not options.once:
        return _live(environment, configuration, parts, options.log_level)
    try:
        return 0 if _once(environment, configuration, parts) else 1
    finally:
        parts.close()


def _once(environment: Environment, configuration: Configuration, parts: Parts) -> bool:
    """Make one pass, over each shard where there are several; tell whether all is up to date."""
    parts.news.look()
    if configuration.servers.shards == 1:
        enabled = [strategy for strategy in configuration.strategies if strategy.enabled]
        return bring_up_to_date(enabled, parts, parts.after, parts.news.calendar)
    from ninja_daemon.app.fleet.making import pass_over_shards  # noqa: PLC0415 - only with shards

    def one_pass(strategies: Sequence[Strategy], ports: DaemonPorts) -> bool:
        return bring_up_to_date(strategies, ports, parts.after, parts.news.calendar)

    return pass_over_shards(environment, configuration, parts, one_pass)


def _body(environment: Environment, configuration: Configuration, parts: Parts, service: Service) -> Daemon | Fleet:
    if not environment.cache_enabled and configuration.servers.shards == 1:
        return make_daemon(parts, configuration.strategies, service)
    from ninja_daemon.app.fleet.making import make_body  # noqa: PLC0415 - brings redis-py along

    return make_body(environment, configuration, parts, service)


def _say_started(environment: Environment, configuration: Configuration, log: FilteringBoundLogger) -> None:
    log.info(
        f"ninja-daemon {__version__} watches {counted(len(configuration.strategies), 'strategy')}",
        event_id="daemon.started",
        broker=environment.api_url,
        redis=environment.redis_label,
        namespace=environment.namespace,
    )

    def say_left() -> None:
        for sentence in left_sentences(environment, {strategy.name for strategy in configuration.strategies}):
            log.warning(sentence, event_id="strategy.leftover")

    # A Redis that does not answer must not hold up the start.
    threading.Thread(target=say_left, name="leftovers", daemon=True).start()


def _live(environment: Environment, configuration: Configuration, parts: Parts, level: LogLevel) -> int:
    """Run until a signal comes."""
    log = structlog.get_logger("ninja.daemon")
    say_private(environment.state_dir, log)
    service = Service(parts.clock, log)
    daemon = _body(environment, configuration, parts, service)
    _say_started(environment, configuration, log)
    parts.news.start()

    audits = OwnAudit(environment, daemon, parts.clock, parts.store.alert, configuration.audit_every)

    def take_over(new: Configuration) -> None:
        require_strategies(new)
        audits.every = new.audit_every
        configure_logs(level=level, secrets=environment.secrets, stream=sys.stderr)
        parts.mirror_to(new.delivery.mirror)
        parts.packer.draws_for(new.delivery)
        parts.news.keeps(new.calendar)
        parts.news.look()
        daemon.take_over(new.strategies)

    note = ProcessNote(environment.state_dir, "run", scope_of(environment))
    reload = Reload(environment, configuration, note=note, log=log, take_over=take_over, refused=daemon.tell_refused)
    life = Life(
        progress=lambda: parts.source.traffic.requests,
        stops=[audits.start(), *watch(environment, daemon, parts, service, audits.summary), note.close],
        farewell=lambda: log.info("ninja-daemon stopped", event_id="daemon.stopped"),
        close=parts.close,
        reload=reload,
    )
    return service.live(daemon, life)
